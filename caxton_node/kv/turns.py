"""Requests about keys that wait for the disk: in order for each agent, in batches, agents beside one another.

A batch is one read, the ledger, one write, and then the answers; it costs one commit however many requests it
has, and shares that with the batches of other agents.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.kv.acts import Delete, Get, List, Put
from caxton_node.kv.ledger import Ledger
from caxton_node.kv.pages import limit_of, page_of
from caxton_node.kv.settings import Settings
from caxton_node.kv.store import KeyStore
from caxton_node.messaging.platform_acts import Refused
from caxton_node.observability.background import tell_of_bug
from caxton_node.storage.errors import StoreFailed

BATCH_MAX = 64
WAITING_MAX = 1_000
WAITING_BYTES_MAX = 32 * 1024 * 1024

Answer = dict[str, object]
Outcome = Answer | CaxtonError


@dataclass(frozen=True, slots=True)
class Clear:
    """Remove all keys of an agent; only operators ask for it."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request that waits for its turn.

    Attributes:
        request: What to do.
        size: Bytes that it holds meanwhile.
        done: Called with what came of it.
    """

    request: Get | Put | Delete | List | Clear
    size: int
    done: Callable[[Outcome], None]

    @property
    def is_alone(self) -> bool:
        """Return whether it needs a batch of its own, since it is about keys that it does not name."""
        return isinstance(self.request, List | Clear)


@dataclass(slots=True)
class _Queue:
    jobs: deque[Job] = field(default_factory=deque)
    in_hand: list[Job] = field(default_factory=list)


class Turns:
    """Does what waits.

    Args:
        store: Where keys are kept.
        clock: When they were written.
        settings: Bounds of the ledger.
        on_change: Called with the agent and its ledger once a batch is durable and answered.
    """

    def __init__(
        self, store: KeyStore, clock: Clock, settings: Settings, on_change: Callable[[str, Ledger], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._on_change = on_change
        self._queues: dict[str, _Queue] = {}
        self._bytes = 0
        self._pumps: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return sum(len(queue.jobs) for queue in list(self._queues.values()))

    def add(self, agent: str, job: Job) -> None:
        """Let a request of an agent (`tenant/name`) wait for its turn.

        Raises:
            Refused: Too much waits already.
            StoreFailed: The node is going down.
        """
        if self._closed:
            raise StoreFailed("the node is going down", why="no more keys are taken")
        queue = self._queues.get(agent)
        if (queue and len(queue.jobs) >= WAITING_MAX) or self._bytes + job.size > WAITING_BYTES_MAX:
            raise Refused("busy", "more requests wait for the disk than may; ask again later")
        if queue is None:
            queue = self._queues[agent] = _Queue()
            self._start(agent, queue)
        queue.jobs.append(job)
        self._bytes += job.size

    async def close(self) -> None:
        """Finish what waits; what comes later is refused."""
        self._closed = True
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def _start(self, agent: str, queue: _Queue) -> None:
        pump = asyncio.create_task(self._pump(agent, queue), name="kv-turns")
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        pump.add_done_callback(tell_of_bug)

    async def _pump(self, agent: str, queue: _Queue) -> None:
        """Do what waits for one agent; ends when nothing does."""
        try:
            while queue.jobs:
                queue.in_hand = self._take_batch(queue.jobs)
                await self._do_batch(agent, queue)
        finally:
            del self._queues[agent]
            for job in (*queue.in_hand, *(self._take(queue.jobs) for _ in range(len(queue.jobs)))):
                job.done(StoreFailed("the request was not done", why="this node met a fault; see its log"))

    def _take_batch(self, jobs: deque[Job]) -> list[Job]:
        batch = [self._take(jobs)]
        while jobs and not batch[0].is_alone and not jobs[0].is_alone and len(batch) < BATCH_MAX:
            batch.append(self._take(jobs))
        return batch

    def _take(self, jobs: deque[Job]) -> Job:
        job = jobs.popleft()
        self._bytes -= job.size
        return job

    async def _do_batch(self, agent: str, queue: _Queue) -> None:
        ledger = None
        try:
            ledger, outcomes = await self._do(agent, [job.request for job in queue.in_hand])
        except CaxtonError as err:
            outcomes = [err] * len(queue.in_hand)
        batch, queue.in_hand = queue.in_hand, []
        for job, outcome in zip(batch, outcomes, strict=True):
            job.done(outcome)
        if ledger is not None and ledger.changed:
            self._on_change(agent, ledger)

    async def _do(
        self, agent: str, requests: list[Get | Put | Delete | List | Clear]
    ) -> tuple[Ledger | None, list[Outcome]]:
        first = requests[0]
        if isinstance(first, List):
            return None, [await self._list(agent, first)]
        if isinstance(first, Clear):
            return None, [{"removed": await self._store.clear(agent)}]
        named = [request for request in requests if not isinstance(request, List | Clear)]
        ledger = await self._store.read_ledger(agent, (request.key for request in named))
        outcomes = [self._try(ledger, request) for request in named]
        await self._store.write(agent, ledger, self._clock.unix_us() // 1000)
        return ledger, outcomes

    def _try(self, ledger: Ledger, request: Get | Put | Delete) -> Outcome:
        try:
            return ledger.do(request, self._settings)
        except Refused as err:
            return err

    async def _list(self, agent: str, request: List) -> Answer:
        limit = limit_of(request)
        rows = await self._store.read_page(
            agent, prefix=request.prefix, after=request.after, limit=limit, values=request.values
        )
        return page_of(rows, limit)
