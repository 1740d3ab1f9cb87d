"""Where a number is kept: one slot, one addition.

The data plane handles hundreds of thousands of messages a second; a labelled counter of a metrics library
costs 5 to 100 times as much as these. A cell has one writing thread: `+=` on an attribute is not atomic,
so each worker gets a cell of its own (`shard` in `board.py`) and the reader adds them up. Reading from
another thread is safe.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Counter:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def add(self, amount: float = 1) -> None:
        """Count."""
        self.value += amount


class Gauge:
    """A number that goes up and down."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def set(self, value: float) -> None:
        """Replace the number."""
        self.value = value


class Histogram:
    """How often values fell between bounds.

    Args:
        bounds: Upper bounds, ascending; a value equal to a bound belongs below it, as Prometheus has it.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value
