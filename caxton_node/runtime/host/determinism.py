"""A world without surprises for one agent: time that moves by steps, chance that comes from a seed.

With it, the same module, seed and messages give the same outputs byte for byte, on every machine: for tests,
and to replay what an agent did. Batches are of one message then, since their size depends on the load.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

STEP_US = 1_000
READ_US = 1
START_UNIX_US = 946_684_800_000_000
"""Where the clock starts: 2000-01-01, so that nobody takes it for the present."""


@dataclass(frozen=True, slots=True)
class Determinism:
    """How a deterministic agent sees the world.

    Attributes:
        seed: Of its random bytes.
        start_unix_us: What its clock says when it starts, microseconds since 1970.
    """

    seed: int = 0
    start_unix_us: int = START_UNIX_US


class VirtualClock:
    """Moves a millisecond with each message and a microsecond with each look, so that waiting loops end.

    Args:
        start_unix_us: What it says first.
    """

    def __init__(self, start_unix_us: int) -> None:
        self._start_us = self._now_us = start_unix_us

    def step(self) -> None:
        """Let the time of one message pass."""
        self._now_us += STEP_US

    def now(self) -> float:
        """Return seconds since the start."""
        return (self.unix_us() - self._start_us) / 1e6

    def unix_us(self) -> int:
        """Return microseconds since 1970."""
        self._now_us += READ_US
        return self._now_us


def seeded_bytes(seed: int) -> Callable[[int], bytes]:
    """Return a source of bytes: SHAKE-256 over the seed and a counter, the same in every Python."""
    counter = 0

    def take(length: int) -> bytes:
        nonlocal counter
        counter += 1
        return hashlib.shake_256(f"{seed}/{counter}".encode()).digest(length)

    return take
