"""The bridge from an old authority to a new one, as TLS libraries see it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto

from certs import Authority, AuthorityMismatch, make_request
from certs.bridge import bridge, leads_from

pytestmark = pytest.mark.story("022")

NOW = datetime.now(UTC)
GOSSIP_BYTES_MAX = 900


@pytest.fixture(scope="module")
def old() -> Authority:
    return Authority.create("home", NOW)


@pytest.fixture(scope="module")
def new() -> Authority:
    return Authority.create("home", NOW)


def leaf_of(authority: Authority) -> x509.Certificate:
    _, csr_pem = make_request("n1")
    return x509.load_pem_x509_certificate(authority.sign(csr_pem, "n1", ["127.0.0.1"], NOW))


def verify(anchor: Authority, leaf: x509.Certificate, *between: x509.Certificate) -> None:
    """Build a chain as OpenSSL does, with one anchor and what the other side shows."""
    store = crypto.X509Store()
    store.add_cert(crypto.X509.from_cryptography(anchor.certificate))
    shown = [crypto.X509.from_cryptography(each) for each in between]
    crypto.X509StoreContext(store, crypto.X509.from_cryptography(leaf), shown).verify_certificate()


def test_who_knows_only_the_old_authority_follows_the_bridge(old: Authority, new: Authority) -> None:
    verify(old, leaf_of(new), bridge(old, new.certificate), new.certificate, old.certificate)


def test_who_knows_the_new_authority_needs_no_bridge(old: Authority, new: Authority) -> None:
    verify(new, leaf_of(new), bridge(old, new.certificate), new.certificate, old.certificate)


def test_without_the_bridge_the_old_authority_leads_nowhere(old: Authority, new: Authority) -> None:
    with pytest.raises(crypto.X509StoreContextError):
        verify(old, leaf_of(new), new.certificate)


def test_a_bridge_from_a_stranger_leads_nowhere(old: Authority, new: Authority) -> None:
    stranger = Authority.create("home", NOW)
    between = bridge(stranger, new.certificate)
    assert not leads_from(between, old.certificate)
    with pytest.raises(crypto.X509StoreContextError):
        verify(old, leaf_of(new), between, new.certificate)


def test_a_node_certificate_is_no_bridge(old: Authority) -> None:
    assert not leads_from(leaf_of(old), old.certificate)


def test_a_bridge_leads_from_the_old_one_and_not_back(old: Authority, new: Authority) -> None:
    between = bridge(old, new.certificate)
    assert leads_from(between, old.certificate)
    assert not leads_from(between, new.certificate)
    assert between.public_key() == new.certificate.public_key()
    assert between.not_valid_after_utc <= old.certificate.not_valid_after_utc


def test_pythons_own_tls_takes_a_bridge_among_its_authorities(old: Authority, new: Authority) -> None:
    pem = old.certificate_pem + bridge(old, new.certificate).public_bytes(Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pem.decode())
    assert context.cert_store_stats()["x509_ca"] == 2


def test_an_authority_vouches_for_no_other_cluster(old: Authority) -> None:
    with pytest.raises(AuthorityMismatch):
        bridge(old, Authority.create("elsewhere", NOW).certificate)


def test_a_bridge_fits_into_one_gossip_datagram() -> None:
    name = "c" * 50
    first, second = Authority.create(name, NOW), Authority.create(name, NOW)
    assert len(bridge(first, second.certificate).public_bytes(Encoding.DER)) <= GOSSIP_BYTES_MAX
