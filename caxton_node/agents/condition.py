"""How an agent does, coarsely enough that all nodes may know it: its load, and if it keeps failing. Pure.

    load 0   less than a quarter of its mailbox is in use      2   at least half
         1   at least a quarter                                3   at least seven eighths

Every node keeps this of every agent, so it must change seldom. A level is told when two looks in a row
agree on it, and it is left only when the mailbox is clearly on the other side of its border. Mailbox depth
was chosen since it is what an agent's callers wait for, whatever its reason: a busy worker, a slow tool, a
long message.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

BORDERS = (0.25, 0.5, 0.875)
MARGIN = 0.0625
"""How far beyond a border a mailbox must be for its level to change."""
FAILURES_MIN = 3
"""Failures within the supervisor's window from which on an agent counts as failing."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is told of an agent.

    Attributes:
        load: 0 to 3.
        failing: It has failed again and again of late.
    """

    load: int = 0
    failing: bool = False


WELL = Condition()


class Gauge:
    """What is told of one agent, and what was seen of it last.

    Attributes:
        told: What the cluster knows.
    """

    __slots__ = ("_seen", "told")

    def __init__(self) -> None:
        self.told = WELL
        self._seen = 0

    def look(self, *, waiting: int, depth_max: int, failures: int) -> bool:
        """Look at an agent; tell whether there is something to tell.

        Args:
            waiting: Messages in its mailbox.
            depth_max: How many it may hold.
            failures: How often it has failed of late.
        """
        seen, self._seen = self._seen, level_of(waiting / max(1, depth_max), self.told.load)
        load = self._seen if seen == self._seen else self.told.load
        now = Condition(load, failures >= FAILURES_MIN)
        before, self.told = self.told, now
        return now != before


def level_of(fill: float, before: int) -> int:
    """Return the level of a mailbox.

    Args:
        fill: The part of it that is in use.
        before: Its level until now, which it keeps at the borders.
    """
    level = bisect_right(BORDERS, fill)
    if level > before:
        return max(before, bisect_right(BORDERS, fill - MARGIN))
    return min(before, bisect_right(BORDERS, fill + MARGIN))
