"""Nodes with a real registry and a real database each, joined by an in-process network that can be cut."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import Unavailable
from caxton_node.registry import Registry, Settings
from caxton_node.storage import Database

QUICK = Settings(
    sync_interval_s=0.1,
    learn_interval_s=0.2,
    spread_delay_s=0.002,
    save_delay_s=0.005,
    request_timeout_s=2.0,
)


@dataclass
class Net:
    """Who can reach whom: nodes in different groups cannot."""

    folder: Path
    doors: dict[str, Door] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    broadcasts: int = 0

    def reaches(self, one: str, other: str) -> bool:
        """Tell whether two nodes are up and in one group."""
        return {one, other} <= self.doors.keys() and self.groups.get(one) == self.groups.get(other)

    def split(self, *groups: Sequence[str]) -> None:
        """Cut the network; every node learns at once whom it lost."""
        self._regroup({node: number for number, group in enumerate(groups) for node in group})

    def heal(self) -> None:
        """Join the network; every node learns at once whom it found."""
        self._regroup({})

    def tell_joined(self, node: str) -> None:
        """Tell a node and all that it reaches of one another."""
        for other in list(self.doors):
            if other != node and self.reaches(node, other):
                self.doors[other].registry.handle_member_joined(node)
                self.doors[node].registry.handle_member_joined(other)

    def tell_gone(self, node: str) -> None:
        """Tell everybody that a node is gone."""
        for other, door in self.doors.items():
            if other != node:
                door.registry.handle_member_gone(node)

    def _regroup(self, groups: dict[str, int]) -> None:
        pairs = [(one, other) for one in self.doors for other in self.doors if one != other]
        before = {pair: self.reaches(*pair) for pair in pairs}
        self.groups = groups
        for one, other in pairs:
            if before[one, other] and not self.reaches(one, other):
                self.doors[one].registry.handle_member_gone(other)
            if not before[one, other] and self.reaches(one, other):
                self.doors[one].registry.handle_member_joined(other)


class Door:
    """One node's way into the network; implements `ClusterPort`."""

    def __init__(self, net: Net, node_id: str) -> None:
        self.node_id = node_id
        self._net = net
        self.topics: dict[str, Callable[[str, bytes], None]] = {}
        self.methods: dict[str, Callable[[str, bytes], Awaitable[bytes]]] = {}
        self.registry: Registry

    def alive_nodes(self) -> list[str]:
        return [node for node in self._net.doors if self.is_alive(node)]

    def is_alive(self, node: str) -> bool:
        return node == self.node_id or self._net.reaches(self.node_id, node)

    def broadcast(self, topic: str, payload: bytes) -> None:
        assert len(payload) <= 900
        self._net.broadcasts += 1
        for node, door in list(self._net.doors.items()):
            if node != self.node_id and self._net.reaches(self.node_id, node):
                asyncio.get_running_loop().call_soon(door.topics[topic], self.node_id, payload)

    def on_topic(self, topic: str, handler: Callable[[str, bytes], None]) -> None:
        self.topics[topic] = handler

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        self.methods[method] = handler

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        self._net.requests.append(method)
        await asyncio.sleep(0)
        if not self._net.reaches(self.node_id, node):
            raise Unavailable(f"node {node} cannot be reached")
        async with asyncio.timeout(timeout_s):
            return await self._net.doors[node].methods[method](self.node_id, payload)


class Node:
    """One registry with its database; `stop` and start again with `start`."""

    def __init__(self, net: Net, node_id: str, settings: Settings = QUICK) -> None:
        self.node_id = node_id
        self._net = net
        self._settings = settings
        self._stack = AsyncExitStack()
        self.registry: Registry
        self.database: Database

    async def start(self) -> Registry:
        """Open the database and the registry, and join the network."""
        path = self._net.folder / f"{self.node_id}.db"
        self.database = await self._stack.enter_async_context(await Database.open(path))
        door = Door(self._net, self.node_id)
        self.registry = door.registry = Registry(
            cluster=door,
            database=self.database,
            clock=SystemClock(),
            settings=self._settings,
            rng=random.Random(self.node_id),
        )
        await self.registry.open()
        self._stack.push_async_callback(self.registry.close)
        self._net.doors[self.node_id] = door
        self._net.tell_joined(self.node_id)
        return self.registry

    async def stop(self) -> None:
        """Leave the network and close everything."""
        self._net.doors.pop(self.node_id, None)
        self._net.tell_gone(self.node_id)
        await self._stack.aclose()


async def until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - any state of any node may be asked for
            await asyncio.sleep(0.005)
