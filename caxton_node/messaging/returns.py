"""What happens to a message that cannot be delivered: its sender is told, and a dead letter is kept.

A FAILURE or NOT_UNDERSTOOD that cannot be delivered ends here: it is never answered, so no loop of failures
can arise however broken both sides are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caxton_node.core.clock import Clock
from caxton_node.fipa import (
    Envelope,
    FailureReason,
    Performative,
    decode,
    encode,
    failure,
    not_understood,
)
from caxton_node.fipa.codec import explain, salvage
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.fipa.rules import BrokenRule
from caxton_node.messaging.addresses import canonical_address
from caxton_node.messaging.conversations import Conversations
from caxton_node.messaging.counts import Tally
from caxton_node.messaging.dead_letters import DeadLetter, DeadLetters
from caxton_node.messaging.requests import OpenRequests

SCOLDED_PER_S = 100
_SCOLDED_MAX = 4_096
_NEVER_ANSWERED = frozenset({Performative.FAILURE, Performative.NOT_UNDERSTOOD})


class Returns:
    """The return desk of a router; any thread may use it.

    Args:
        post: Routes an answer of the platform.
        dead_letters: Where undelivered messages are kept.
        tally: Where they are counted.
        clock: Time of the dead letters.
        requests: What is given up is no longer waited for.
        conversations: What is given up has failed in its protocol.
        node_id: This node.
    """

    def __init__(
        self,
        *,
        post: Callable[[Envelope], object],
        dead_letters: DeadLetters,
        tally: Tally,
        clock: Clock,
        requests: OpenRequests,
        conversations: Conversations,
        node_id: str,
    ) -> None:
        self._post = post
        self._requests = requests
        self._conversations = conversations
        self._node_id = node_id
        self._dead_letters = dead_letters
        self._tally = tally
        self._clock = clock
        self._scolded: dict[str, tuple[int, int]] = {}

    def give_up(
        self, envelope: Envelope, receiver: str, reason: FailureReason, detail: str, node: str = ""
    ) -> None:
        """Give up one message to one receiver; it was counted as accepted before.

        Args:
            envelope: The message.
            receiver: The receiver as addressed.
            reason: One word for the sender's program.
            detail: One sentence.
            node: Where it was to go, if not on this node.
        """
        if envelope.reply_with is not None:
            self._requests.forget(envelope, canonical_address(receiver, node or self._node_id))
        frame = encode(envelope)
        self._dead_letters.add(DeadLetter(self._clock.unix_us(), reason, detail, receiver, frame))
        if envelope.performative in _NEVER_ANSWERED or not envelope.sender:
            self._tally.bury()
            return
        self._tally.refuse()
        self.tell(envelope, receiver, reason, detail)

    def give_up_all(self, frames: Sequence[bytes], reason: FailureReason, detail: str) -> None:
        """Give up frames that this node wrote or checked before."""
        for frame in frames:
            envelope = decode(frame)
            self.give_up(envelope, next(iter(envelope.receiver_list()), ""), reason, detail)

    def tell(self, envelope: Envelope, receiver: str, reason: FailureReason, detail: str) -> None:
        """Tell a sender that a message failed, which is not in the node's hands (any more)."""
        if envelope.sender != PLATFORM_SENDER:
            self._conversations.fail(envelope, canonical_address(receiver, self._node_id))
            self._post(failure(envelope, reason, detail, receiver))

    def answer_malformed(self, sender: str, frame: bytes, fault: Exception) -> None:
        """Tell an agent that what it sent is no envelope, within its conversation if that can be read."""
        self._tally.misunderstand()
        if not self._may_scold(sender):
            return
        err = explain(frame, fault)  # only now: it reads the frame again
        known = salvage(frame)
        known.sender = sender
        self._post(not_understood(known, err.reason, err.position, err.field))

    def answer_broken_rule(self, envelope: Envelope, err: BrokenRule) -> None:
        """Tell an agent that its message breaks a rule; one broken by a limit is a FAILURE of its own."""
        self._tally.misunderstand()
        if envelope.performative in _NEVER_ANSWERED:
            return
        self._post(not_understood(envelope, err.reason, err.position, err.field))

    def answer_oversize(self, envelope: Envelope, err: BrokenRule) -> None:
        """Tell an agent that its message is too large; the message was accepted and is given up."""
        envelope.content = None  # the dead letter keeps the fact, not the megabytes
        self.give_up(envelope, next(iter(envelope.receiver_list()), ""), FailureReason.OVERSIZE, err.reason)

    def _may_scold(self, sender: str) -> bool:
        """Limit what one agent is told: one that answers NOT_UNDERSTOOD with rubbish would never end."""
        second = self._clock.unix_us() // 1_000_000
        since, count = self._scolded.get(sender, (second, 0))
        count = count + 1 if since == second else 1
        if len(self._scolded) >= _SCOLDED_MAX:
            self._scolded.clear()
        self._scolded[sender] = (second, count)
        return count <= SCOLDED_PER_S
