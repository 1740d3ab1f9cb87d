"""What a purse must know of a message that it pays for."""

from __future__ import annotations

from typing import NamedTuple

from caxton_node.messaging.budget.amounts import Amounts
from caxton_node.messaging.budget.purses import Key, Purse
from caxton_node.messaging.budget.shares import Part


class Sending(NamedTuple):
    """One message to one receiver, as far as it matters to the purse that pays for it.

    Attributes:
        receiver: As written.
        conversation: Its conversation.
        in_reply_to: What it answers.
        is_promise: Whether it is an AGREE.
        content_bytes: Size of its content.
        wish: What its header asks for, or grants if it opens a budget; None without a header.
    """

    receiver: str
    conversation: str | None = None
    in_reply_to: str | None = None
    is_promise: bool = False
    content_bytes: int = 0
    wish: Amounts | None = None

    def asked(self, agent: str) -> Key:
        """Return the key of the question that this message of an agent answers, if it does."""
        return agent, self.conversation or "", self.receiver, self.in_reply_to or ""

    def part_for(self, agent: str, purse: Purse) -> Part:
        """Say what this message of an agent is to the purse that pays for it."""
        if self.is_promise:
            return Part.PROMISE
        return Part.ANSWER if self.asked(agent) in purse.keys else Part.FORWARD
