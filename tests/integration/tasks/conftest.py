"""A node with everything real but the network, and the tasks on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from caxton_node.agents.manifest import Manifest
from caxton_node.core.clock import SystemClock
from caxton_node.registry import CapabilityRecord
from caxton_node.tasks import Order, Record, Settings, TaskService, TaskStore
from tests.support.agents import NODE, House, open_house
from tests.support.contractors import Hand
from tests.support.data_plane import until
from tests.support.guests import rust

TRADE = "masonry"
WALL = b'{"task": "wall", "price": 50}'


@dataclass
class Site:
    """One node and its tasks."""

    house: House
    tasks: TaskService

    def hand(self, name: str) -> Hand:
        """Add a contractor that a test moves."""
        return Hand(self.house.router, name).offers(self.house.registry, TRADE)

    async def guest(self, name: str, module: bytes) -> None:
        """Deploy a contractor that says nothing of what it can do, and say it for it."""
        await self.house.service.deploy(Manifest(f"default/{name}"), module)
        self.house.registry.put_capability(CapabilityRecord(TRADE, "1.0", f"default/{name}", NODE))

    async def mason(self, name: str, price: float, **config: object) -> None:
        """Deploy the example contractor and wait until it has registered."""
        given = {"capability": TRADE, "price": price, **config}
        await self.house.service.deploy(Manifest(f"default/{name}", config=given), rust("contractor"))
        await until(lambda: f"default/{name}" in self._offering())

    def _offering(self) -> set[str]:
        return {record.agent for record in self.house.registry.find_capability(TRADE)}

    async def run(self, **order: object) -> Record:
        """Begin a task among all masons."""
        return await self.tasks.run(Order(**{"content": WALL, "capability": TRADE, **order}))

    async def done(self, **order: object) -> Record:
        """Run a task to its end."""
        return await self.ended(await self.run(**order))

    async def ended(self, record: Record) -> Record:
        """Wait for the end of a task."""
        return await self.tasks.get(record.id, seen=2**62, wait_s=20)

    async def seen(self, record: Record, what: str, count: int = 1) -> Record:
        """Wait until so many notes of a kind are in a record."""
        version = 0
        while sum(note.what == what for note in record.notes) < count:
            record = await self.tasks.get(record.id, seen=version, wait_s=10)
            version = record.version
        return record


@asynccontextmanager
async def open_site(folder: Path, *, linger_s: float = 10.0, kept_max: int = 100) -> AsyncIterator[Site]:
    """Open a node and its tasks on a data directory."""
    async with open_house(folder) as house:
        tasks = TaskService(
            office=house.router,
            registry=house.registry,
            store=TaskStore(house.database, kept_max),
            board=house.board,
            clock=SystemClock(),
            settings=Settings(running_max=3, linger_s=linger_s),
        )
        await tasks.open()
        try:
            yield Site(house, tasks)
        finally:
            await tasks.close()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Return a node with tasks."""
    async with open_site(tmp_path) as opened:
        yield opened
