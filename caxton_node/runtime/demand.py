"""How many workers should be running guests at once, by what guests cost. Pure.

A guest call gives up Python's lock; everything around it needs the lock. With a share g of the time in
guests, more than 1 / (1 - g) workers only wait for each other (Amdahl), and each hand-over of the lock costs
tens of microseconds. For light guests that means one worker; a second one was measured to halve the
throughput. Long calls push the share towards one and bring in all workers.

Source: facts on the engine, table "Worker threads and the GIL"; ADR on workers.
"""

from __future__ import annotations

HANDOVER_S = 20e-6
WEIGHT = 1 / 32


class Demand:
    """A running estimate of the share of time that guests run without Python's lock."""

    __slots__ = ("_free_s", "_turn_s")

    def __init__(self) -> None:
        self._free_s = 0.0
        self._turn_s = 0.0

    def observe(self, guest_s: float, turn_s: float) -> None:
        """Learn from a finished turn: the guest's part of it, and all of it."""
        free_s = max(0.0, guest_s - HANDOVER_S)
        self._free_s += (free_s - self._free_s) * WEIGHT
        self._turn_s += (max(turn_s, guest_s) - self._turn_s) * WEIGHT

    @property
    def workers(self) -> int:
        """Return how many workers are worth running, at least 1; many when guests take nearly all time."""
        locked_s = self._turn_s - self._free_s
        if self._free_s <= 0.0:
            return 1
        return max(1, round(self._turn_s / max(locked_s, self._turn_s * 0.01)))
