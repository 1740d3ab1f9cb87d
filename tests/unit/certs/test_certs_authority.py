from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs import (
    Authority,
    AuthorityEnded,
    AuthorityMismatch,
    InvalidName,
    InvalidRequest,
    UnreadableFile,
    make_request,
    requested_node_id,
)
from certs.authority import HOSTS_MAX
from certs.hosts import keep_allowed

NOW = datetime(2030, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.story("022")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("home", NOW)


def signed(authority: Authority, node_id: str = "node-a", hosts: tuple[str, ...] = ()) -> x509.Certificate:
    _, request = make_request(node_id)
    return x509.load_pem_x509_certificate(authority.sign(request, node_id, hosts, NOW))


def test_a_node_certificate_says_who_and_where_the_node_is(authority: Authority) -> None:
    certificate = signed(authority, hosts=("10.0.0.7", "a.example.org", "127.0.0.1"))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert [name.value for name in common] == ["node-a"]
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://home/node/node-a"]
    assert names.get_values_for_type(x509.DNSName) == ["node-a.mesh", "localhost", "a.example.org"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ip_address("127.0.0.1"),
        ip_address("::1"),
        ip_address("10.0.0.7"),
    ]


def test_a_node_certificate_serves_both_ends_of_a_link_and_signs_nothing(authority: Authority) -> None:
    extensions = signed(authority).extensions
    assert set(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_the_authority_signs_what_it_can_verify(authority: Authority) -> None:
    ca = x509.load_pem_x509_certificate(authority.certificate_pem)
    signed(authority).verify_directly_issued_by(ca)
    assert authority.fingerprint == ca.fingerprint(hashes.SHA256()).hex()


def test_a_certificate_starts_a_little_early_and_ends_with_the_authority(authority: Authority) -> None:
    _, request = make_request("node-a")
    certificate = x509.load_pem_x509_certificate(authority.sign(request, "node-a", (), NOW, 99_999))
    ca = x509.load_pem_x509_certificate(authority.certificate_pem)
    assert certificate.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert certificate.not_valid_after_utc == ca.not_valid_after_utc


def test_an_authority_can_be_loaded_again_and_knows_its_cluster(authority: Authority) -> None:
    again = Authority.load(authority.certificate_pem, authority.key_pem)
    assert (again.cluster, again.fingerprint) == ("home", authority.fingerprint)


def test_two_certificates_never_share_a_serial_number(authority: Authority) -> None:
    assert signed(authority).serial_number != signed(authority).serial_number


def test_a_request_for_another_node_is_refused(authority: Authority) -> None:
    _, request = make_request("node-b")
    with pytest.raises(InvalidRequest, match="node-b"):
        authority.sign(request, "node-a", (), NOW)


def test_a_request_that_is_no_pem_is_refused(authority: Authority) -> None:
    with pytest.raises(InvalidRequest, match="not PEM"):
        authority.sign(b"garbage", "node-a", (), NOW)


def test_a_request_for_an_rsa_key_is_refused(authority: Authority) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node-a")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    with pytest.raises(InvalidRequest, match="P-256"):
        authority.sign(request.public_bytes(serialization.Encoding.PEM), "node-a", (), NOW)


def test_a_request_that_was_changed_after_signing_is_refused(authority: Authority) -> None:
    _, request = make_request("node-a")
    der = bytearray(x509.load_pem_x509_csr(request).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    broken = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(InvalidRequest, match="not signed by the key"):
        authority.sign(broken, "node-a", (), NOW)


@pytest.mark.parametrize("bad", ["", "Node", "a.b", "-a", "a" * 64, "a/b", "a b"])
def test_a_name_that_is_no_dns_label_is_refused(bad: str) -> None:
    with pytest.raises(InvalidName):
        make_request(bad)


@pytest.mark.parametrize("bad", ["", "Home", "a/b", "a b", "x" * 64])
def test_a_cluster_name_that_is_no_trust_domain_is_refused(bad: str) -> None:
    with pytest.raises(InvalidName):
        Authority.create(bad, NOW)


def test_a_host_that_is_no_name_is_refused(authority: Authority) -> None:
    _, request = make_request("node-a")
    with pytest.raises(InvalidName, match="münchen"):
        authority.sign(request, "node-a", ("münchen.example",), NOW)


@pytest.mark.parametrize("host", ["*", "*.example.org", "node-b.mesh", "Node-B.MESH.", "", "a" * 254])
def test_a_host_that_no_node_may_have_is_refused(authority: Authority, host: str) -> None:
    with pytest.raises(InvalidName):
        signed(authority, hosts=("10.0.0.7", host))


def test_a_certificate_is_for_few_hosts_and_a_renewal_keeps_those_that_may_stay(authority: Authority) -> None:
    hosts = [f"10.0.0.{n}" for n in range(HOSTS_MAX)]
    assert len(signed(authority, hosts=(*hosts, hosts[0])).extensions) > 0  # one of them was said twice
    with pytest.raises(InvalidName, match="16 hosts"):
        signed(authority, hosts=(*hosts, "10.0.1.1"))
    assert keep_allowed(["*.example.org", *hosts, "10.0.1.1"]) == hosts


def test_a_ca_certificate_with_another_key_is_refused(authority: Authority) -> None:
    other = Authority.create("home", NOW)
    with pytest.raises(AuthorityMismatch, match="do not belong together"):
        Authority.load(authority.certificate_pem, other.key_pem)


def test_a_node_certificate_is_no_authority(authority: Authority) -> None:
    key, request = make_request("node-a")
    with pytest.raises(AuthorityMismatch, match="not that of a cluster"):
        Authority.load(authority.sign(request, "node-a", (), NOW), key)


def test_an_authority_of_garbage_is_refused(authority: Authority) -> None:
    with pytest.raises(UnreadableFile, match="CA certificate"):
        Authority.load(b"garbage", authority.key_pem)
    with pytest.raises(UnreadableFile, match="CA key"):
        Authority.load(authority.certificate_pem, b"garbage")


def test_an_authority_with_a_key_of_another_curve_is_refused(authority: Authority) -> None:
    key = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(UnreadableFile, match="P-256"):
        Authority.load(authority.certificate_pem, key)


def test_a_successor_has_the_same_name_and_another_key(authority: Authority) -> None:
    successor = Authority.create("home", NOW)
    assert successor.certificate.subject == authority.certificate.subject
    assert successor.fingerprint != authority.fingerprint
    both = authority.certificate_pem + successor.certificate_pem
    for each in (authority, successor):
        assert Authority.load(both, each.key_pem).fingerprint == each.fingerprint


def test_a_certificate_begins_no_earlier_than_it_may(authority: Authority) -> None:
    _, request = make_request("node-a")
    for earliest, begins in (
        (NOW, NOW),
        (NOW + timedelta(minutes=3), NOW + timedelta(minutes=3)),
        (NOW - timedelta(days=1), NOW - timedelta(minutes=5)),
    ):
        signed_pem = authority.sign(request, "node-a", (), NOW, not_before=earliest)
        assert x509.load_pem_x509_certificate(signed_pem).not_valid_before_utc == begins


def test_an_authority_outside_its_dates_signs_nothing(authority: Authority) -> None:
    _, request = make_request("node-a")
    for now in (NOW + timedelta(days=3651), NOW - timedelta(days=400)):
        with pytest.raises(AuthorityEnded, match="the CA certificate is good from"):
            authority.sign(request, "node-a", (), now)


def test_a_request_says_whom_it_is_for() -> None:
    _, request = make_request("node-a")
    assert requested_node_id(request) == "node-a"
    key = ec.generate_private_key(ec.SECP256R1())
    two = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("node-a", "node-b")])
    for subject in (x509.Name([]), two):
        odd = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
        with pytest.raises(InvalidRequest, match="must name one node"):
            requested_node_id(odd.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(InvalidRequest, match="not PEM"):
        requested_node_id(b"garbage")


@pytest.mark.parametrize("curve", [ec.SECP192R1(), ec.SECP224R1(), ec.SECP384R1()])
def test_a_request_for_a_key_on_another_curve_is_refused(
    authority: Authority, curve: ec.EllipticCurve
) -> None:
    key = ec.generate_private_key(curve)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node-a")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    with pytest.raises(InvalidRequest, match="P-256"):
        authority.sign(request.public_bytes(serialization.Encoding.PEM), "node-a", (), NOW)
