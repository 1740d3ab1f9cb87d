"""The desk at which budgets are paid: between what is sent and handled here, and the purses of the node.

Only messages that have to do with a budget come here. `budget/` has the rules, docs/budgets.md has them in
words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from caxton_node.fipa import BrokenRule, Envelope, Performative, decode, encode
from caxton_node.fipa.message import HEADERS_MAX
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging.budget import (
    METERED_TURN,
    TURN,
    Amounts,
    Exhausted,
    Grant,
    Sending,
    Usage,
    grant_of,
    has_room,
    with_grant,
)
from caxton_node.messaging.delivery import Delivery
from caxton_node.messaging.mailbox import Mailbox


class Letter(NamedTuple):
    """A message on its way out.

    Attributes:
        envelope: Stamped and checked, without the header that its sender wrote.
        wish: What that header asked for.
    """

    envelope: Envelope
    wish: Amounts | None


class Paying:
    """Pays for messages and turns; any thread may use it.

    Args:
        delivery: Where paid messages go, and whose purses these are.
    """

    def __init__(self, delivery: Delivery) -> None:
        self.budgets = delivery.budgets
        self._delivery = delivery

    # -- what is sent ---------------------------------------------------------------------------------------

    def concerns(self, letter: Letter) -> bool:
        """Tell whether a message that is not sent in a paid turn must be paid nevertheless."""
        if letter.wish is not None:
            return True
        envelope = letter.envelope
        if not self.budgets.conversations:
            return False
        sender, talk, asked = envelope.sender or "", envelope.conversation_id, envelope.in_reply_to
        return any(self.budgets.concerns(sender, talk, to, asked) for to in envelope.receiver_list())

    def send(
        self,
        letters: Sequence[Letter],
        mailbox: Mailbox | None,
        *,
        turn: Grant | None = None,
        keep: bool = True,
    ) -> None:
        """Pay for messages of one sender together, and route them in order.

        Args:
            letters: All that a turn sends, from the first one on that is paid.
            mailbox: Of the local agent that sent them, None for anyone else.
            turn: What the message carried that is being handled, None outside of a paid turn.
            keep: Whether a share stays with the sender.
        """
        letters = [letter for letter in letters if self._is_sound(letter)]
        if not letters:
            return
        delivery, sender = self._delivery, letters[0].envelope.sender or ""
        copies = [(letter, to) for letter in letters for to in delivery.prepare(letter.envelope)]
        sendings = (_sending(letter, to) for letter, to in copies)
        verdicts = self.budgets.pay(sender, sendings, turn=turn, keep=keep)
        for (letter, to), verdict in zip(copies, verdicts, strict=True):
            envelope = letter.envelope
            envelope.receivers = to
            if isinstance(verdict, Exhausted):
                with_grant(envelope, verdict.rest)
                delivery.returns.give_up_exhausted(envelope, to, verdict)
            else:
                with_grant(envelope, verdict)
                delivery.route(envelope, encode(envelope), mailbox)

    def _is_sound(self, letter: Letter) -> bool:
        if has_room(letter.envelope):
            return True
        reason = f"{HEADERS_MAX - 1} headers are allowed within a budget, which is one itself"
        self._delivery.returns.answer_broken_rule(letter.envelope, BrokenRule(reason, "headers"))
        return False

    # -- what is handled ------------------------------------------------------------------------------------

    def admit(self, agent: str, frame: bytes, *, counts_fuel: bool) -> bool:
        """Tell whether an agent may handle a message; if its budget has run out, it is given up here.

        Args:
            agent: The receiver, `name@node`.
            frame: A message that carries a budget.
            counts_fuel: Whether the agent's fuel is counted.
        """
        envelope = decode(frame)
        grant = grant_of(envelope)
        if grant is None:
            return True
        if agent == grant.initiator and envelope.sender == PLATFORM_SENDER:
            return True  # whoever opened a budget hears what became of it, whatever is left
        refused = self.budgets.admit(agent, grant, METERED_TURN if counts_fuel else TURN)
        if refused is None:
            return True
        self._delivery.returns.give_up_exhausted(envelope, agent, refused)
        return False

    def charge(self, agent: str, frame: bytes, usage: Usage) -> None:
        """Charge a turn to what its message brought and to what the agent had."""
        envelope = decode(frame)
        grant = grant_of(envelope)
        if grant is not None:
            self.take_in(agent, envelope, grant)
            self.budgets.charge(agent, grant, usage)

    def take_in(self, agent: str, envelope: Envelope, grant: Grant) -> None:
        """Put what a message carries into the purse of whoever has handled it."""
        self.budgets.credit(
            agent,
            grant,
            conversation=envelope.conversation_id,
            giver=envelope.reply_to or envelope.sender,
            reply_with=envelope.reply_with,
        )


def _sending(letter: Letter, receiver: str) -> Sending:
    envelope = letter.envelope
    return Sending(
        receiver,
        envelope.conversation_id,
        envelope.in_reply_to,
        envelope.performative is Performative.AGREE,
        len(envelope.content or b""),
        letter.wish,
    )
