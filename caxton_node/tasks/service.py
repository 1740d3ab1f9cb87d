"""The tasks of a node: those at work, those that still answer latecomers, and the records of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Protocol

from caxton_node.core.clock import Clock
from caxton_node.core.errors import NotFound, ResourceLimit
from caxton_node.core.ids import Address, parse_address, stable_hash
from caxton_node.core.shown import show
from caxton_node.messaging.platform import Office
from caxton_node.observability import Board
from caxton_node.observability.logs import get_logger
from caxton_node.registry import CapabilityRecord, InstanceRecord
from caxton_node.tasks.initiator import Initiator
from caxton_node.tasks.lifecycle import Event, Outcome
from caxton_node.tasks.negotiation import Negotiation
from caxton_node.tasks.order import Order, check, check_size
from caxton_node.tasks.record import AGENT, Record, Summary, What, begin, summary_of
from caxton_node.tasks.store import TaskStore

ID_BYTES = 8
LINGER_S = 30.0
LINGERING_MAX = 200

_log = get_logger("tasks")


class Finder(Protocol):
    """What tasks need of the registry."""

    def find_capability(self, name: str) -> Sequence[CapabilityRecord]:
        """Return who can do something, on nodes that are alive."""
        ...

    def instances(self, name: str | None = None) -> Sequence[InstanceRecord]:
        """Return the instances of an agent (`tenant/name`) on nodes that are alive."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """Bounds.

    Attributes:
        running_max: Tasks at work at a time; more are refused.
        linger_s: How long a task that is over still answers those who come too late.
    """

    running_max: int = 100
    linger_s: float = LINGER_S


class TaskService:
    """Runs Contract Nets for clients.

    Args:
        office: The router.
        registry: Where contractors are found.
        store: Where records are kept.
        board: Where tasks are counted.
        clock: Time.
        settings: Bounds.
    """

    def __init__(
        self,
        *,
        office: Office,
        registry: Finder,
        store: TaskStore,
        board: Board,
        clock: Clock,
        settings: Settings | None = None,
    ) -> None:
        self._office = office
        self._registry = registry
        self._store = store
        self._board = board
        self._clock = clock
        self._settings = settings or Settings()
        self._at_work: dict[str, Initiator] = {}
        self._lingering: dict[str, Initiator] = {}
        self._background: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """End the tasks that an earlier life of this node has left unfinished: nobody listens for them."""
        for record in await self._store.unfinished():
            detail = f"node {record.node} stopped while the task was {record.state}"
            record.finish(Event.FAIL, Outcome.INITIATOR_DIED, detail, self._now_ms)
            await self._store.put(record)
            self._count_end(record)
            _log.warning("a task has died with its node", task=record.id, called=len(record.called))

    async def close(self) -> None:
        """Cancel what is at work, tell its contractors, and keep the records."""
        for initiator in list(self._at_work.values()):
            initiator.cancel("the node was stopped")
        await asyncio.gather(*self._background)
        for task_id in list(self._lingering):
            await self._lingering[task_id].settle()
            self._let_go(task_id)

    async def run(self, order: Order) -> Record:
        """Begin a task and return its record, which goes on changing.

        Raises:
            InvalidArgument: The order cannot be carried out; nobody was called.
            ResourceLimit: Too many tasks are at work.
            StoreFailed: It cannot be written down; nobody was called.
        """
        check(order)
        if len(self._at_work) >= self._settings.running_max:
            raise ResourceLimit(
                f"{len(self._at_work)} tasks are at work on node {self._office.node_id}",
                hint="wait until one is over, cancel one, or ask another node",
            )
        record = begin(token_hex(ID_BYTES), self._office.node_id, order, self._now_ms)
        contractors = self._find_contractors(order, record)
        check_size(order, len(contractors))
        if contractors:
            await self._put_to_work(record, order, contractors)
        else:
            await self._end_without_contractors(record, order)
        return record

    async def get(self, task_id: str, *, seen: int = 0, wait_s: float = 0.0) -> Record:
        """Return a task.

        Args:
            task_id: Its id.
            seen: Version that the caller knows.
            wait_s: How long to wait for a newer one, or for the end; 0 returns what there is.

        Raises:
            NotFound: This node has no such task, or no longer.
        """
        initiator = self._find_live(task_id)
        if initiator is None:
            return await self._read(task_id)
        if wait_s:
            await initiator.wait_change(seen, wait_s)
        return initiator.record

    async def wait_end(self, task_id: str) -> None:
        """Return when a task is over and that is durable; at once if it is not at work."""
        initiator = self._at_work.get(task_id)
        if initiator is not None:
            await initiator.over.wait()

    async def newest(self, count: int, state: str = "") -> list[Summary]:
        """Return the latest tasks, newest first; only those in a state if one is named."""
        kept = await self._store.newest(count, state)
        live = {summary.id: self._find_live(summary.id) for summary in kept}
        return [summary_of(found.record) if (found := live[each.id]) else each for each in kept]

    async def cancel(self, task_id: str, detail: str) -> Record:
        """Give a task up, tell its contractors, and return it; one that is over stays as it is.

        Raises:
            NotFound: This node has no such task, or no longer.
        """
        initiator = self._find_live(task_id)
        if initiator is None:
            return await self._read(task_id)
        initiator.cancel(detail)
        await initiator.over.wait()
        return initiator.record

    # -- the life of a task ---------------------------------------------------------------------------------

    async def _put_to_work(self, record: Record, order: Order, contractors: Sequence[str]) -> None:
        """Write the task down, then call: a node that dies in between knows what it owes an answer."""
        name = f"{AGENT}~{record.id}"
        negotiation = Negotiation(record, order, contractors, f"{name}@{record.node}")
        initiator = Initiator(
            name=name, negotiation=negotiation, office=self._office, store=self._store, clock=self._clock
        )
        self._at_work[record.id] = initiator
        try:
            await self._store.put(record)
        except BaseException:
            del self._at_work[record.id]
            raise
        if not record.is_over:  # it may have been cancelled meanwhile
            initiator.start()
        seeing_out = asyncio.create_task(self._see_out(initiator), name=f"see-out-{record.id}")
        self._background.add(seeing_out)
        seeing_out.add_done_callback(self._background.discard)

    async def _see_out(self, initiator: Initiator) -> None:
        """Wait for the end; let those who have not answered yet find somebody for a while."""
        await initiator.over.wait()
        task_id = initiator.record.id
        del self._at_work[task_id]
        self._count_end(initiator.record)
        self._lingering[task_id] = initiator
        if not initiator.awaits_answers:
            self._let_go(task_id)
            return
        asyncio.get_running_loop().call_later(self._settings.linger_s, self._let_go, task_id)
        if len(self._lingering) > LINGERING_MAX:
            self._let_go(next(iter(self._lingering)))

    def _let_go(self, task_id: str) -> None:
        """Give up a task's address; nothing happens if it was given up before."""
        initiator = self._lingering.pop(task_id, None)
        if initiator is not None:
            initiator.leave()
            self._count_bids(initiator.record)

    async def _end_without_contractors(self, record: Record, order: Order) -> None:
        detail = f"nobody within reach offers {order.capability}"
        record.finish(Event.FAIL, Outcome.NO_CONTRACTORS, detail, self._now_ms)
        await self._store.put(record)
        self._count_end(record)

    # -- looking up -----------------------------------------------------------------------------------------

    def _find_live(self, task_id: str) -> Initiator | None:
        return self._at_work.get(task_id) or self._lingering.get(task_id)

    async def _read(self, task_id: str) -> Record:
        record = await self._store.find(task_id)
        if record is None:
            raise NotFound(
                f"node {self._office.node_id} has no task {show(task_id)}",
                why="a node knows its own tasks, the latest of them",
                hint="caxton task list shows what there is",
            )
        return record

    def _find_contractors(self, order: Order, record: Record) -> list[str]:
        """Return whom to call: those named, then those found; of too many a sample, another each time."""
        named = [place for each in order.contractors for place in self._places_of(each)]
        offers = self._registry.find_capability(order.capability) if order.capability else ()
        found = {str(Address(offer.agent, offer.node)) for offer in offers}
        sample = sorted(found, key=lambda address: stable_hash(f"{record.id} {address}"))
        everybody = list(dict.fromkeys([*named, *sample]))
        record.found = len(everybody)
        return everybody[: order.participants_max]

    def _places_of(self, text: str) -> list[str]:
        """Return the places of a named contractor; one that nobody knows is called here and found missing."""
        address = parse_address(text)
        if address.node:
            return [str(address)]
        nodes = sorted({instance.node for instance in self._registry.instances(address.name)})
        return [str(Address(address.name, node)) for node in nodes or [self._office.node_id]]

    # -- numbers --------------------------------------------------------------------------------------------

    def _count_end(self, record: Record) -> None:
        self._board.counter("caxton_tasks_total", outcome=record.outcome).add()
        took_s = (record.finished_unix_ms - record.submitted_unix_ms) / 1000
        self._board.histogram("caxton_task_seconds").observe(max(0.0, took_s))

    def _count_bids(self, record: Record) -> None:
        late = [note.what.value for note in record.notes if note.what in {What.LATE, What.DUPLICATE}]
        for verdict in [*(bid.verdict.value for bid in record.bids), *late]:
            self._board.counter("caxton_task_proposals_total", verdict=verdict).add()

    @property
    def _now_ms(self) -> int:
        return self._clock.unix_us() // 1000
