"""What became of a message that had to be paid for, and what its initiator is told when it could not be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from caxton_node.fipa import Envelope, FailureReason, Performative
from caxton_node.fipa.replies import PLATFORM_SENDER, ExhaustedContent
from caxton_node.messaging.budget.amounts import Usage
from caxton_node.messaging.budget.header import Grant

_to_json = msgspec.json.Encoder().encode
_WORDS = {"time_us": "time", "bytes": "bytes of content", "cost": "tool cost"}


class Exhausted(NamedTuple):
    """A message that is given up because the budget of its conversation has run out, here at least.

    Attributes:
        agent: Whose purse was empty, `name@node`.
        amount: What it lacked: `fuel`, `time_us`, `messages`, `bytes` or `cost`.
        rest: The budget with nothing in it, and who spent what as far as this node has heard. The FAILURE
            about the message carries it: the turn that handles that is paid like any other.
        is_news: Whether the initiator is to be told: this is the first time on this node.
        is_told: Whether the sender is: one that goes on and on is told so many times, then no more.
        is_kept: Whether what the message carried is in the purse, so that it must not go back as well.
    """

    agent: str
    amount: str
    rest: Grant
    is_news: bool = True
    is_told: bool = True
    is_kept: bool = False

    @property
    def initiator(self) -> str:
        """Return who opened the budget."""
        return self.rest.initiator

    @property
    def detail(self) -> str:
        """Say it in a sentence."""
        word, rest = _WORDS.get(self.amount, self.amount), self.rest
        return f"{self.agent} has no {word} left of the budget that {rest.initiator} gave {rest.conversation}"


class Bill(NamedTuple):
    """How a budget stands for one agent.

    Attributes:
        left: Amounts by name; those without a limit are None.
        spent: Who spent what, as far as this node has heard.
    """

    left: Mapping[str, int | None]
    spent: Mapping[str, Usage]


def tell_initiator(exhausted: Exhausted, failed: Envelope, receiver: str) -> Envelope:
    """Write the FAILURE for whoever opened the budget; it is in no budget itself, so it can be handled.

    One who opened a budget is not held by it: see `Budgets.pay`.

    Args:
        exhausted: What ran out.
        failed: The message that is given up.
        receiver: Whom it did not reach.
    """
    is_sender = failed.sender == exhausted.initiator
    content = ExhaustedContent(
        reason=FailureReason.BUDGET_EXHAUSTED,
        detail=exhausted.detail,
        message_id=(failed.message_id or b"").hex(),
        receiver=receiver,
        conversation=exhausted.rest.conversation,
        amount=exhausted.amount,
        spent={agent: usage._asdict() for agent, usage in exhausted.rest.spent.items()},
    )
    return Envelope(
        Performative.FAILURE,
        sender=PLATFORM_SENDER,
        receivers=exhausted.initiator,
        content=_to_json(content),
        conversation_id=exhausted.rest.conversation,
        in_reply_to=failed.reply_with if is_sender else None,
        protocol=failed.protocol if is_sender else None,
        trace=failed.trace,
    )
