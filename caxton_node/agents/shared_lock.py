"""A lock for many who add, or one who takes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SharedLock:
    """Held by any number of tasks together, or by one alone; who waits to be alone lets nobody else in."""

    def __init__(self) -> None:
        self._inside = 0
        self._gate = asyncio.Lock()
        self._empty = asyncio.Event()
        self._empty.set()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Hold it with others."""
        async with self._gate:
            self._inside += 1
            self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Hold it alone; never ask for it while holding it with others."""
        async with self._gate:
            await self._empty.wait()
            yield
