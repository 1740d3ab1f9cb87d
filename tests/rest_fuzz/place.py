"""A node with something in it for requests to find."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.api import Node, founder

# One client sends thousands of requests in a minute.
WITHOUT_LIMITS = tuple(
    f"limits.{name}=0"
    for name in (
        "client_calls_per_min",
        "deploy_calls_per_min",
        "send_calls_per_s",
        "anonymous_calls_per_min",
    )
)


@asynccontextmanager
async def open_place(folder: Path) -> AsyncIterator[Node]:
    """Run a node, until the block ends."""
    async with founder(folder / "n1", "n1", *WITHOUT_LIMITS, "security.free_failures=1000") as node:
        yield node
