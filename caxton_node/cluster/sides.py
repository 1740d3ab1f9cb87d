"""When the quorum machine is fed, and what is done with what it says: the shell round `quorum.py`.

Books are compared by a request over the mesh, eight bytes if they are equal; news of who counts goes out as
broadcasts, as far as they fit, and the rest is found by comparing. What is new is on disk a turn later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice

from caxton_node.cluster.agreement import Book, Line, MalformedBook, decode, encode
from caxton_node.cluster.effects import Compare, Effect, Tell, Turned
from caxton_node.cluster.partitions import PartitionChanged, PartitionView, Standpoint
from caxton_node.cluster.quorum import Quorum
from caxton_node.cluster.reunion import PartitionHealed, Reunion
from caxton_node.cluster.talk import Talk
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError, DeliveryFailed
from caxton_node.core.events import EventBus
from caxton_node.observability.logs import get_logger
from swim import Member

BOOK, STRIKE = "cluster.book", "cluster.strike"
TOPIC = "cluster.agreed"
COMPARE_TIMEOUT_S = 5.0
STRIKE_TIMEOUT_S = 2.0
STRIKERS_MAX = 3
"""Members that a leaver asks to strike it off; who stays and knows more than these is rarely found."""
LINES_PER_BROADCAST = 10
"""Node ids have up to 63 characters, and a broadcast up to 900 bytes."""
BROADCASTS_MAX = 8
EMPTY = Book().digest

_log = get_logger("cluster")


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
        self._kept: Mapping[str, Line] = {}
        talk.serve(BOOK, self._answer_book)
        talk.serve(STRIKE, self._answer_leaver)
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
        return self._quorum.shown.lines()

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
        effects = self._quorum.handle_gone(member.node_id, self._clock.now())
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
        self._perform(self._quorum.handle_gone(member.node_id, self._clock.now()))

    # -- commands -------------------------------------------------------------------------------------------

    async def strike(self, nodes: Collection[str]) -> None:
        """Give up members that will not come back, and tell every node that this one reaches.

        Returns when it is written down.

        Raises:
            StoreFailed: It was done and could not be written down; a crash now would undo it here.
        """
        for node in nodes:
            self._reunion.handle_left(node)
        self._perform(self._quorum.strike(nodes, self._clock.now()))
        await self.keep(self.lines())

    async def leave(self) -> None:
        """Be struck off by a member that stays, if one does; returns when that is written down here.

        Whether one that does not answer has done it cannot be known: then this node counts as struck off.
        """
        is_sure = True
        for node in self._quorum.leave()[:STRIKERS_MAX]:
            lines = await self._ask_to_strike(node)
            is_sure = is_sure and lines is not None
            self._perform(self._quorum.handle_book("", lines or {}, self._clock.now()))
            if lines and not any(line.counts for line in lines.values()):
                break
        else:
            self._perform([] if is_sure else self._quorum.strike_self(self._clock.now()))
        await self._keep_changes()

    # -- inside ---------------------------------------------------------------------------------------------

    async def _ask_to_strike(self, node: str) -> dict[str, Line] | None:
        """Return this node's line in another one's book after asking; None if that is not known."""
        try:
            return decode(await self._talk.request(node, STRIKE, b"", STRIKE_TIMEOUT_S))
        except DeliveryFailed:  # it speaks an earlier version
            return {}
        except CaxtonError as err:
            _log.debug("a member did not say whether it struck this node off", member=node, reason=str(err))
            return None

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
            answer = await self._talk.request(node, BOOK, self._quorum.shown.digest, COMPARE_TIMEOUT_S)
            lines = decode(answer) if answer else None
        except CaxtonError as err:
            _log.debug("books were not compared", member=node, reason=str(err))
            self._perform(self._quorum.handle_silence(node, self._clock.now()))
            return
        now, quorum = self._clock.now(), self._quorum
        self._perform(
            quorum.handle_same(node, now) if lines is None else quorum.handle_book(node, lines, now)
        )

    async def _answer_book(self, peer: str, payload: bytes) -> bytes:
        if payload == EMPTY:
            self._perform(self._quorum.handle_empty(peer, self._clock.now()))
        shown = self._quorum.shown
        return b"" if payload == shown.digest != EMPTY else encode(shown.lines())

    async def _answer_leaver(self, peer: str, _payload: bytes) -> bytes:
        self._perform(self._quorum.handle_leaver(peer, self._clock.now()))
        line = self._quorum.book.find(peer)
        return encode({} if line is None else {peer: line})

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
                await self._keep_changes()
            except Exception:  # noqa: BLE001 - a listener's bug must not end every turn after it
                _log.exception("a turn of the partition view failed")

    def _turn(self) -> None:
        self._each_turn()
        now = self._clock.now()
        self._perform(self._quorum.handle_turn(now, self._talk.linked()))
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

    async def _keep_changes(self) -> None:
        lines = self.lines()
        if lines == self._kept:
            return
        self._kept = lines
        try:
            await self.keep(lines)
        except CaxtonError as err:  # whoever keeps the members does it again
            _log.warning("who counts was not written down", reason=str(err))

    def _unix_ms(self) -> int:
        return self._clock.unix_us() // 1000


async def _keep_nothing(_lines: Mapping[str, Line]) -> None:
    """Stand for the disk where there is none."""


def _pages(lines: Mapping[str, Line]) -> Iterator[dict[str, Line]]:
    left = iter(lines.items())
    while page := dict(islice(left, LINES_PER_BROADCAST)):
        yield page
