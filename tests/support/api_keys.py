"""API keys on nodes with a real registry and a real database each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from caxton_node.core.clock import Clock, SystemClock
from caxton_node.registry.shared_tokens import SharedTokens
from caxton_node.security import ApiKeys, Identity
from caxton_node.security.authenticators.api_key import ApiKeyAuthenticator
from tests.support.registry_net import Net, Node


@dataclass
class KeyHouse:
    """The keys of one node, and what has been told of them.

    Attributes:
        changed: Hashes of keys that are not what they were.
    """

    node: Node
    keys: ApiKeys
    identity: Identity
    changed: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, net: Net, name: str, clock: Clock | None = None) -> KeyHouse:
        node, clock = Node(net, name), clock or SystemClock()
        await node.start()
        register = SharedTokens(node.registry, name)
        keys = ApiKeys(node.database, clock, register, node_id=name, env="test")
        house = cls(node, keys, Identity([ApiKeyAuthenticator(keys)], clock))

        keys.listen(house.changed.append)
        keys.listen(house.identity.forget)
        await keys.open()
        return house

    async def close(self) -> None:
        await self.keys.close()
        await self.node.stop()


@asynccontextmanager
async def key_houses(folder: Path, *names: str, clock: Clock | None = None) -> AsyncIterator[list[KeyHouse]]:
    """Open the keys of several nodes that reach one another."""
    net = Net(folder)
    houses = [await KeyHouse.open(net, name, clock) for name in names]
    try:
        yield houses
    finally:
        for house in houses:
            await house.close()
