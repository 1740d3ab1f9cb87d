"""Nodes with real agents, guests and all, on a network that can be cut; names are settled as in a node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from caxton_node.agents.name_conflicts import NameConflicts, Settings
from caxton_node.core.clock import SystemClock
from caxton_node.registry.conflict_book import ConflictBook
from tests.support.agents import House, open_house
from tests.support.registry_net import Door, Net


@dataclass
class NameHouse:
    """One node.

    Attributes:
        house: Its agents.
        book: Its partition report.
        names: What settles its names.
    """

    house: House
    book: ConflictBook
    names: NameConflicts


@asynccontextmanager
async def open_name_house(net: Net, node: str) -> AsyncIterator[NameHouse]:
    """Open a node of the network on its data directory; leaving it is a clean shutdown."""
    door = Door(net, node)
    folder: Path = net.folder / node
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    async with open_house(folder, node=node, cluster=door, workers=1) as house:
        book = ConflictBook(house.database, SystemClock())
        house.registry.on_overruled(book.note)
        names = NameConflicts(
            agents=house.service,
            claims=house.announcer.claims,
            registry=house.registry,
            book=book,
            submit=house.router.submit,
            node_id=node,
            bus=house.bus,
            settings=Settings(notice_s=5.0, drain_s=5.0),
        )
        await names.open()
        door.registry = house.registry
        net.doors[node] = door
        net.tell_joined(node)
        try:
            yield NameHouse(house, book, names)
        finally:
            del net.doors[node]
            net.tell_gone(node)
            await names.close()
            await book.close()
