"""What a message means for its conversation and for those who wait, and whether it may reach its receiver.

Everything here runs on whatever thread the message came in on. `conversations.py` knows the conversations;
here it is decided what follows from that for one message.
"""

from __future__ import annotations

from caxton_node.core.clock import Clock
from caxton_node.fipa import Envelope, FailureReason
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging.conversations import Conversations, Fault
from caxton_node.messaging.courses import Conversation
from caxton_node.messaging.destinations import Destination, Found, RemoteLane, RemoteWay
from caxton_node.messaging.durable.header import OUTBOX
from caxton_node.messaging.mailbox import Sender
from caxton_node.messaging.requests import OpenRequests
from caxton_node.messaging.returns import Returns
from caxton_node.messaging.stamps import continue_trace, new_trace
from caxton_node.messaging.tags import RESENT
from caxton_node.messaging.traces import SAMPLED, TRACE_ID_BYTES, Span, Traces

NO_ID = bytes(16)  # of a message that its node has not stamped, which no node of ours does


class Following:
    """Follows conversations, message by message.

    Args:
        conversations: The table.
        traces: Spans of those that are followed.
        requests: Requests that wait for an answer.
        returns: Where messages go that are refused.
        clock: Time.
        node_id: This node.
    """

    def __init__(
        self,
        *,
        conversations: Conversations,
        traces: Traces,
        requests: OpenRequests,
        returns: Returns,
        clock: Clock,
        node_id: str,
    ) -> None:
        self._conversations = conversations
        self._traces = traces
        self._requests = requests
        self._returns = returns
        self._clock = clock
        self._here = f"@{node_id}"

    def begin(self, conversation_id: str, sender: str, now_us: int, trace_id: bytes) -> Conversation:
        """Add a conversation that a guest begins."""
        is_followed = self._traces.follows_next()
        return self._conversations.begin(conversation_id, sender, now_us, trace_id, is_followed=is_followed)

    def join(self, envelope: Envelope) -> Conversation | None:
        """Find or begin the conversation of a stamped message, and let the message carry its trace."""
        conversation_id, message_id = envelope.conversation_id, envelope.message_id or NO_ID
        if conversation_id is None:
            envelope.trace = continue_trace(envelope.trace, message_id)
            return None
        talk = self._conversations.table.get(conversation_id)
        if talk is None:
            trace, sender = envelope.trace, envelope.sender or PLATFORM_SENDER
            trace_id = trace[:TRACE_ID_BYTES] if trace else message_id
            is_followed = bool(trace[-1] & SAMPLED) if trace else self._traces.follows_next()
            now_us = self._clock.unix_us()  # it may have been parked for days, or sent by another clock
            talk = self._conversations.begin(
                conversation_id, sender, now_us, trace_id, is_followed=is_followed
            )
        if envelope.trace is None:
            envelope.trace = new_trace(message_id, SAMPLED if talk.is_followed else 0, talk.trace_id)
        elif envelope.trace[-1] & SAMPLED:
            talk.is_followed = True
        return talk

    def refuses(self, envelope: Envelope, found: Found, mailbox: Sender, *, arrived: bool) -> bool:
        """Note what a message means for its conversation; True if that refused it: its sender was told.

        Args:
            envelope: The message, with one receiver.
            found: Where that leads.
            mailbox: Of the local agent that sent it, None for anyone else.
            arrived: Whether it comes from another node.
        """
        sender, now_us = envelope.sender or PLATFORM_SENDER, envelope.sent_at or 0
        if found.destination is mailbox and mailbox is not None and not mailbox.may_write_to_itself(now_us):
            detail = f"{sender} writes to itself too often; a loop of one agent never ends"
            self._returns.give_up(envelope, found.address, FailureReason.LOOP, detail)
            return True
        if sender == PLATFORM_SENDER:
            return False
        talk = self.join(envelope)
        return talk is not None and self._judge(talk, envelope, found, arrived=arrived)

    def _judge(self, talk: Conversation, envelope: Envelope, found: Found, *, arrived: bool) -> bool:
        """Take a message into its conversation, or refuse it."""
        conversations, now_us = self._conversations, self._clock.unix_us()
        if talk.messages >= talk.messages_max and not conversations.may_go_on(talk, now_us):
            detail = f"conversation {talk.id} has had {talk.messages:,} messages within an hour"
            self._returns.give_up(envelope, found.address, FailureReason.LOOP, detail)
            return True
        sender, act = envelope.sender or PLATFORM_SENDER, envelope.performative
        fault = conversations.follow(talk, act, envelope.protocol, sender, found.address)
        answers = envelope.in_reply_to is not None
        if fault is not None and RESENT in (envelope.headers or ()):  # an operator has decided
            conversations.reopen(talk, envelope.protocol, sender, found.address)
            conversations.follow(talk, act, envelope.protocol, sender, found.address)
            fault = None
        if fault is not None and self.forbids(
            fault, talk, found.destination, now_us, arrived=arrived, answers=answers
        ):
            self._returns.answer_fault(envelope, fault)
            return True
        talk.messages += 1
        talk.last_us = now_us
        if envelope.reply_by is not None:
            talk.deadline_ms = max(talk.deadline_ms, envelope.reply_by)
        return False

    def forbids(
        self,
        fault: Fault,
        talk: Conversation,
        destination: Destination | RemoteWay | None,
        now_us: int,
        *,
        arrived: bool = False,
        answers: bool = False,
    ) -> bool:
        """Tell whether an act that its protocol does not allow is kept from its receiver.

        The node of the receiver decides, by the receiver's policy.
        """
        if isinstance(destination, RemoteLane | RemoteWay):
            return False
        assert destination is not None, "only what leads somewhere is judged"
        policy = destination.policy
        if policy is ProtocolPolicy.OFF:
            return False
        if self._conversations.excuses(fault, now_us, arrived=arrived, answers=answers):
            self._conversations.unjudged += 1
            return False
        self._conversations.note_fault(talk)
        return policy is ProtocolPolicy.ENFORCE

    def note_request(self, envelope: Envelope, found: Found, *, again: bool) -> None:
        """Remember what a message means for those who wait.

        Args:
            envelope: The message.
            found: Where it leads.
            again: Whether it has been on its way here before.
        """
        sender, reply_by = envelope.sender or PLATFORM_SENDER, envelope.reply_by
        if envelope.in_reply_to is not None:
            self._requests.close(envelope.performative, envelope.in_reply_to, sender, found.address)
        if envelope.reply_with is None or not sender.endswith(self._here):
            return
        node = found.node
        if OUTBOX in (envelope.headers or ()):
            if reply_by is None:
                return  # it outlives its receiver's node, and is not answered by the death of that
            node = ""
        is_far = not found.address.endswith(self._here)
        is_due = reply_by is not None and reply_by * 1000 <= self._clock.unix_us()  # its sender has been told
        if (reply_by is not None or is_far) and not (again and is_due):
            self._requests.remember(envelope, found.address, node)

    def begin_span(self, envelope: Envelope, found: Found) -> Span | None:
        """Begin the span of a message whose conversation is followed."""
        trace = envelope.trace
        is_followed = trace is not None and trace[-1] & SAMPLED
        return self._traces.begin(envelope, found.address) if is_followed else None
