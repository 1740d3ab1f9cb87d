"""What every part stands on: the configuration, who this node is, time, events, numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from caxton_node.cluster.files import NodeFiles, read_node_files
from caxton_node.config import Config
from caxton_node.core.clock import SystemClock
from caxton_node.core.events import EventBus
from caxton_node.observability import Board
from caxton_node.observability.background import tell_of_bug
from caxton_node.operations import HealthService
from caxton_node.resilience import Limits
from caxton_node.settings import limit_settings

CHECKS = ("event_loop", "storage", "disk", "certificate", "cluster", "mesh", "workers", "agents")
END_S = 2.0


class Ground:
    """Is there before anything is opened.

    Args:
        config: Settings of the node.
        stack: Closes what was opened, in reverse.

    Attributes:
        files: Who this node is.
        last: Closes after all that is opened after the store: until the last link is down, messages die.
        limits: How much clients may ask.
        health: Looks at the parts, which add their checks as they open.
        listening: What this node listens on: mesh, grpc, socket, metrics.
        started_at: Monotonic instant.
    """

    def __init__(self, config: Config, stack: AsyncExitStack) -> None:
        self.config = config
        self.stack = stack
        self.last = AsyncExitStack()
        self.files: NodeFiles = read_node_files(config.data.dir)
        self.clock = SystemClock()
        self.bus = EventBus()
        self.board = Board()
        self.limits = Limits(limit_settings(config))
        self.health = HealthService(CHECKS)
        self.listening: dict[str, str] = {}
        self.started_at = self.clock.now()

    @property
    def node_id(self) -> str:
        """Return this node's id."""
        return self.files.node_id

    def in_background(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something until the node closes; if a bug ends it before, that is logged."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(tell_of_bug)
        self.stack.push_async_callback(_end, task)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel something and wait until it uses nothing any more that is closed after it."""
    task.cancel()
    await asyncio.wait({task}, timeout=END_S)
