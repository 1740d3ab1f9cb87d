"""With whom to compare next: a small random set of alive nodes, kept for a while.

Comparing with a different random node each time spreads changes a little faster, but in a large cluster every
comparison would begin with a new connection. Four neighbours each make a random graph that is connected
with near certainty; one is exchanged now and then, so that no unlucky graph lasts.
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
        present = set(others)
        self._kept = deque(node for node in self._kept if node in present)
        if self._picks >= PICKS_PER_EXCHANGE and len(self._kept) == NEIGHBOURS:
            self._kept.popleft()
            self._picks = 0
        free = [node for node in others if node not in self._kept]
        missing = min(NEIGHBOURS - len(self._kept), len(free))
        self._kept.extend(self._rng.sample(free, missing))
