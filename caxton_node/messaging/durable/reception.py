"""What has come for an agent here, and what was not taken; on the event loop, but for what says otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from threading import get_ident

from caxton_node.fipa import Envelope, FailureReason, decode
from caxton_node.messaging.durable.dispatch import Dispatcher, may_come
from caxton_node.messaging.durable.header import Passage, passage_of
from caxton_node.messaging.durable.holds import Hold, Holds, Mark
from caxton_node.messaging.durable.inbox import Inbox, Verdict
from caxton_node.messaging.durable.office import Office
from caxton_node.messaging.durable.outbox import Outbox
from caxton_node.messaging.durable.reports import Reports
from caxton_node.messaging.tags import expiry_of

KEPT_FOR = frozenset(
    {
        FailureReason.NO_SUCH_AGENT,
        FailureReason.AGENT_STOPPED,
        FailureReason.DRAINING,
        FailureReason.MAILBOX_FULL,
        FailureReason.BACKLOG_FULL,
        FailureReason.UNROUTABLE,
        FailureReason.NODE_DIED,
    }
)
"""Reasons that may end: a durable message stays where it is and is sent again."""


class Reception:
    """Says what is taken, and sees to what was not.

    Args:
        node_id: This node.
        inbox: What is in hands, and what was handled.
        outbox: Of this node.
        holds: Where it waits for the disk that something was handled.
        dispatcher: Sends again what is in the outbox here.
        office: The router.

    Attributes:
        reports: Tells other nodes; None on a node without a cluster.
    """

    def __init__(
        self,
        *,
        node_id: str,
        inbox: Inbox,
        outbox: Outbox,
        holds: Holds,
        dispatcher: Dispatcher,
        office: Office,
    ) -> None:
        self.reports: Reports | None = None
        self._node_id = node_id
        self._inbox = inbox
        self._outbox = outbox
        self._holds = holds
        self._dispatcher = dispatcher
        self._office = office
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()

    def admit(self, envelope: Envelope) -> Verdict:
        """Say whether a message may be put where it leads on this node; if not, all is done that must be."""
        passage = passage_of(envelope)
        if passage is None:
            return Verdict.TAKE
        is_ours = passage.origin == self._node_id
        is_known = is_ours and passage.after not in self._outbox.entries
        verdict = self._inbox.admit(passage, after_is_known=is_known)
        if verdict is Verdict.HANDLED and self.reports is not None:
            self.reports.tell_handled(passage.origin, passage.copy)
        elif verdict is Verdict.TOO_EARLY:
            self._return(passage)
        return verdict

    def finish(self, envelope: Envelope) -> None:
        """Note that a platform agent has handled a message."""
        passage = passage_of(envelope)
        if passage is not None:
            self._holds.submit(Hold(marks=[Mark(passage.copy, passage.origin, expiry_of(envelope))]))

    def note_handled(self, copy: bytes, origin: str) -> None:
        """Note that a message of another node was handled and that the disk knows, and tell its origin."""
        self._inbox.settle(copy, origin)
        if self.reports is not None:
            self.reports.tell_handled(origin, copy)

    def hold(self, passage: Passage) -> None:
        """Note that a message is being given up: until the disk knows, nobody sends it again."""
        self._inbox.in_hand.add(passage.copy)

    def come_back(self, passage: Passage) -> None:
        """Let a message be sent again that a mailbox has given back; it is counted as accepted."""
        self.release(passage)
        self._return(passage)
        self._office.keep()

    def release(self, passage: Passage) -> None:
        """Note that a mailbox did not take a message, or gave it back; any thread."""
        self._inbox.release(passage.copy)

    def keeps(self, passage: Passage, receiver: str, reason: FailureReason) -> bool:
        """Tell whether a message that was not taken is to be sent again, and see to it; any thread.

        Args:
            passage: What it carries.
            receiver: As addressed.
            reason: Why it was not taken.
        """
        if reason not in KEPT_FOR or not may_come(receiver):
            return False
        self._return(passage)
        return True

    def take_lost(self, frames: Sequence[bytes]) -> list[bytes]:
        """Take out of what a dead node never took what is in the outbox; return the rest, in order."""
        return [frame for frame in frames if passage_of(decode(frame)) is None]

    def take_left(self, frames: Sequence[bytes]) -> list[bytes]:
        """Take out of what a closed mailbox held what is in an outbox; return the rest, in order."""
        rest = []
        for frame in frames:
            passage = passage_of(decode(frame))
            if passage is None:
                rest.append(frame)
            else:
                self.release(passage)
                self._return(passage)
        return rest

    def _return(self, passage: Passage) -> None:
        """Let a message be sent again after a while; any thread."""
        if get_ident() != self._thread:
            self._loop.call_soon_threadsafe(self._return, passage)
        elif passage.origin == self._node_id:
            self._dispatcher.handle_returned(passage.copy)
        elif self.reports is not None:
            self.reports.tell_again(passage.origin, passage.copy)
