"""Who spent what in one conversation, as far as this node has heard.

Every agent's spending is counted by its own node and only grows, so two tables are joined by taking the
larger number of each row: hearing the same table twice, by two ways, changes nothing. (To send each row along
one way only would be exact too, but a branch in which the budget runs out would then know least.)

A table has a row for 64 agents. What others spend is summed in one row more; that sum is an estimate, since
another node may have a row for some whom this one has not.
"""

from __future__ import annotations

from collections.abc import Mapping

from caxton_node.messaging.budget.amounts import NOTHING, Usage

SPENDERS_MAX = 64
OTHERS = "others"
"""The row of all for whom there is no other; an agent's address has an `@`, so nobody is called so."""


class Spending:
    """The table; guarded by whoever owns it.

    Attributes:
        rows: Spending by agent, `name@node`, in the order of hearing of them.
    """

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: dict[str, Usage] = {}

    def add(self, agent: str, usage: Usage) -> None:
        """Count what an agent of this node has used."""
        row = agent if self._has_room_for(agent) else OTHERS
        self.rows[row] = self.rows.get(row, NOTHING).plus(usage).writable()

    def join(self, heard: Mapping[str, Usage]) -> None:
        """Take in what another node, or this one at an earlier time, has written."""
        surplus = NOTHING
        for agent, usage in heard.items():
            if agent == OTHERS or not self._has_room_for(agent):
                surplus = surplus.plus(usage)
            else:
                self.rows[agent] = self.rows.get(agent, NOTHING).joined(usage)
        if surplus != NOTHING:
            self.rows[OTHERS] = self.rows.get(OTHERS, NOTHING).joined(surplus.writable())

    def _has_room_for(self, agent: str) -> bool:
        return agent in self.rows or len(self.rows) - (OTHERS in self.rows) < SPENDERS_MAX
