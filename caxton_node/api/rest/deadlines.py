"""How long a caller will wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from caxton_node.core.errors import DeadlineExceeded


@asynccontextmanager
async def in_time(timeout_s: float | None) -> AsyncGenerator[None]:
    """Break off what takes longer than the caller will wait.

    Raises:
        DeadlineExceeded: It did.
    """
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as err:
        raise DeadlineExceeded(
            "the time that the caller gave is over",
            why="the operation had not come to its end",
            hint="give more with X-Timeout-S; look first what became of it",
        ) from err
