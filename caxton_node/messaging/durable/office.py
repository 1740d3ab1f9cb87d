"""What durable messages need of the router, which `delivery.py` provides."""

from __future__ import annotations

from typing import Protocol

from caxton_node.fipa import Envelope, FailureReason
from caxton_node.messaging.destinations import Found
from caxton_node.messaging.mailbox import Mailbox


class Office(Protocol):
    """The router, as durable messages see it; any thread may call it."""

    def find(self, envelope: Envelope) -> Found:
        """Say where a message leads now."""
        ...

    def launch(
        self, envelope: Envelope, frame: bytes, found: Found, mailbox: Mailbox | None, *, again: bool
    ) -> None:
        """Send a durable message where it leads, out of the outbox; it is accepted anew each time."""
        ...

    def route_held(self, envelope: Envelope, frame: bytes, mailbox: Mailbox | None) -> None:
        """Route a message that has waited behind a durable one; it has been accepted before."""
        ...

    def keep(self) -> None:
        """Count a message that went into the outbox, or was not taken and is in the outbox of its origin."""
        ...

    def give_up(self, envelope: Envelope, reason: FailureReason, detail: str, *, accepted: bool) -> None:
        """Return a message to its sender.

        Args:
            envelope: The message.
            reason: One word for the sender's program.
            detail: One sentence.
            accepted: Whether it is counted as accepted; else it is now.
        """
        ...
