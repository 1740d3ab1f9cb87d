"""What became of every message, as plain integers.

The unit is one message to one receiver. Each is counted once when the node takes it on and once when it is
done with, so that at any moment at which nothing moves

    accepted = delivered + forwarded + refused + dead_lettered + handed_back + kept + parked + in_flight

holds exactly; `in_flight` is not the difference but is counted where the messages are: in mailboxes, in
running calls, in platform boxes and in the buffer towards the mesh.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock


@dataclass(frozen=True, slots=True)
class Counts:
    """A reading.

    Attributes:
        accepted: Taken on from agents, clients, peers and the platform itself.
        delivered: Handled by a local agent or platform agent.
        forwarded: Taken by the mesh for another node.
        refused: Given up; the sender was told by FAILURE, or NOT_UNDERSTOOD if a protocol did not allow it.
        dead_lettered: Given up; there was nobody to tell.
        handed_back: Waited in a mailbox that was closed, and given to whoever closed it; if they are routed
            again they are accepted anew.
        kept: Durable ones that went into the outbox of this node, or were not taken here and are in one; they
            are accepted anew with each way out.
        malformed: Bytes or messages that broke the format or a rule: answered with NOT_UNDERSTOOD, never
            accepted.
        in_flight: Taken on and not yet done with.
        parked: Waiting for a receiver who is not there.
        outbox: Durable messages of this node that nobody has handled yet; no part of the sum.
        outbox_bytes: Bytes of their envelopes.
    """

    accepted: int
    delivered: int
    forwarded: int
    refused: int
    dead_lettered: int
    handed_back: int
    malformed: int
    in_flight: int
    parked: int = 0
    kept: int = 0
    outbox: int = 0
    outbox_bytes: int = 0

    @property
    def settled(self) -> int:
        """Return how many are done with."""
        given_up = self.refused + self.dead_lettered
        return self.delivered + self.forwarded + given_up + self.handed_back + self.kept


@dataclass(slots=True)
class Tally:
    """The running counts that do not live in a mailbox or buffer; `lock` guards every change.

    Attributes:
        delivered: By mailboxes that no longer exist.
    """

    accepted: int = 0
    delivered: int = 0
    refused: int = 0
    dead_lettered: int = 0
    handed_back: int = 0
    kept: int = 0
    malformed: int = 0
    lock: Lock = field(default_factory=Lock)

    def accept(self, count: int) -> None:
        """Count messages taken on."""
        with self.lock:
            self.accepted += count

    def refuse(self) -> None:
        """Count a message given up whose sender is told."""
        with self.lock:
            self.refused += 1

    def bury(self) -> None:
        """Count a message given up with nobody to tell."""
        with self.lock:
            self.dead_lettered += 1

    def keep(self) -> None:
        """Count a durable message that is in an outbox and not on its way."""
        with self.lock:
            self.kept += 1

    def misunderstand(self) -> None:
        """Count something that was no message."""
        with self.lock:
            self.malformed += 1

    def retire(self, delivered: int, handed_back: int) -> None:
        """Keep the counts of a mailbox that goes."""
        with self.lock:
            self.delivered += delivered
            self.handed_back += handed_back
