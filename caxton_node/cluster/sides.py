"""When the quorum machine is fed, and what is done with what it says: the shell round `quorum.py`.

Books are compared by a request over the mesh, eight bytes if they are equal; news of who counts goes out as
broadcasts, as far as they fit, and the rest is found by comparing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Protocol

from caxton_node.cluster.agreement import Line, MalformedBook, decode, encode
from caxton_node.cluster.partitions import PartitionChanged, PartitionView, Standpoint
from caxton_node.cluster.quorum import Compare, Effect, Quorum, Tell, Turned
from caxton_node.cluster.reunion import PartitionHealed, Reunion
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.core.events import EventBus
from caxton_node.observability.logs import get_logger
from swim import Member

BOOK = "cluster.book"
TOPIC = "cluster.agreed"
COMPARE_TIMEOUT_S = 5.0
LINES_PER_BROADCAST = 10
"""Node ids have up to 63 characters, and a broadcast up to 900 bytes."""
BROADCASTS_MAX = 8

_log = get_logger("cluster")


class Talk(Protocol):
    """The way to the other nodes, as `service.Cluster` provides it."""

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer a kind of request."""
        ...

    def on_topic(self, topic: str, handler: Callable[[str, bytes], None]) -> None:
        """Take a kind of broadcast."""
        ...

    def broadcast(self, topic: str, payload: bytes) -> None:
        """Spread a small payload, best effort."""
        ...

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask a node."""
        ...


class Sides:
    """Which side of a split this node is on, kept up to date.

    Args:
        quorum: The machine.
        reunion: Tells when a split is over.
        talk: The way to other nodes.
        bus: Where `PartitionChanged` and `PartitionHealed` are published.
        clock: Time.
        turn_s: Time between turns of the machine.
        each_turn: What else is to be done so often.

    Attributes:
        keep: Writes the book of who counts to disk.
        count_conflicts: Returns how many registry conflicts were settled so far, for the report of a split.
        changes: How often each view was entered.
        healed: Splits that are over.
    """

    def __init__(
        self,
        quorum: Quorum,
        reunion: Reunion,
        *,
        talk: Talk,
        bus: EventBus,
        clock: Clock,
        turn_s: float,
        each_turn: Callable[[], None] = lambda: None,
    ) -> None:
        self.keep: Callable[[Mapping[str, Line]], Awaitable[None]] = _keep_nothing
        self.count_conflicts: Callable[[], int] = lambda: 0
        self.changes = dict.fromkeys(PartitionView, 0)
        self.healed = 0
        self._quorum = quorum
        self._reunion = reunion
        self._talk = talk
        self._bus = bus
        self._clock = clock
        self._turn_s = turn_s
        self._each_turn = each_turn
        self._comparing: dict[str, asyncio.Task[None]] = {}
        self._turns: asyncio.Task[None] | None = None
        talk.serve(BOOK, self._answer_book)
        talk.on_topic(TOPIC, self._handle_broadcast)

    @property
    def standpoint(self) -> Standpoint:
        """Return how the cluster looks from here."""
        return self._quorum.standpoint

    def counts(self, node: str) -> bool:
        """Tell whether a node counts for the majority."""
        return node in self._quorum.book.counted

    def lines(self) -> dict[str, Line]:
        """Return the book of who counts, to be kept on disk."""
        return self._quorum.book.lines()

    def start(self) -> None:
        """Begin with the turns."""
        self._turns = asyncio.create_task(self._turn_for_ever(), name="cluster-sides")

    async def close(self) -> None:
        """Stop; nothing is compared any more."""
        tasks = [task for task in (self._turns, *self._comparing.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- what happens to members ----------------------------------------------------------------------------

    def handle_alive(self, member: Member) -> None:
        """Note that a member is alive."""
        now = self._clock.now()
        self._reunion.handle_back(member.node_id, epoch=member.epoch, unix_ms=self._unix_ms(), now=now)
        self._perform(self._quorum.handle_alive(member.node_id, now))

    def handle_died(self, member: Member) -> None:
        """Note that a member was given up."""
        effects = self._quorum.handle_died(member.node_id, self._clock.now())
        self._reunion.handle_died(
            member.node_id,
            epoch=member.epoch,
            unix_ms=self._unix_ms(),
            alive=self.standpoint.alive,
            conflicts=self.count_conflicts(),
        )
        self._perform(effects)

    def handle_left(self, member: Member) -> None:
        """Note that a member has said goodbye."""
        self._reunion.handle_left(member.node_id)
        self._perform(self._quorum.handle_left(member.node_id, self._clock.now()))

    # -- commands -------------------------------------------------------------------------------------------

    async def strike(self, nodes: Iterable[str]) -> None:
        """Give up members that will not come back, and tell every node that this one reaches.

        Returns when it is written down.

        Raises:
            StoreFailed: It was done and could not be written down; a crash now would undo it here.
        """
        self._perform(self._quorum.strike(nodes, self._clock.now()))
        await self.keep(self.lines())

    def leave(self) -> None:
        """Count this node no more; it is about to go."""
        self._quorum.leave()

    # -- inside ---------------------------------------------------------------------------------------------

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Compare(node):
                    self._compare_soon(node)
                case Tell(lines):
                    self._tell(lines)
                case Turned(change):
                    self._publish(change)

    def _compare_soon(self, node: str) -> None:
        if node in self._comparing:
            return
        task = asyncio.create_task(self._compare(node), name=f"compare-{node}")
        self._comparing[node] = task
        task.add_done_callback(lambda _task: self._comparing.pop(node, None))

    async def _compare(self, node: str) -> None:
        try:
            answer = await self._talk.request(node, BOOK, self._quorum.book.digest, COMPARE_TIMEOUT_S)
            lines = decode(answer) if answer else {}
        except CaxtonError as err:
            _log.debug("books were not compared", member=node, reason=str(err))
            self._perform(self._quorum.handle_silence(node, self._clock.now()))
        else:
            self._perform(self._quorum.handle_book(node, lines, self._clock.now()))

    async def _answer_book(self, _peer: str, payload: bytes) -> bytes:
        book = self._quorum.book
        return b"" if payload == book.digest else encode(book.lines())

    def _tell(self, lines: Mapping[str, Line]) -> None:
        for page in islice(_pages(lines), BROADCASTS_MAX):
            try:
                self._talk.broadcast(TOPIC, encode(page))
            except CaxtonError as err:  # comparisons will tell them
                _log.debug("who counts was not broadcast", reason=str(err))

    def _handle_broadcast(self, origin: str, payload: bytes) -> None:
        try:
            lines = decode(payload)
        except MalformedBook as err:
            _log.warning("a broadcast of who counts was dropped", origin=origin, reason=str(err))
            return
        self._perform(self._quorum.handle_book("", lines, self._clock.now()))

    def _publish(self, change: PartitionChanged) -> None:
        self.changes[change.view] += 1
        self._reunion.handle_view(change.view)
        log = _log.info if change.view is PartitionView.MAJORITY else _log.warning
        agreed = len(change.agreed)
        log(
            "partition view changed",
            view=str(change.view),
            before=str(change.before),
            seen=f"{agreed - len(change.lost)} of {agreed}",
            lost=list(change.lost[:16]),
        )
        self._bus.publish(change)

    async def _turn_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._turn_s)
            try:
                self._turn()
            except Exception:  # noqa: BLE001 - a listener's bug must not end every turn after it
                _log.exception("a turn of the partition view failed")

    def _turn(self) -> None:
        self._each_turn()
        now = self._clock.now()
        self._perform(self._quorum.handle_turn(now))
        at = self.standpoint
        conflicts = self.count_conflicts()
        report = self._reunion.take_report(at.view, now=now, conflicts=conflicts, agreed=at.agreed)
        if report is None:
            return
        self.healed += 1
        _log.info(
            "a split is over",
            lasted_s=round(report.lasted_s),
            there=list(report.there[:16]),
            missing=list(report.missing[:16]),
            conflicts=report.conflicts,
        )
        self._bus.publish(PartitionHealed(report))

    def _unix_ms(self) -> int:
        return self._clock.unix_us() // 1000


async def _keep_nothing(_lines: Mapping[str, Line]) -> None:
    """Stand for the disk where there is none."""


def _pages(lines: Mapping[str, Line]) -> Iterator[dict[str, Line]]:
    left = iter(lines.items())
    while page := dict(islice(left, LINES_PER_BROADCAST)):
        yield page
