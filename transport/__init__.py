"""The encrypted mesh between nodes: knows peers and bytes, never agents.

Owns links over QUIC and TLS, who is let in, what is kept until a peer has it, and flow control. Start at
`DESIGN.md`, then `mesh.py` (what others hold), `session.py` (why nothing is lost) and `identity.py` (who is
let in). It does not know what is in an envelope, which nodes are alive, or where certificates come from.
"""

from transport.credentials import Credentials
from transport.errors import (
    BacklogFull,
    InvalidCredentials,
    LinkFailed,
    MeshClosed,
    PeerRefused,
    PeerUnknown,
    PortInUse,
    RequestRefused,
    RequestTimeout,
    SelfTestFailed,
    TooLarge,
    TransportError,
    UnsupportedQuic,
)
from transport.faults import EndReason
from transport.handler import Handler
from transport.mesh import Mesh
from transport.settings import Profile, Settings, TransportChoice
from transport.status import PeerState, PeerStatus, Stats

__all__ = [
    "BacklogFull",
    "Credentials",
    "EndReason",
    "Handler",
    "InvalidCredentials",
    "LinkFailed",
    "Mesh",
    "MeshClosed",
    "PeerRefused",
    "PeerState",
    "PeerStatus",
    "PeerUnknown",
    "PortInUse",
    "Profile",
    "RequestRefused",
    "RequestTimeout",
    "SelfTestFailed",
    "Settings",
    "Stats",
    "TooLarge",
    "TransportChoice",
    "TransportError",
    "UnsupportedQuic",
]
