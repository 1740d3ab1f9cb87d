"""How an agent that is stopped for its limits is slowed down before it is given up. Pure.

    level 0   full pace
    level 1   one message a turn: each is counted exactly, and one that goes too far costs itself only
    level 2   one message a turn, and a quarter of the time: whoever shares a worker with it is spared

Each stop for a limit raises the level, a minute without one lowers it. The supervisor counts the same stops:
it restarts, and in the end leaves the agent Failed. So the order is shrink, throttle, restart, give up.
"""

from __future__ import annotations

from caxton_node.runtime.slot import FULL_PACE, Pace

CALM_S = 60.0
PACES = (FULL_PACE, Pace(batch_max=1), Pace(batch_max=1, share=0.25))


class Degradation:
    """How far one agent has been slowed down."""

    __slots__ = ("_level", "_since")

    def __init__(self) -> None:
        self._level = 0
        self._since = 0.0

    def handle_stop(self, now: float) -> None:
        """Slow the agent down by a step: it was stopped for a limit at the monotonic instant `now`."""
        self._level = min(self._settle(now) + 1, len(PACES) - 1)
        self._since = now

    def reset(self) -> None:
        """Give it full pace: an operator took the matter in hand."""
        self._level = 0

    def pace(self, now: float) -> Pace:
        """Return how fast it may work now."""
        return PACES[self._settle(now)]

    def eases_in_s(self, now: float) -> float | None:
        """Return in how many seconds it may go faster; None at full pace."""
        return None if not self._settle(now) else self._since + CALM_S - now

    def _settle(self, now: float) -> int:
        """Take back a step for each calm minute since the last stop."""
        while self._level and now - self._since >= CALM_S:
            self._level -= 1
            self._since += CALM_S
        return self._level
