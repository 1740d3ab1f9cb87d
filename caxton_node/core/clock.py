"""Time as an argument: packages take a `Clock`, tests turn it by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


def utc_text(unix_us: int) -> str:
    """Return an instant in microseconds since 1970 as people write it: `2026-11-26T10:00:00Z`."""
    return datetime.fromtimestamp(unix_us / 1_000_000, UTC).isoformat().replace("+00:00", "Z")


class Clock(Protocol):
    """Two readings: one to measure with, one to write down."""

    def now(self) -> float:
        """Return a monotonic instant in seconds; only differences mean anything."""
        ...

    def unix_us(self) -> int:
        """Return wall-clock time in microseconds since 1970, for wire and disk."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Return the monotonic clock in seconds."""
        return time.monotonic()

    def unix_us(self) -> int:
        """Return the wall clock in microseconds."""
        return time.time_ns() // 1000
