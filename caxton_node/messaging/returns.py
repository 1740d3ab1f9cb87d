"""What happens to a message that cannot be delivered: its sender is told, and a dead letter is kept.

A FAILURE or NOT_UNDERSTOOD that cannot be delivered ends here: it is never answered, so no loop of failures
can arise however broken both sides are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

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
from caxton_node.fipa.message import POSITIONS
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.fipa.rules import BrokenRule
from caxton_node.messaging.addresses import MARKS, canonical_address
from caxton_node.messaging.budget import (
    Budgets,
    Exhausted,
    Grant,
    grant_of,
    nothing_of,
    returned,
    tell_initiator,
    with_grant,
)
from caxton_node.messaging.conversations import Conversations, Fault
from caxton_node.messaging.counts import Tally
from caxton_node.messaging.dead_letters import DeadLetter, DeadLetters
from caxton_node.messaging.durable.header import make_durable, passage_of
from caxton_node.messaging.durable.post import DurablePost
from caxton_node.messaging.receipts import Receipts
from caxton_node.messaging.requests import OpenRequests
from caxton_node.messaging.tags import SHADOW
from caxton_node.messaging.traces import SAMPLED, Traces

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
        receipts: Where it is noted for those who ask.
        traces: Where the spans of what is given up end.
        budgets: Where it is counted what a message carried that comes back to nobody.
        node_id: This node.

    Attributes:
        durable: Messages that survive; None on a node that keeps none.
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
        receipts: Receipts,
        traces: Traces,
        budgets: Budgets,
        node_id: str,
    ) -> None:
        self.durable: DurablePost | None = None
        self._post = post
        self._requests = requests
        self._conversations = conversations
        self._receipts = receipts
        self._traces = traces
        self._budgets = budgets
        self._node_id = node_id
        self._dead_letters = dead_letters
        self._tally = tally
        self._clock = clock
        self._scolded: dict[str, tuple[int, int]] = {}

    def give_up(
        self,
        envelope: Envelope,
        receiver: str,
        reason: FailureReason,
        detail: str,
        node: str = "",
        *,
        exhausted: Exhausted | None = None,
    ) -> None:
        """Give up one message to one receiver; it was counted as accepted before.

        Args:
            envelope: The message.
            receiver: The receiver as addressed.
            reason: One word for the sender's program.
            detail: One sentence.
            node: Where it was to go, if not on this node.
            exhausted: What ran out, if the reason is that.
        """
        if envelope.headers is not None and SHADOW in envelope.headers:
            self._tally.bury()  # a copy was nobody's, and nobody is to hear of it
            return
        if envelope.sender == PLATFORM_SENDER and receiver.startswith(MARKS):
            self._tally.bury()  # it marked a way that is gone
            return
        with self._closing(envelope, receiver, reason) as is_kept:
            if not is_kept:
                self._give_up(envelope, receiver, reason, detail, node, exhausted=exhausted)

    @contextmanager
    def _closing(self, envelope: Envelope, receiver: str, reason: FailureReason) -> Iterator[bool]:
        """Keep a durable message that may arrive yet, and say so; else close it with what comes of it."""
        durable, passage = self.durable, passage_of(envelope)
        if durable is None or passage is None:
            yield False
        elif durable.reception.keeps(passage, receiver, reason):
            self._tally.keep()
            yield True
        else:
            with durable.sending.refusal(envelope, passage):
                yield False

    def _give_up(
        self,
        envelope: Envelope,
        receiver: str,
        reason: FailureReason,
        detail: str,
        node: str,
        *,
        exhausted: Exhausted | None,
    ) -> None:
        if envelope.reply_with is not None:
            self._requests.forget(envelope, canonical_address(receiver, node or self._node_id))
        now_us = self._clock.unix_us()
        self._dead_letters.add(DeadLetter(now_us, reason, detail, receiver, encode(envelope)))
        self._note_end(envelope, receiver, reason, now_us)
        share = self._share_of(envelope, receiver, reason)
        if exhausted is not None and exhausted.is_kept:
            share = exhausted.rest
        is_told = exhausted is None or exhausted.is_told
        if envelope.performative in _NEVER_ANSWERED or not envelope.sender or not is_told:
            self._lose(share)
            self._tally.bury()
        else:
            self._tally.refuse()
            self.tell(envelope, receiver, reason, detail, share=share, exhausted=exhausted)
            if exhausted is not None and exhausted.initiator == envelope.sender:
                return  # it has been told in one
        if exhausted is not None and exhausted.is_news:
            self._post(tell_initiator(exhausted, envelope, receiver))

    def give_up_exhausted(self, envelope: Envelope, receiver: str, exhausted: Exhausted) -> None:
        """Give up a message whose budget has run out, and tell whoever opened the budget."""
        reason = FailureReason.BUDGET_EXHAUSTED
        self.give_up(envelope, receiver, reason, exhausted.detail, exhausted=exhausted)

    def give_up_all(self, frames: Sequence[bytes], reason: FailureReason, detail: str) -> None:
        """Give up frames that this node wrote or checked before."""
        for frame in frames:
            envelope = decode(frame)
            self.give_up(envelope, next(iter(envelope.receiver_list()), ""), reason, detail)

    def tell(
        self,
        envelope: Envelope,
        receiver: str,
        reason: FailureReason,
        detail: str,
        *,
        share: Grant | None = None,
        exhausted: Exhausted | None = None,
    ) -> None:
        """Tell a sender that a message failed, which is not in the node's hands (any more).

        Args:
            envelope: The message.
            receiver: The receiver as addressed.
            reason: One word for the sender's program.
            detail: One sentence.
            share: What the sender gets back of its budget.
            exhausted: What ran out; one who opened the budget himself is told all about it, once.
        """
        if envelope.sender != PLATFORM_SENDER:
            address = canonical_address(receiver, self._node_id)
            if reason is not FailureReason.TIMEOUT:
                self._take_back(envelope, address)
            elif envelope.conversation_id is not None:  # it arrived, and a late answer is still one
                talk, protocol, sender = envelope.conversation_id, envelope.protocol, envelope.sender or ""
                self._conversations.note_overdue(talk, protocol, sender, address)
            if exhausted is not None and exhausted.is_news and exhausted.initiator == envelope.sender:
                answer = tell_initiator(exhausted, envelope, receiver)
            else:
                answer = failure(envelope, reason, detail, receiver)
            with_grant(answer, share or _nothing_of(envelope))
            if passage_of(envelope) is not None:
                make_durable(answer)
            self._post(answer)

    def answer_malformed(
        self, sender: str, frame: bytes, fault: Exception, turn: Grant | None = None
    ) -> None:
        """Tell an agent that what it sent is no envelope, within its conversation if that can be read."""
        self._tally.misunderstand()
        if not self._may_scold(sender):
            return
        err = explain(frame, fault)  # only now: it reads the frame again
        known = salvage(frame)
        known.sender = sender
        answer = not_understood(known, err.reason, err.position, err.field)
        with_grant(answer, nothing_of(turn) if turn else None)
        self._post(answer)

    def answer_broken_rule(self, envelope: Envelope, err: BrokenRule) -> None:
        """Tell an agent that its message breaks a rule; one broken by a limit is a FAILURE of its own."""
        self._tally.misunderstand()
        self._note_end(envelope, next(iter(envelope.receiver_list()), ""), err.reason, self._clock.unix_us())
        if envelope.performative not in _NEVER_ANSWERED and self._may_scold(envelope.sender or ""):
            answer = not_understood(envelope, err.reason, err.position, err.field)
            with_grant(answer, _nothing_of(envelope))
            self._post(answer)

    def answer_fault(self, envelope: Envelope, fault: Fault) -> None:
        """Tell a sender that its act is not allowed by the protocol, and what is; it counts as refused.

        Who cannot be told, since this is an answer of the kind that is never answered or he has been told too
        often within the second, leaves a dead letter.
        """
        with self._closing(envelope, "", FailureReason.NOT_ALLOWED):
            self._answer_fault(envelope, fault)

    def _answer_fault(self, envelope: Envelope, fault: Fault) -> None:
        rule, allowed = fault.violation.rule, tuple(act.word for act in fault.violation.allowed)
        receiver, now_us = next(iter(envelope.receiver_list()), ""), self._clock.unix_us()
        self._note_end(envelope, receiver, rule, now_us)
        if envelope.performative in _NEVER_ANSWERED or not self._may_scold(envelope.sender or ""):
            self._tally.bury()
            letter = DeadLetter(now_us, FailureReason.NOT_ALLOWED, rule, receiver, encode(envelope))
            self._dead_letters.add(letter)
            self._lose(grant_of(envelope))
            return
        self._tally.refuse()
        position = POSITIONS.index("performative")
        answer = not_understood(envelope, rule, position, "performative", allowed)
        with_grant(answer, returned(envelope))
        if passage_of(envelope) is not None:
            make_durable(answer)
        self._post(answer)

    def answer_oversize(self, envelope: Envelope, err: BrokenRule) -> None:
        """Tell an agent that its message is too large; the message was accepted and is given up."""
        envelope.content = None  # the dead letter keeps the fact, not the megabytes
        self.give_up(envelope, next(iter(envelope.receiver_list()), ""), FailureReason.OVERSIZE, err.reason)

    def _share_of(self, envelope: Envelope, receiver: str, reason: FailureReason) -> Grant | None:
        """Return what a message has carried and gives back, less what its receiver used before it failed."""
        grant = grant_of(envelope)
        if grant is not None and reason is FailureReason.TRAPPED:
            return self._budgets.take_back(canonical_address(receiver, self._node_id), grant)
        return returned(envelope)

    def _lose(self, share: Grant | None) -> None:
        if share is not None:
            self._budgets.lose(share)

    def _note_end(self, envelope: Envelope, receiver: str, reason: str, now_us: int) -> None:
        """Write down for those who ask what became of a message."""
        message_id = envelope.message_id
        if message_id is None:
            return
        number = int.from_bytes(message_id, "big")
        self._receipts.note_given_up(number, now_us, receiver, reason)
        if envelope.trace is not None and envelope.trace[-1] & SAMPLED:
            self._traces.end(envelope, receiver, f"refused: {reason}", now_us)

    def _take_back(self, envelope: Envelope, receiver: str) -> None:
        """Let the protocol know that an act has reached nobody."""
        if envelope.conversation_id is not None:
            act, sender = envelope.performative, envelope.sender or ""
            self._conversations.take_back(envelope.conversation_id, act, envelope.protocol, sender, receiver)

    def _may_scold(self, sender: str) -> bool:
        """Limit what one agent is told: one that answers NOT_UNDERSTOOD with rubbish would never end."""
        second = self._clock.unix_us() // 1_000_000
        since, count = self._scolded.get(sender, (second, 0))
        count = count + 1 if since == second else 1
        if len(self._scolded) >= _SCOLDED_MAX:
            self._scolded.clear()
        self._scolded[sender] = (second, count)
        return count <= SCOLDED_PER_S


def _nothing_of(envelope: Envelope) -> Grant | None:
    """Return what keeps the turn that handles an answer within the budget of what it answers."""
    grant = grant_of(envelope)
    return nothing_of(grant) if grant else None
