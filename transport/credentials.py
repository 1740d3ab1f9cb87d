"""What a node shows to its peers, and what it accepts from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """A node's identity and its trust; the key never shows in the repr.

    Attributes:
        node_id: This node; the certificate must be for it.
        cluster: The cluster that peers must belong to.
        certificate_pem: This node's certificate.
        key_pem: Its private key, unencrypted.
        ca_pem: One or more CA certificates; two while the authority is being changed.
        denied_serials: Certificates that are refused although they are otherwise good.
        denied_nodes: Nodes whose certificates are refused if they begin before a date. A node that was let in
            again has a certificate that begins later.
    """

    node_id: str
    cluster: str
    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    ca_pem: bytes
    denied_serials: frozenset[int] = frozenset()
    denied_nodes: Mapping[str, datetime] = field(default_factory=dict, hash=False)
