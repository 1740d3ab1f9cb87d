"""A bounded queue between something that must not wait and somebody who may be slow.

Any thread may offer; one task reads. What does not fit is dropped and counted, and the reader is told how
many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Feed(Generic[T]):
    """Items for one reader.

    Args:
        depth_max: Items that may wait.
    """

    def __init__(self, depth_max: int) -> None:
        self._depth_max = depth_max
        self._items: deque[T] = deque()
        self._dropped = 0
        self._lock = Lock()
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()

    def offer(self, item: T) -> None:
        """Add an item, or count it as dropped."""
        with self._lock:
            if len(self._items) >= self._depth_max:
                self._dropped += 1
                return
            wake = not self._items
            self._items.append(item)
        if wake and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ready.set)

    async def take(self) -> tuple[T, int]:
        """Wait for the next item; return it with how many were dropped since the one before."""
        while True:
            with self._lock:
                if self._items:
                    dropped, self._dropped = self._dropped, 0
                    return self._items.popleft(), dropped
                self._ready.clear()
            await self._ready.wait()
