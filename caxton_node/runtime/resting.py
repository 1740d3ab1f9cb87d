"""Agents that must wait before their next turn, and the thread that wakes them when it is time.

A rate is kept by resting, a degraded agent rests in proportion to its work. The thread exists only once an
agent has had to rest; it sleeps until the first of them is due. The alternative, a timer of the event loop
for each, would put a call to another thread and back into every throttled turn.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Lock, Thread
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")
REST_MAX_S = 60.0


class Resting(Generic[T]):
    """Who rests, until when. Thread-safe.

    Args:
        wake: Called on this object's thread, without a lock, with each one whose rest is over.
    """

    def __init__(self, wake: Callable[[T], None]) -> None:
        self._wake = wake
        self._due: list[tuple[float, int, T]] = []
        self._number = count()  # keeps the heap from comparing what rests
        self._changed = Condition(Lock())
        self._thread: Thread | None = None
        self._closed = False

    def __len__(self) -> int:
        """Return how many rest."""
        return len(self._due)

    def add(self, sleeper: T, rest_s: float) -> None:
        """Let one rest for so long, at most a minute."""
        with self._changed:
            if self._thread is None:
                self._thread = Thread(target=self._watch, name="caxton-resting", daemon=True)
                self._thread.start()
            due_at = monotonic() + min(rest_s, REST_MAX_S)
            heappush(self._due, (due_at, next(self._number), sleeper))
            self._changed.notify()

    def close(self) -> None:
        """Wake nobody any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while (sleeper := self._next()) is not None:
            self._wake(sleeper)

    def _next(self) -> T | None:
        """Wait for the first whose rest is over; None when there will be none."""
        with self._changed:
            while not self._closed:
                wait_s = self._due[0][0] - monotonic() if self._due else None
                if wait_s is not None and wait_s <= 0:
                    return heappop(self._due)[2]
                self._changed.wait(wait_s)
            return None
