"""A bounded queue between something that must not wait and somebody who may be slow.

Any thread may offer; one task reads. What does not fit, by number or by size, is dropped and counted, and the
reader is told how many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Feed(Generic[T]):
    """Items for one reader.

    Args:
        depth_max: Items that may wait.
        size_max: How large they may be together.
        measure: Tells the size of one; without it only their number is bounded.
    """

    def __init__(
        self, depth_max: int, *, size_max: int = 0, measure: Callable[[T], int] = lambda _item: 0
    ) -> None:
        self._depth_max = depth_max
        self._size_max = size_max
        self._measure = measure
        self._size = 0
        self._items: deque[T] = deque()
        self._dropped = 0
        self._lock = Lock()
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()

    def offer(self, item: T) -> None:
        """Add an item, or count it as dropped."""
        size = self._measure(item)
        with self._lock:
            if len(self._items) >= self._depth_max or self._size + size > self._size_max:
                self._dropped += 1
                return
            wake = not self._items
            self._items.append(item)
            self._size += size
        if wake and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ready.set)

    async def take(self) -> tuple[T, int]:
        """Wait for the next item; return it with how many were dropped since the one before."""
        while True:
            with self._lock:
                if self._items:
                    dropped, self._dropped = self._dropped, 0
                    item = self._items.popleft()
                    self._size -= self._measure(item)
                    return item, dropped
                self._ready.clear()
            await self._ready.wait()
