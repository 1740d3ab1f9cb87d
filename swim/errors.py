"""What can go wrong in `swim`, and whose fault it is.

    SwimError
    +-- LocalError          we misused the library; nothing was changed
    |   +-- InvalidSettings     a setting is out of range or contradicts another
    |   +-- InvalidIdentity     a node id, address or epoch that cannot go on the wire
    |   +-- InvalidKey          a key of the wrong length, or one that the ring does not hold
    |   +-- TooLarge            metadata or payload above its bound
    |   +-- BacklogFull         more own broadcasts are waiting than the queue holds
    +-- RemoteError         a datagram that cannot be used; it was dropped, nothing was changed
        +-- Unopenable          not sealed by a member of this cluster, or seen before
        +-- Malformed           sealed by a member but not understood

Remote errors never leave `Membership.handle_datagram`: they are counted under their `Drop` reason.
"""

from __future__ import annotations

from swim.statistics import Drop


class SwimError(Exception):
    """Base of everything that this package raises."""


class LocalError(SwimError):
    """The caller's mistake; nothing was changed."""


class InvalidSettings(LocalError):
    """A setting is out of range or contradicts another."""


class InvalidIdentity(LocalError):
    """A node id, address or epoch cannot go on the wire."""


class InvalidKey(LocalError):
    """A group key has the wrong length, or the ring does not hold it, or it is the one in use."""


class TooLarge(LocalError):
    """Metadata, topic or payload is above its bound."""


class BacklogFull(LocalError):
    """The queue of own broadcasts is full; send it another way or later."""


class RemoteError(SwimError):
    """A datagram that cannot be used.

    Attributes:
        reason: The counter under which it is dropped.
    """

    def __init__(self, reason: Drop, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason


class Unopenable(RemoteError):
    """The datagram was not sealed by a member of this cluster, or was seen before."""


class Malformed(RemoteError):
    """The datagram was sealed by a member but is not a packet that this version understands."""

    def __init__(self, detail: str) -> None:
        super().__init__(Drop.MALFORMED, detail)
