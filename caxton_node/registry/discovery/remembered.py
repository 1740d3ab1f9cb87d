"""What was found out about schemas, within a bound on what keeping it costs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from caxton_node.registry.discovery.work import Work

RECENT = 100
"""Searches after which what they used may be put out by something new."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Answers by question; what was not used for longest goes first.

    What one of the last `RECENT` searches used stays, and something new is then not kept. Searches go through
    offers in one order, again and again: were the oldest to go always, then a search through more than fits
    would each time find that just what it needs next has gone.

    Args:
        cost_max: What all that is kept may cost together.
    """

    def __init__(self, cost_max: float) -> None:
        self.cost = 0.0
        self._cost_max = cost_max
        self._kept: OrderedDict[K, tuple[V, float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: K, work: Work) -> V | None:
        """Return what is known, None if nothing is; it counts as used by this search."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        value, cost, last = kept
        if last != work.number:
            self._kept[key] = (value, cost, work.number)
        self._kept.move_to_end(key)
        return value

    def put(self, key: K, value: V, cost: float, work: Work) -> None:
        """Keep an answer, if there is room or what is there has not been used lately."""
        while self._kept and self.cost + cost > self._cost_max:
            oldest = next(iter(self._kept))
            _, gained, last = self._kept[oldest]
            if work.number - last < RECENT:
                return
            del self._kept[oldest]
            self.cost -= gained
        if self.cost + cost <= self._cost_max:
            self._kept[key] = (value, cost, work.number)
            self.cost += cost
