"""The purses of a node and how one is found; bounded, and guarded by whoever owns them.

Bounds: purses, and for each purse on average four rows of spending and four keys by which it is found. The
purse that has been idle longest in the budget that has been idle longest goes first. What it held is lost.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from caxton_node.messaging.budget.amounts import NOTHING, Amounts, Usage
from caxton_node.messaging.budget.header import Grant
from caxton_node.messaging.budget.spending import Spending
from caxton_node.messaging.budget.verdicts import Exhausted

CROWD = 4
"""Rows and keys that there may be for each purse, on average."""
KEYS_MAX = 64
TOLD_MAX = 256
"""How often one agent is told that its purse is empty. As many as one message may have receivers, so that who
counts answers gets them all; but one that answers each FAILURE by another message comes to an end."""

Key = tuple[str, ...]
"""(agent, conversation), or (agent, conversation, who asked, with what `reply_with`)."""


@dataclass(slots=True)
class Ledger:
    """What became of all limited amounts on one node.

    Attributes:
        refusals: Messages that were given up because something had run out.
        granted: Given to budgets when they were opened, or by limiting for others what has no limit.
        spent: Used and paid.
        overdrawn: Used by turns beyond what their purses held; nobody paid it.
        unused: Left when a budget was closed, or put to what has no limit.
        lost: In purses that were forgotten and messages that reached nobody.
    """

    refusals: int = 0
    granted: Usage = NOTHING
    spent: Usage = NOTHING
    overdrawn: Usage = NOTHING
    unused: Usage = NOTHING
    lost: Usage = NOTHING


class Purse:
    """What one agent has left of one budget.

    Attributes:
        left: The amounts.
        keys: By what it is found, the latest used last.
        refusals: How often it was empty.
    """

    __slots__ = ("keys", "left", "refusals")

    def __init__(self, left: Amounts) -> None:
        self.left = left
        self.keys: dict[Key, None] = {}
        self.refusals = 0


class Budget:
    """One budget, as far as it is known here.

    Args:
        initiator: Who opened it, `name@node`.
        conversation: The conversation that opened it.
        basis: How a purse begins: nothing of what is limited.

    Attributes:
        purses: By agent, the latest used last.
        spending: Who spent what.
        told: Whether this node has told the initiator that something ran out.
        rows: Rows of spending that have been counted.
    """

    __slots__ = ("basis", "conversation", "initiator", "purses", "rows", "spending", "told")

    def __init__(self, initiator: str, conversation: str, basis: Amounts) -> None:
        self.initiator = initiator
        self.conversation = conversation
        self.basis = basis
        self.purses: dict[str, Purse] = {}
        self.spending = Spending()
        self.told = False
        self.rows = 0

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells it from all others."""
        return self.initiator, self.conversation

    def exhausted(self, agent: str, purse: Purse, amount: str, *, is_kept: bool = False) -> Exhausted:
        """Say that something ran out; the first time it is news."""
        told, self.told = self.told, True
        purse.refusals += 1
        rest = self.grant(purse.left.emptied(), refund=True)
        return Exhausted(agent, amount, rest, not told, purse.refusals <= TOLD_MAX, is_kept)

    def grant(self, carried: Amounts, *, refund: bool) -> Grant:
        """Write what a message carries."""
        return Grant(
            initiator=self.initiator,
            conversation=self.conversation,
            **carried._asdict(),
            spent=dict(self.spending.rows),
            refund=refund,
        )


class Purses:
    """All purses of a node.

    Args:
        count_max: Purses kept.
        ledger: Where lost amounts are counted.

    Attributes:
        payers: The budget that pays, by key; of several with the same key the one that was last heard of.
        conversations: How many of these keys each conversation has; those that are paid by somebody here.
        count: How many purses there are.
        dropped: Purses that had to make room.
    """

    def __init__(self, count_max: int, ledger: Ledger) -> None:
        self.payers: dict[Key, Budget] = {}
        self.conversations: dict[str, int] = {}
        self.count = 0
        self.dropped = 0
        self._ledger = ledger
        self._count_max = count_max
        self._budgets: OrderedDict[tuple[str, str], Budget] = OrderedDict()
        self._rows = self._keys = 0

    def find(self, initiator: str, conversation: str) -> Budget | None:
        """Return a budget by those who opened it, or None if nobody here has a purse of it."""
        return self._budgets.get((initiator, conversation))

    def budget_of(self, grant: Grant) -> Budget:
        """Return the budget that a message is in; a new one without purses if it is not known here."""
        known = self._budgets.get(grant.key)
        return known or Budget(grant.initiator, grant.conversation, grant.carried.emptied())

    def purse_of(self, budget: Budget, agent: str, basis: Amounts | None = None) -> Purse:
        """Return an agent's purse, which is empty if it had none, and note that it is in use."""
        self._budgets[budget.key] = budget
        self._budgets.move_to_end(budget.key)
        self.count_rows(budget)  # one that had to make room, and comes back, brings its rows
        purse = budget.purses.pop(agent, None)
        if purse is None:
            purse = Purse(budget.basis if basis is None else basis)
            self.count += 1
        budget.purses[agent] = purse
        self._make_room()
        return purse

    def know(self, budget: Budget, purse: Purse, key: Key, *, is_news: bool) -> None:
        """Let a purse be found by this; of more than `KEYS_MAX` the one not used for longest is forgotten.

        Args:
            budget: Whose purse it is.
            purse: The purse.
            key: By what.
            is_news: Whether it is to be found even if another had the key before.
        """
        self._keys += key not in purse.keys
        purse.keys.pop(key, None)
        purse.keys[key] = None
        if key not in self.payers and len(key) == 2:
            self.conversations[key[1]] = self.conversations.get(key[1], 0) + 1
        if is_news or key not in self.payers:
            self.payers[key] = budget
        if len(purse.keys) > KEYS_MAX:
            self._forget(budget, purse, next(iter(purse.keys)))

    def count_rows(self, budget: Budget) -> None:
        """Note that a table of spending may have grown."""
        self._rows += len(budget.spending.rows) - budget.rows
        budget.rows = len(budget.spending.rows)

    def remove(self, budget: Budget, agent: str) -> Purse:
        """Take a purse out, and its budget with the last one."""
        purse = budget.purses.pop(agent)
        self.count -= 1
        for key in list(purse.keys):
            self._forget(budget, purse, key)
        if not budget.purses:
            del self._budgets[budget.key]
            self._rows -= budget.rows
            budget.rows = 0
        return purse

    def _forget(self, budget: Budget, purse: Purse, key: Key) -> None:
        del purse.keys[key]
        self._keys -= 1
        if self.payers.get(key) is not budget:
            return  # another has it by now
        del self.payers[key]
        if len(key) == 2:
            self.conversations[key[1]] -= 1
            if not self.conversations[key[1]]:
                del self.conversations[key[1]]

    def _make_room(self) -> None:
        """Drop purses until the bounds hold; the one just used is the last of the last, and stays."""
        while self.count > 1 and self._is_crowded():
            budget = next(iter(self._budgets.values()))
            purse = self.remove(budget, next(iter(budget.purses)))
            self._ledger.lost = self._ledger.lost.plus(purse.left.counted())
            self.dropped += 1

    def _is_crowded(self) -> bool:
        beside_max = CROWD * self._count_max
        return self.count > self._count_max or self._rows > beside_max or self._keys > beside_max
