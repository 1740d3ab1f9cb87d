"""Who a certificate says its holder is, and whether that is anyone we talk to.

Both kinds of link ask this one function, so QUIC and TCP cannot differ in whom they let in. The TLS layer has
proved that the peer holds the private key; here is decided what the certificate is worth.

The rules, in this order: it is inside its dates; it is signed by one of our authorities itself (a cluster has
no intermediates, so there is no chain to build); its serial is not denied; it is made for this end of a link;
its common name, DNS name and URI all name one node of our cluster; and that is the node we meant to reach.

Source: design section 8; story 022.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from transport.credentials import Credentials
from transport.errors import InvalidCredentials, PeerRefused
from transport.faults import EndReason


@dataclass(frozen=True, slots=True)
class Identity:
    """A peer as its certificate proves it.

    Attributes:
        node_id: The node.
        serial_number: By which the certificate can be denied.
        not_after: When the proof ends.
    """

    node_id: str
    serial_number: int
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Trust:
    """What a peer's certificate is measured against.

    Attributes:
        cluster: The cluster it must name.
        authorities: The certificates one of which must have signed it.
        denied_serials: Serial numbers that are refused all the same.
    """

    cluster: str
    authorities: tuple[x509.Certificate, ...]
    denied_serials: frozenset[int]


def trust_of(credentials: Credentials) -> Trust:
    """Return what these credentials say about peers.

    Raises:
        InvalidCredentials: There is no CA certificate in them.
    """
    try:
        authorities = x509.load_pem_x509_certificates(credentials.ca_pem)
    except ValueError as err:
        raise InvalidCredentials("the CA certificate is not PEM") from err
    return Trust(credentials.cluster, tuple(authorities), credentials.denied_serials)


def dns_name(node_id: str) -> str:
    """Return the DNS name that a node's certificate carries."""
    return f"{node_id}.mesh"


def judge(
    certificate: x509.Certificate,
    trust: Trust,
    now: datetime,
    *,
    peer_dialled: bool,
    expected: str | None = None,
) -> Identity:
    """Decide whether a peer's certificate is good, and return who the peer is.

    Args:
        certificate: What the peer showed; that it holds the key is proved elsewhere.
        trust: What it is measured against.
        now: The present, with a time zone.
        peer_dialled: The peer is the TLS client, so its certificate must be made for that.
        expected: The node that we dialled, or None when the peer came to us.

    Raises:
        PeerRefused: With the first rule that it breaks.
    """
    _check_dates(certificate, now)
    if not any(_is_signed_by(certificate, authority) for authority in trust.authorities):
        raise PeerRefused(EndReason.UNKNOWN_AUTHORITY, f"issuer {certificate.issuer.rfc4514_string()}")
    if certificate.serial_number in trust.denied_serials:
        raise PeerRefused(EndReason.REVOKED, f"serial {certificate.serial_number:x}")
    _check_usage(certificate, peer_dialled=peer_dialled)
    node_id = _node_id(certificate, trust.cluster)
    if expected is not None and node_id != expected:
        raise PeerRefused(EndReason.WRONG_NODE, f"found {node_id}, expected {expected}")
    return Identity(node_id, certificate.serial_number, certificate.not_valid_after_utc)


def _check_dates(certificate: x509.Certificate, now: datetime) -> None:
    if now < certificate.not_valid_before_utc:
        raise PeerRefused(EndReason.NOT_YET_VALID, f"begins {certificate.not_valid_before_utc.isoformat()}")
    if now > certificate.not_valid_after_utc:
        raise PeerRefused(EndReason.EXPIRED, f"ended {certificate.not_valid_after_utc.isoformat()}")


def _is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):  # another issuer's name, key type, or key
        return False
    return True


def _check_usage(certificate: x509.Certificate, *, peer_dialled: bool) -> None:
    wanted = ExtendedKeyUsageOID.CLIENT_AUTH if peer_dialled else ExtendedKeyUsageOID.SERVER_AUTH
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError) as err:
        raise PeerRefused(EndReason.WRONG_USAGE, "it does not say what it is for") from err
    if constraints.ca:
        raise PeerRefused(EndReason.WRONG_USAGE, "it is an authority's")
    if wanted not in usages:
        raise PeerRefused(EndReason.WRONG_USAGE, "not for " + ("clients" if peer_dialled else "servers"))


def _node_id(certificate: x509.Certificate, cluster: str) -> str:
    common = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(common) != 1:
        raise PeerRefused(EndReason.BAD_IDENTITY, f"{len(common)} common names")
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError) as err:
        raise PeerRefused(EndReason.BAD_IDENTITY, "no alternative names") from err
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    named, _, node_id = (
        uris[0].removeprefix("spiffe://").partition("/node/") if len(uris) == 1 else ("", "", "")
    )
    if not node_id or node_id != common[0]:
        raise PeerRefused(EndReason.BAD_IDENTITY, f"common name {common[0]!r}, URIs {uris}")
    if dns_name(node_id) not in names.get_values_for_type(x509.DNSName):
        raise PeerRefused(EndReason.BAD_IDENTITY, f"no DNS name {dns_name(node_id)}")
    if named != cluster:
        raise PeerRefused(EndReason.OTHER_CLUSTER, f"found {named!r}, expected {cluster!r}")
    return node_id
