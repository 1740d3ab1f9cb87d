"""Answers: how a message is turned round, and what the platform says when something went wrong."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative

PLATFORM_SENDER = "ams"
"""FIPA's agent management system: the voice of the platform."""


class FailureReason(StrEnum):
    """Why a message did not reach its receiver or got no answer."""

    NO_SUCH_AGENT = "no-such-agent"
    MAILBOX_FULL = "mailbox-full"
    NODE_DIED = "node-died"
    TRAPPED = "trapped"
    TIMEOUT = "timeout"
    DRAINING = "draining"
    UNROUTABLE = "unroutable"
    OVERSIZE = "oversize"
    BACKLOG_FULL = "backlog-full"
    AGENT_STOPPED = "agent-stopped"
    EXPIRED = "expired"
    LOOP = "loop"
    NOT_ALLOWED = "not-allowed"
    BUDGET_EXHAUSTED = "budget-exhausted"


class FailureContent(msgspec.Struct):
    """The JSON content of a FAILURE from the platform.

    Attributes:
        reason: One word for programs.
        detail: One sentence for people.
        message_id: Hex id of the message that failed, "" if it never got one.
        receiver: The address it was meant for.
    """

    reason: FailureReason
    detail: str
    message_id: str
    receiver: str


class ExhaustedContent(FailureContent):
    """The JSON content of a FAILURE to the initiator of a conversation whose budget has run out.

    Attributes:
        conversation: The conversation that opened the budget.
        amount: What ran out: `fuel`, `time_us`, `messages`, `bytes` or `cost`.
        spent: Who spent what, by agent and amount, as far as the branch that ran out knows.
    """

    conversation: str
    amount: str
    spent: dict[str, dict[str, int]]


class MisunderstandingContent(msgspec.Struct, omit_defaults=True):
    """The JSON content of a NOT_UNDERSTOOD from the platform: what was wrong and where in the envelope.

    Attributes:
        reason: What was expected and what came instead; or the rule of the protocol that the act breaks.
        position: Index in the envelope, None if there is none to name.
        field: Name of that position.
        allowed: Acts that the protocol allows now; None when it is not about a protocol.
    """

    reason: str
    position: int | None
    field: str | None
    allowed: tuple[str, ...] | None = None


_to_json = msgspec.json.Encoder().encode


def reply(envelope: Envelope, performative: Performative, content: bytes | None, sender: str) -> Envelope:
    """Answer a message: same conversation, protocol and vocabulary, to `reply_to` or the sender.

    Args:
        envelope: The message to answer.
        performative: The act of the answer.
        content: Its payload.
        sender: Who answers.
    """
    return Envelope(
        performative,
        sender=sender,
        receivers=envelope.reply_to or envelope.sender,
        content=content,
        conversation_id=envelope.conversation_id,
        in_reply_to=envelope.reply_with,
        ontology=envelope.ontology,
        language=envelope.language,
        encoding=envelope.encoding,
        protocol=envelope.protocol,
        trace=envelope.trace,
    )


def failure(envelope: Envelope, reason: FailureReason, detail: str, receiver: str = "") -> Envelope:
    """Tell a sender that its message failed.

    The answer goes to the sender itself, never to `reply_to`: whoever sent it must learn that it got lost.

    Args:
        envelope: The message that failed.
        reason: One word for programs.
        detail: One sentence for people.
        receiver: Which of its receivers did not get it; the first one if left out.
    """
    content = FailureContent(
        reason=reason,
        detail=detail,
        message_id=(envelope.message_id or b"").hex(),
        receiver=receiver or next(iter(envelope.receiver_list()), ""),
    )
    return _platform_answer(envelope, Performative.FAILURE, content)


def not_understood(
    envelope: Envelope,
    reason: str,
    position: int | None = None,
    field: str | None = None,
    allowed: tuple[str, ...] | None = None,
) -> Envelope:
    """Tell a sender that its message is not one, with the reason and the position at fault.

    Args:
        envelope: What is known of the message: at least the sender.
        reason: What was expected and what came instead.
        position: Index in the envelope, None if there is none to name.
        field: Name of that position.
        allowed: Acts that the protocol allows now.
    """
    content = MisunderstandingContent(reason=reason, position=position, field=field, allowed=allowed)
    return _platform_answer(envelope, Performative.NOT_UNDERSTOOD, content)


def _platform_answer(
    envelope: Envelope, performative: Performative, content: FailureContent | MisunderstandingContent
) -> Envelope:
    answer = reply(envelope, performative, _to_json(content), PLATFORM_SENDER)
    answer.receivers = envelope.sender
    answer.language = answer.encoding = answer.ontology = None
    return answer
