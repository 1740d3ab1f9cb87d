"""The agents of one node with everything real beneath them: engine, workers, router, registry, SQLite."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from caxton_node.agents.admission import Quota, Quotas
from caxton_node.agents.announcing import RegistryAnnouncer, RouteKeeper
from caxton_node.agents.chronicle import Chronicle
from caxton_node.agents.grants import Grants
from caxton_node.agents.instance import Plant
from caxton_node.agents.relay import TrapRelay
from caxton_node.agents.service import AgentService
from caxton_node.agents.supervision import RestartPolicy
from caxton_node.core.clock import SystemClock
from caxton_node.core.events import EventBus
from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.content import is_sound
from caxton_node.messaging import Clients, RemotePort, Router, RouteTable
from caxton_node.messaging.conversation_store import ConversationStore
from caxton_node.messaging.directory import DIRECTORY
from caxton_node.messaging.recollection import Recollection
from caxton_node.observability import Board
from caxton_node.registry import ClusterPort, Registry, Settings
from caxton_node.runtime import Engine
from caxton_node.runtime.pool import Pool
from caxton_node.runtime.scheduler import Scheduler
from caxton_node.storage import Database
from tests.support.directories import directory_of

NODE = "n1"
QUICK = RestartPolicy(first_wait_s=0.01, failures_max=3, jitter=0.0)


class Alone:
    """A cluster of one: what the registry needs of a cluster when there is nobody else."""

    def __init__(self, node_id: str = NODE) -> None:
        self.node_id = node_id

    def alive_nodes(self) -> Sequence[str]:
        return [self.node_id]

    def is_alive(self, node: str) -> bool:
        return node == self.node_id

    def broadcast(self, topic: str, payload: bytes) -> None:
        """There is nobody to tell."""

    def on_topic(self, topic: str, handler: Callable[[str, bytes], None]) -> None:
        """Nobody will say anything."""

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        raise AssertionError(f"there is no node {node}")

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Nobody will ask."""


@dataclass
class House:
    """One node without network."""

    service: AgentService
    router: Router
    registry: Registry
    routes: RouteTable
    clients: Clients
    database: Database
    board: Board
    bus: EventBus
    announcer: RegistryAnnouncer

    async def ask(self, name: str, content: bytes, within_s: float = 10.0) -> Envelope:
        """Send a REQUEST as a client and return the answer; words that are no JSON are text."""
        with self.clients.open() as client:
            client.send(
                Envelope(
                    Performative.REQUEST,
                    receivers=name,
                    content=content,
                    language=None if is_sound(content, None, None) else "text",
                    reply_with="question",
                    conversation_id=f"talk-{random.random()}",
                )
            )
            return await client.receive(within_s)


@asynccontextmanager
async def open_house(
    data_dir: Path,
    *,
    memory_bytes_max: int = 2**30,
    agents_max: int = 1_000,
    quotas: Quotas | None = None,
    policy: RestartPolicy = QUICK,
    node: str = NODE,
    remote: RemotePort | None = None,
    workers: int | None = None,
    cluster: ClusterPort | None = None,
    before_agents: Callable[[Router], None] = lambda _router: None,
) -> AsyncIterator[House]:
    """Open a node's agents on a data directory; leaving it is a clean shutdown.

    `before_agents` is given the router before any agent is brought back.
    """
    clock, board, bus = SystemClock(), Board(), EventBus()
    async with await Database.open(data_dir / "caxton.db") as database:
        registry = Registry(
            cluster=cluster or Alone(node),
            database=database,
            clock=clock,
            settings=Settings() if cluster is None else Settings(sync_interval_s=0.1),
            rng=random.Random(1),
        )
        await registry.open()
        routes = RouteTable()
        loop = asyncio.get_running_loop()
        router = Router(node_id=node, routes=routes, clock=clock, loop=loop, remote=remote)
        RouteKeeper(registry, routes)
        grants = Grants()
        directory = directory_of(registry, node, router.submit, check=grants.check)
        router.add_platform_agent(DIRECTORY, directory.handle)
        relay, engine, announcer = TrapRelay(), Engine(), RegistryAnnouncer(registry, node)
        scheduler, pool = Scheduler(router, relay, workers), Pool(engine)
        service = AgentService(
            plant=Plant(node, engine, scheduler, router, pool, Chronicle(database, bus, clock), clock),
            relay=relay,
            database=database,
            data_dir=data_dir,
            bus=bus,
            board=board,
            announcer=announcer,
            whole=Quota(memory_bytes_max, agents_max),
            quotas=quotas,
            policy=policy,
            rng=random.Random(1),
        )
        grants.connect(service.may_register)
        before_agents(router)
        recollection = Recollection(router, ConversationStore(database), clock)
        await recollection.open()
        await service.restore()
        try:
            clients = Clients(router)
            yield House(service, router, registry, routes, clients, database, board, bus, announcer)
        finally:
            await service.close()
            await recollection.close()
            await asyncio.to_thread(scheduler.close)
            await asyncio.to_thread(pool.close)
            engine.close()
            await registry.close()
