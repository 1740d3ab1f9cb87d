"""Whom a node believes: its authorities, and which of their certificates are refused all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from transport.credentials import Credentials
from transport.errors import InvalidCredentials


@dataclass(frozen=True, slots=True)
class Anchor:
    """An authority that is believed, with what every handshake asks of it.

    Attributes:
        certificate: Its certificate.
        fingerprint: SHA-256 of that, in hex.
        key_id: What certificates that it signed name as their authority's key; None when it has no name.
        not_before: Start of its life.
        not_after: End of its life.
    """

    certificate: x509.Certificate
    fingerprint: str
    key_id: bytes | None
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Trust:
    """What a peer's certificate is measured against.

    Attributes:
        cluster: The cluster it must name.
        anchors: The authorities one of which must have signed it.
        denied_serials: Serial numbers that are refused all the same.
        denied_nodes: Nodes whose certificates are refused if they begin before a date.
    """

    cluster: str
    anchors: tuple[Anchor, ...]
    denied_serials: frozenset[int]
    denied_nodes: Mapping[str, datetime]

    def believes(self, fingerprint: str) -> bool:
        """Say whether an authority is one of ours."""
        return any(anchor.fingerprint == fingerprint for anchor in self.anchors)

    def denies(self, node_id: str, *, not_before: datetime) -> bool:
        """Say whether a node's certificates of this age are refused."""
        since = self.denied_nodes.get(node_id)
        return since is not None and not_before < since


def trust_of(credentials: Credentials) -> Trust:
    """Return what these credentials say about peers.

    Raises:
        InvalidCredentials: There is no CA certificate in them.
    """
    try:
        authorities = x509.load_pem_x509_certificates(credentials.ca_pem)
    except ValueError as err:
        raise InvalidCredentials("the CA certificate is not PEM") from err
    return Trust(
        credentials.cluster,
        tuple(_anchor(authority) for authority in authorities),
        credentials.denied_serials,
        dict(credentials.denied_nodes),
    )


def _anchor(authority: x509.Certificate) -> Anchor:
    return Anchor(
        authority,
        authority.fingerprint(hashes.SHA256()).hex(),
        _key_id(authority),
        authority.not_valid_before_utc,
        authority.not_valid_after_utc,
    )


def _key_id(authority: x509.Certificate) -> bytes | None:
    try:
        return authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return None
