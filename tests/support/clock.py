"""A clock that only moves when a test turns it."""

from __future__ import annotations


class HandClock:
    """Implements `caxton_node.core.clock.Clock`; both readings move together."""

    def __init__(self, unix_s: float = 1_700_000_000.0) -> None:
        self._elapsed_s = 0.0
        self._started_unix_s = unix_s

    def now(self) -> float:
        """Return seconds since the clock was made."""
        return self._elapsed_s

    def unix_us(self) -> int:
        """Return the wall clock in microseconds."""
        return round((self._started_unix_s + self._elapsed_s) * 1_000_000)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed_s += seconds
