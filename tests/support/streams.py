"""Numbered mail between meshes that flows while a test does something to the link, then is checked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.support.meshes import Node, until

_LANES = 4
_PADDING = bytes(500)
_AHEAD_MAX = 2000


class Stream:
    """Numbered envelopes from one node to another, over all lanes, until it is stopped.

    Attributes:
        sent: How many so far.
    """

    def __init__(self, source: Node, target: Node) -> None:
        self.sent = 0
        self._source, self._target = source, target
        self._stopped = False

    async def run(self) -> None:
        """Send, never far ahead of what has come."""
        while not self._stopped:
            for _ in range(20):
                text = b"%d" % self.sent + _PADDING
                self._source.mesh.send(self._target.node_id, self.sent % _LANES, [text])
                self.sent += 1
            await asyncio.sleep(0)
            await until(lambda: self.sent - self._count < _AHEAD_MAX, 30)

    async def stop_and_check(self) -> None:
        """Wait for what is under way; fail unless each lane has all of it, once and in order."""
        self._stopped = True
        await until(lambda: self._count >= self.sent, 30)
        for lane in range(_LANES):
            came = self._target.keeper.lanes[self._source.node_id, lane]
            numbers = [int(envelope[: -len(_PADDING)]) for envelope in came]
            assert numbers == list(range(lane, self.sent, _LANES))

    @property
    def _count(self) -> int:
        return self._target.keeper.count


@contextlib.asynccontextmanager
async def streaming(*pairs: tuple[Node, Node]) -> AsyncIterator[list[Stream]]:
    """Let mail flow for as long as the block lasts, then check all of it."""
    streams = [Stream(source, target) for source, target in pairs]
    async with asyncio.TaskGroup() as group:
        for stream in streams:
            group.create_task(stream.run())
        yield streams
        for stream in streams:
            await stream.stop_and_check()
