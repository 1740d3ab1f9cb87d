"""With whom to compare next: a small random set of alive nodes, kept for a while.

Comparing with a different random node each time spreads changes a little faster, but in a large cluster
every comparison would begin with a new connection. Four neighbours each make a random graph that is connected
with near certainty; one is exchanged now and then, so that no unlucky graph lasts.

A node that appears is taken in with the chance that keeps the set a fair sample of all (reservoir sampling).
After a split heals, half of all nodes appear and about half of the neighbours become nodes of the other side,
at once; when one node joins a thousand, about four take it as a neighbour and not all.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence

NEIGHBOURS = 4
PICKS_PER_EXCHANGE = 32


class Neighbours:
    """The neighbours of one node.

    Args:
        rng: For the choice; seeded in tests.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._kept: deque[str] = deque()
        self._known: set[str] = set()
        self._picks = 0

    def pick(self, others: Sequence[str]) -> str | None:
        """Return the neighbour whose turn it is.

        Args:
            others: Alive nodes, this one not among them.

        Returns:
            One of them, or None if there are none.
        """
        self._refresh(others)
        if not self._kept:
            return None
        self._picks += 1
        self._kept.rotate(-1)
        return self._kept[-1]

    def drop(self, node: str) -> None:
        """Choose someone else in place of a node that did not answer."""
        if node in self._kept:
            self._kept.remove(node)

    def _refresh(self, others: Sequence[str]) -> None:
        appeared = [node for node in others if node not in self._known]
        self._known = set(others)
        self._kept = deque(node for node in self._kept if node in self._known)
        for node in appeared:
            self._consider(node, len(others))
        if self._picks >= PICKS_PER_EXCHANGE and len(self._kept) == NEIGHBOURS:
            self._kept.popleft()
            self._picks = 0
        self._fill(others)

    def _consider(self, node: str, count: int) -> None:
        """Take a node that appeared in place of a neighbour, by chance; it gets the next turn."""
        if len(self._kept) == NEIGHBOURS and self._rng.random() < NEIGHBOURS / count:
            del self._kept[self._rng.randrange(NEIGHBOURS)]
            self._kept.appendleft(node)

    def _fill(self, others: Sequence[str]) -> None:
        if len(self._kept) < NEIGHBOURS:
            free = [node for node in others if node not in self._kept]
            self._kept.extend(self._rng.sample(free, min(NEIGHBOURS - len(self._kept), len(free))))
