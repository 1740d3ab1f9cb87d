"""Who a certificate says its holder is, and whether that is anyone we talk to.

Both kinds of link ask this one function, so QUIC and TCP cannot differ in whom they let in. The TLS layer has
proved that the peer holds the private key; here is decided what the certificate is worth.

The rules, in this order: it is inside its dates; its key and its signature are strong enough; it is signed by
one of our authorities itself (a cluster has no intermediates, so there is no chain to build), which is inside
its dates too; its serial is not denied; it is made for this end of a link; its common name, DNS name and URI
all name one node of our cluster; that node's certificates of its age are not denied; and it is the node we
meant to reach.

`recheck` asks the part of this again that can change while a link is up. It needs no cryptography.

Source: design section 8; story 022.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from transport.errors import PeerRefused
from transport.faults import EndReason
from transport.strength import find_weakness
from transport.trust import Anchor, Trust
from transport.validity import check_dates

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises at a certificate that is no proper one; it reads each part only when asked."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A peer as its certificate proves it.

    Attributes:
        node_id: The node.
        serial_number: By which the certificate can be denied.
        not_after: When the proof ends.
        not_before: When it began.
        authority: SHA-256 of the certificate of who signed it, in hex.
    """

    node_id: str
    serial_number: int
    not_after: datetime
    not_before: datetime
    authority: str


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
        PeerRefused: With the first rule that it breaks. One that cannot even be read has no identity.
    """
    try:
        return _judge(certificate, trust, now, peer_dialled=peer_dialled, expected=expected)
    except UNREADABLE as err:
        raise PeerRefused(EndReason.BAD_IDENTITY, f"it cannot be read: {err}"[:200]) from err


def recheck(identity: Identity, trust: Trust, now: datetime) -> PeerRefused | None:
    """Ask again whether a peer that was let in would be let in now.

    Trust changes while links are up and while handshakes are under way: certificates are denied, authorities
    go. Ask when it has changed, and once more before a new link is used.

    Args:
        identity: What `judge` returned.
        trust: What holds now.
        now: The present, with a time zone.

    Returns:
        Why not, or None when all is well.
    """
    try:
        check_dates(identity.not_before, identity.not_after, now)
    except PeerRefused as err:
        return err
    if not trust.believes(identity.authority):
        return PeerRefused(EndReason.UNKNOWN_AUTHORITY, f"no longer trusted: {identity.authority[:16]}")
    if identity.serial_number in trust.denied_serials:
        return PeerRefused(EndReason.REVOKED, f"serial {identity.serial_number:x}")
    if trust.denies(identity.node_id, not_before=identity.not_before):
        return PeerRefused(EndReason.REVOKED, f"node {identity.node_id}")
    return None


def _judge(
    certificate: x509.Certificate, trust: Trust, now: datetime, *, peer_dialled: bool, expected: str | None
) -> Identity:
    check_dates(certificate.not_valid_before_utc, certificate.not_valid_after_utc, now)
    weakness = find_weakness(certificate)
    if weakness:
        raise PeerRefused(EndReason.WEAK_KEY, weakness)
    anchor = _find_anchor(certificate, trust)
    _check_anchor(anchor, now)
    if certificate.serial_number in trust.denied_serials:
        raise PeerRefused(EndReason.REVOKED, f"serial {certificate.serial_number:x}")
    _check_usage(certificate, peer_dialled=peer_dialled)
    node_id = _node_id(certificate, trust.cluster)
    if trust.denies(node_id, not_before=certificate.not_valid_before_utc):
        raise PeerRefused(EndReason.REVOKED, f"node {node_id}")
    if expected is not None and node_id != expected:
        raise PeerRefused(EndReason.WRONG_NODE, f"found {node_id}, expected {expected}")
    return Identity(
        node_id,
        certificate.serial_number,
        certificate.not_valid_after_utc,
        certificate.not_valid_before_utc,
        anchor.fingerprint,
    )


def _find_anchor(certificate: x509.Certificate, trust: Trust) -> Anchor:
    """Return who signed it.

    Authorities of one cluster have the same name, and so may a stranger's: only the signature tells. The key
    that the certificate names saves trying the others, no more.
    """
    named = _authority_key_id(certificate)
    for anchor in trust.anchors:
        if None not in (named, anchor.key_id) and named != anchor.key_id:
            continue
        if _is_signed_by(certificate, anchor.certificate):
            return anchor
    raise PeerRefused(EndReason.UNKNOWN_AUTHORITY, f"issuer {certificate.issuer.rfc4514_string()}")


def _authority_key_id(certificate: x509.Certificate) -> bytes | None:
    try:
        value = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    return value.key_identifier


def _check_anchor(anchor: Anchor, now: datetime) -> None:
    try:
        check_dates(anchor.not_before, anchor.not_after, now)
    except PeerRefused as err:
        raise PeerRefused(err.reason, f"the authority {err.detail}") from err


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
