"""How a purse is divided among the messages that one turn sends.

    1  whoever asks for a share gets it, as far as there is so much, in the order of sending
    2  messages that pass work on share the rest equally, and one more share stays: for the sender, to go on
       with, or for those whom it answers
    3  answers give everything that is left back to those who gave
    4  a promise (AGREE) carries nothing, since the work is still to be done

Each amount is divided by itself, so a message may ask for 5 messages and take its equal share of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from caxton_node.messaging.budget.amounts import Amounts

NO_WISH = Amounts()


class Part(Enum):
    """What a message is to the purse that pays for it."""

    FORWARD = "forward"
    ANSWER = "answer"
    PROMISE = "promise"


def divide(left: Amounts, parts: Sequence[tuple[Part, Amounts]], *, keep: bool) -> list[Amounts]:
    """Divide what is left among messages.

    Args:
        left: What is to be divided.
        parts: For each message what it is, and what it asks for; None in an amount asks for the rule above.
        keep: Whether a share stays when there are no answers to take it.

    Returns:
        What each message carries, in the same order. The rest, `left` less these, stays.
    """
    kinds = [kind for kind, _ in parts]
    wishes = zip(*(wish for _, wish in parts), strict=True)
    columns = [
        _divide_one(amount, kinds, list(asked), keep) for amount, asked in zip(left, wishes, strict=False)
    ]
    return [Amounts(*row) for row in zip(*columns, strict=True)]


def _divide_one(
    left: int | None, kinds: list[Part], wishes: list[int | None], keep: bool
) -> list[int | None]:
    """Divide one amount; without a limit everybody has as much as he likes."""
    if left is None:
        return wishes
    shares: list[int | None] = []
    for wish in wishes:
        shares.append(None if wish is None else min(wish, left))
        left -= shares[-1] or 0
    forwards = [at for at, kind in enumerate(kinds) if shares[at] is None and kind is Part.FORWARD]
    answers = [at for at, kind in enumerate(kinds) if shares[at] is None and kind is Part.ANSWER]
    each = left // max(len(forwards) + (1 if keep or answers else 0), 1)
    left -= each * len(forwards)
    for at in forwards:
        shares[at] = each
    for waiting, at in zip(range(len(answers), 0, -1), answers, strict=True):
        shares[at] = left // waiting
        left -= left // waiting
    return [share or 0 for share in shares]
