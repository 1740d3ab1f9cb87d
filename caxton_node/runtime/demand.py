"""How many workers should be running guests at once, by what guests cost. Pure.

A guest call gives up Python's lock; everything around it needs the lock. With a share g of the time in
guests, more than 1 / (1 - g) workers only wait for each other (Amdahl), and each hand-over of the lock costs
tens of microseconds. For light guests that means one worker; a second one was measured to halve the
throughput. Long calls push the share towards one and bring in all workers.

Source: ADR 0001.
"""

from __future__ import annotations

HANDOVER_S = 20e-6
WEIGHT = 0.3
BUSY_SHARE_MAX = 0.99


class Demand:
    """A running estimate of the share of time that guests run without Python's lock."""

    __slots__ = ("_share",)

    def __init__(self) -> None:
        self._share = 0.0

    def observe(self, turns: int, guest_s: float, turn_s: float) -> None:
        """Learn from some finished turns.

        Args:
            turns: How many, at least 1.
            guest_s: Time in guests in all of them, seconds.
            turn_s: Time of the turns from begin to end.
        """
        free_s = max(0.0, guest_s - turns * HANDOVER_S)
        share = free_s / turn_s if turn_s > 0 else 0.0
        self._share += (min(share, BUSY_SHARE_MAX) - self._share) * WEIGHT

    @property
    def workers(self) -> int:
        """Return how many workers are worth running, at least 1, at most about 100."""
        return round(1 / (1 - self._share))
