"""A registry that knows many agents, and the changes that go on arriving."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from caxton_node.core.clock import SystemClock
from caxton_node.devkit.simulator.cluster import Cluster, name_of
from caxton_node.registry import InstanceRecord, Registry, Settings
from caxton_node.registry.comparison import Method
from caxton_node.registry.entry import Entry, paginate
from caxton_node.registry.hlc import HybridClock
from caxton_node.registry.vector_clock import VectorClock
from caxton_node.storage import Database
from swim import Membership
from tests.support.registry_world.scenarios import instance

NODES = 100
STORED_WITHIN_S = 120
BROADCAST_BYTES = 900


class Neighbourhood:
    """A `ClusterPort` with a hundred members and nobody behind them.

    Whether a node is alive is asked of a real membership, in the way that the cluster's service does.
    """

    def __init__(self, membership: Membership) -> None:
        self.node_id = name_of(0)
        self.topics: dict[str, Callable[[str, bytes], None]] = {}
        self.methods: dict[str, Callable[[str, bytes], Awaitable[bytes]]] = {}
        self._membership = membership

    def alive_nodes(self) -> Sequence[str]:
        """Return this node alone: the bench itself plays the others."""
        return [self.node_id]

    def is_alive(self, node: str) -> bool:
        """Tell whether a node is alive."""
        member = self._membership.find(node)
        return node == self.node_id or (member is not None and member.is_live)

    def broadcast(self, topic: str, payload: bytes) -> None:
        """Do nothing."""

    def on_topic(self, topic: str, handler: Callable[[str, bytes], None]) -> None:
        """Keep who takes broadcasts."""
        self.topics[topic] = handler

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Fail: there is nobody to ask."""
        raise NotImplementedError

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Keep who answers requests."""
        self.methods[method] = handler


class Author:
    """Writes the versions that other nodes would send."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._clock = SystemClock()
        self._stamps = HybridClock()
        self._rng = random.Random(3)

    def everything(self) -> Iterator[Entry]:
        """Yield the first version of every agent's entry."""
        return (self._entry(number, "running", 1) for number in range(self._count))

    def changes(self, count: int) -> list[Entry]:
        """Return newer versions of some entries."""
        state = self._rng.choice(["draining", "paused", "running"])
        return [self._entry(number, state, 2) for number in self._rng.sample(range(self._count), count)]

    def _entry(self, number: int, state: str, writes: int) -> Entry:
        node = name_of(1 + number % (NODES - 1))
        key, value = instance(node, number // (NODES - 1), state)
        stamp = self._stamps.tick(self._clock.unix_us())
        return Entry(InstanceRecord.KIND, key, value, VectorClock({node: writes}), stamp, node)


@dataclass(frozen=True, slots=True)
class Crowd:
    """A registry full of agents.

    Attributes:
        names: Of all agents.
    """

    registry: Registry
    port: Neighbourhood
    author: Author
    names: tuple[str, ...]

    def hear_changes(self, count: int) -> None:
        """Let broadcasts with changes arrive."""
        for payload in paginate(self.author.changes(count), BROADCAST_BYTES):
            self.port.topics["registry"](name_of(1), payload)

    async def hear_digest(self) -> None:
        """Let a neighbour ask whether it holds the same, which it does not."""
        await self.port.methods[Method.DIGEST](name_of(1), b"\x92\x01\xc4\x08differen")


async def _stored(database: Database, count: int) -> None:
    """Wait until the registry has written all of them down: that is not what is to be measured."""
    async with asyncio.timeout(STORED_WITHIN_S):
        while (await database.read("SELECT count(*) FROM registry_entries"))[0][0] < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@asynccontextmanager
async def crowd(count: int) -> AsyncIterator[Crowd]:
    """Open a registry and let it learn so many agents from others, the way a node that joins does."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-registry-")))
        database = await stack.enter_async_context(await Database.open(folder / "node.db"))
        cluster = Cluster(1, sealed=False)
        cluster.start_formed(NODES)
        port = Neighbourhood(cluster.nodes[name_of(0)].membership)
        registry = Registry(
            cluster=port, database=database, clock=SystemClock(), settings=Settings(), rng=random.Random(1)
        )  # fmt: skip
        await registry.open()
        stack.push_async_callback(registry.close)
        author = Author(count)
        for page in paginate(author.everything()):
            await port.methods[Method.PUSH](name_of(1), page)
        names = tuple(sorted({record.name for record in registry.instances()}))
        assert len(names) == count, f"{len(names)} of {count} agents are known"
        await _stored(database, count)
        yield Crowd(registry, port, author, names)
