"""Client certificates: one that is good says who calls; each bad one is bad in one way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import InvalidConfig, Unauthorized
from caxton_node.security import Credentials, Kind, Principal
from caxton_node.security.authenticators.certificate import CertificateAuthenticator, read_authorities
from certs import Authority
from certs.pem import load_certificates, new_key
from tests.support.certificates import Pki

pytestmark = pytest.mark.story("023")

URI = "spiffe://home/client/ci"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki("home")


def judge_of(*authorities: Authority, denied: frozenset[int] = frozenset()) -> CertificateAuthenticator:
    return CertificateAuthenticator(
        cluster="home",
        authorities=lambda: [each.certificate for each in authorities],
        denied_serials=lambda: denied,
        grants={"ci": ["developer@acme"]},
        clock=SystemClock(),
    )


def der_of(certificate_pem: bytes) -> bytes:
    return load_certificates(certificate_pem, "the certificate")[0].public_bytes(Encoding.DER)


async def judged(judge: CertificateAuthenticator, der: bytes) -> Principal:
    return await judge.authenticate(Credentials(certificate_der=der))


async def test_a_client_is_known_by_its_uri_and_has_what_is_set_for_it(pki: Pki) -> None:
    made = pki.authority.sign_client("ci", new_key().public_key(), datetime.now(UTC), 1)
    principal = await judged(judge_of(pki.authority), der_of(made))
    assert (principal.name, principal.roles, principal.kind) == ("ci", "developer@acme", Kind.CERTIFICATE)
    ends = load_certificates(made, "certificate")[0].not_valid_after_utc
    assert principal.expires_unix_s == ends.timestamp()


async def test_a_client_that_is_not_named_has_no_grants_of_its_own(pki: Pki) -> None:
    made = pki.authority.sign_client("eve", new_key().public_key(), datetime.now(UTC))
    assert (await judged(judge_of(pki.authority), der_of(made))).grants == ()


async def test_clients_may_have_a_ca_of_their_own(pki: Pki, tmp_path: Path) -> None:
    other = Pki("home").authority
    made = der_of(other.sign_client("ci", new_key().public_key(), datetime.now(UTC)))
    with pytest.raises(Unauthorized):
        await judged(judge_of(pki.authority), made)
    (tmp_path / "ca.crt").write_bytes(other.certificate_pem)
    (ca,) = read_authorities(tmp_path / "ca.crt")
    assert ca == other.certificate
    assert (await judged(judge_of(pki.authority, other), made)).name == "ci"


BAD: dict[str, Callable[[Pki], bytes]] = {
    "expired": lambda by: by.odd_credentials("ci", uri=URI, since_days=-9, until_days=-1).certificate_pem,
    "not good yet": lambda by: by.odd_credentials("ci", uri=URI, since_days=1).certificate_pem,
    "signed by itself": lambda by: by.odd_credentials("ci", uri=URI, signed_by_itself=True).certificate_pem,
    "signed by a CA with the same name": lambda by: (
        Pki("home").odd_credentials("ci", uri=URI).certificate_pem
    ),
    "a node": lambda by: by.credentials("n1").certificate_pem,
    "a node of the same name": lambda by: by.credentials("ci").certificate_pem,
    "of another cluster": lambda by: (
        by.odd_credentials("ci", uri="spiffe://elsewhere/client/ci").certificate_pem
    ),
    "without names": lambda by: by.odd_credentials("ci", named=False).certificate_pem,
    "with no client in its URI": lambda by: (
        by.odd_credentials("ci", uri="spiffe://home/client/").certificate_pem
    ),
    "with a path for a name": lambda by: (
        by.odd_credentials("ci", uri="spiffe://home/client/ci/../root").certificate_pem
    ),
    "with a name in other case": lambda by: (
        by.odd_credentials("ci", uri="spiffe://home/client/CI").certificate_pem
    ),
    "with a scheme in other case": lambda by: (
        by.odd_credentials("ci", uri="SPIFFE://home/client/ci").certificate_pem
    ),
    "with a query behind the name": lambda by: by.odd_credentials("ci", uri=f"{URI}?x").certificate_pem,
    "for servers": lambda by: (
        by.odd_credentials("ci", uri=URI, usages=[ExtendedKeyUsageOID.SERVER_AUTH]).certificate_pem
    ),
    "of a CA": lambda by: by.odd_credentials("ci", uri=URI, is_authority=True).certificate_pem,
    "the CA itself": lambda by: by.authority.certificate_pem,
}


@pytest.mark.parametrize("name", BAD)
async def test_a_certificate_that_is_bad_in_one_way_is_refused(pki: Pki, name: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        await judged(judge_of(pki.authority), der_of(BAD[name](pki)))
    assert caught.value.reason == ("expired" if name == "expired" else "invalid")


@pytest.mark.parametrize("der", [b"x", b"\x30\x82", bytes(20_000)])
async def test_what_is_no_certificate_is_refused(pki: Pki, der: bytes) -> None:
    with pytest.raises(Unauthorized):
        await judged(judge_of(pki.authority), der)


async def test_a_revoked_certificate_is_refused(pki: Pki) -> None:
    made = der_of(pki.authority.sign_client("ci", new_key().public_key(), datetime.now(UTC)))
    serial = x509.load_der_x509_certificate(made).serial_number
    with pytest.raises(Unauthorized) as caught:
        await judged(judge_of(pki.authority, denied=frozenset({serial})), made)
    assert caught.value.reason == "revoked"


async def test_a_ca_that_has_ended_vouches_for_nobody() -> None:
    long_ago = datetime.now(UTC) - timedelta(days=3649)
    old = Authority.create("home", long_ago - timedelta(days=2))
    made = der_of(old.sign_client("ci", new_key().public_key(), long_ago, 3640))
    with pytest.raises(Unauthorized):
        await judged(judge_of(old), made)


def test_a_file_without_a_ca_is_refused_at_the_start(pki: Pki, tmp_path: Path) -> None:
    path = tmp_path / "ca.crt"
    for content in (b"", pki.credentials("n1").certificate_pem):
        path.write_bytes(content)
        with pytest.raises(InvalidConfig):
            read_authorities(path)
    with pytest.raises(InvalidConfig):
        read_authorities(tmp_path / "missing")


def test_a_clients_certificate_says_nothing_that_a_node_would_believe(pki: Pki) -> None:
    made = load_certificates(
        pki.authority.sign_client("n1", new_key().public_key(), datetime.now(UTC)), "certificate"
    )[0]
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == ["spiffe://home/client/n1"]
    usages = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
