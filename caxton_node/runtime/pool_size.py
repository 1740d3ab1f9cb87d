"""How many warm instances of a module are worth keeping: about as many as were started lately. Pure.

Each start adds one, and what was added fades with a half-life. So a module that is started once keeps nobody
warm, one that is started in bursts finds as many as its last burst had, and a quiet one gives its memory back
by itself. Rejected: to follow the rate of starts and the time that warming takes, which says how many are
needed in steady flow, but starts of agents come in bursts: a deployment, a crash, a node that takes over.
"""

from __future__ import annotations

HALF_LIFE_S = 20.0
WORTH_IT = 1.5
"""Below this many starts lately nothing is kept: a single deployment says nothing about the next."""


class PoolSize:
    """How many instances of one module to keep.

    Args:
        most: Never more than this.
    """

    __slots__ = ("_lately", "_most", "_seen_at")

    def __init__(self, most: int) -> None:
        self._most = most
        self._lately = 0.0
        self._seen_at = 0.0

    def note_start(self, now: float) -> None:
        """Count one start at the monotonic instant `now`."""
        self._lately = self._fade(now) + 1
        self._seen_at = now

    def wanted(self, now: float) -> int:
        """Return how many should be warm now."""
        lately = self._fade(now)
        return min(self._most, round(lately)) if lately > WORTH_IT else 0

    def is_forgotten(self, now: float) -> bool:
        """Return whether so little is left of all starts that nobody needs to remember them."""
        return self._fade(now) < 0.01

    def _fade(self, now: float) -> float:
        return float(self._lately * 0.5 ** ((now - self._seen_at) / HALF_LIFE_S))
