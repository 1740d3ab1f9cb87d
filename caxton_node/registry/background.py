"""What the registry does behind the caller's back: spread changes, store them, compare with neighbours.

Each is an object with one `turn`; `run_forever` repeats it. A turn that raises is logged and repeated
after a pause: the registry must go on without a peer or a disk that fails for a while.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.observability import get_logger
from caxton_node.registry.anti_entropy import Exchange, Method
from caxton_node.registry.entry import Entry, Id
from caxton_node.registry.neighbours import Neighbours
from caxton_node.registry.ports import ClusterPort
from caxton_node.registry.replica import Replica
from caxton_node.registry.spread import plan_spread
from caxton_node.registry.store import RegistryStore

TOPIC = "registry"
COLLECT_EVERY_S = 60.0
PAUSE_AFTER_FAILURE_S = 1.0

_log = get_logger("registry")


@dataclass(frozen=True, slots=True)
class Settings:
    """When things happen.

    Attributes:
        sync_interval_s: Between comparisons; each waits 0.8 to 1.2 times that.
        spread_delay_s: How long changes are gathered before they leave.
        save_delay_s: How long changes are gathered before they are stored.
        gossip_bytes_max: Largest broadcast; more would not fit beside membership's own news.
        request_timeout_s: For each request to another node.
    """

    sync_interval_s: float = 2.0
    spread_delay_s: float = 0.02
    save_delay_s: float = 0.1
    gossip_bytes_max: int = 900
    request_timeout_s: float = 10.0


@dataclass(slots=True)
class Tally:
    """Plain counters.

    Attributes:
        equal: Comparisons that found no difference.
        differed: Comparisons that exchanged something.
        failed: Comparisons that broke off.
        malformed: Broadcasts that could not be read.
        broadcasts_failed: Payloads that gossip had no room for; comparison makes up for it.
        pushes_failed: Pages that a peer did not take; likewise.
    """

    equal: int = 0
    differed: int = 0
    failed: int = 0
    malformed: int = 0
    broadcasts_failed: int = 0
    pushes_failed: int = 0


async def run_forever(turn: Callable[[], Awaitable[None]]) -> None:
    """Repeat a turn until cancelled."""
    while True:
        try:
            await turn()
        except Exception:  # noqa: BLE001 - the boundary of a task: log it, go on
            _log.exception("a turn of the registry failed")
            await asyncio.sleep(PAUSE_AFTER_FAILURE_S)


def others(cluster: ClusterPort) -> list[str]:
    """Return the alive nodes besides this one."""
    return [node for node in cluster.alive_nodes() if node != cluster.node_id]


class Spreader:
    """Sends this node's changes to the others, shortly after they happen."""

    def __init__(self, cluster: ClusterPort, settings: Settings, tally: Tally, rng: random.Random) -> None:
        self._cluster = cluster
        self._settings = settings
        self._tally = tally
        self._rng = rng
        self._leaving: dict[Id, Entry] = {}
        self._wanted = asyncio.Event()

    def add(self, entries: Iterable[Entry]) -> None:
        """Send these with the next turn; a newer version takes the place of one that has not left yet."""
        self._leaving.update((entry.id, entry) for entry in entries)
        if self._leaving:
            self._wanted.set()

    async def turn(self) -> None:
        """Wait for changes, gather more for a moment, send them."""
        await self._wanted.wait()
        await asyncio.sleep(self._settings.spread_delay_s)
        self._wanted.clear()
        entries, self._leaving = list(self._leaving.values()), {}
        plan = plan_spread(
            entries,
            others=others(self._cluster),
            gossip_bytes_max=self._settings.gossip_bytes_max,
            rng=self._rng,
        )
        for payload in plan.broadcasts:
            self._broadcast(payload)
        await asyncio.gather(*(self._push(peer, plan.pages) for peer in plan.peers))

    def _broadcast(self, payload: bytes) -> None:
        try:
            self._cluster.broadcast(TOPIC, payload)
        except CaxtonError as err:
            self._tally.broadcasts_failed += 1
            _log.debug("a broadcast was not taken", reason=str(err))

    async def _push(self, peer: str, pages: Sequence[bytes]) -> None:
        try:
            for page in pages:
                await self._cluster.request(peer, Method.PUSH, page, self._settings.request_timeout_s)
        except CaxtonError as err:
            self._tally.pushes_failed += 1
            _log.debug("a push was not taken", peer=peer, reason=str(err))


class Saver:
    """Writes changes to the durable copy, a little later than they happen."""

    def __init__(self, store: RegistryStore, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._unsaved: dict[Id, Entry] = {}
        self._wanted = asyncio.Event()

    def add(self, entries: Iterable[Entry]) -> None:
        """Store these with the next turn."""
        self._unsaved.update((entry.id, entry) for entry in entries)
        if self._unsaved:
            self._wanted.set()

    async def turn(self) -> None:
        """Wait for changes, gather more for a moment, store them."""
        await self._wanted.wait()
        await asyncio.sleep(self._settings.save_delay_s)
        await self.flush()

    async def flush(self) -> None:
        """Store what is not stored yet; if that fails it stays to be stored, and the error is raised."""
        self._wanted.clear()
        entries, self._unsaved = self._unsaved, {}
        try:
            await self._store.save(list(entries.values()))
        except BaseException:
            self._unsaved = entries | self._unsaved
            self._wanted.set()
            raise


class Syncer:
    """Compares with one neighbour after another, and lets old tombstones go.

    Args:
        take: Gets the entries that were new here.
    """

    def __init__(
        self,
        *,
        cluster: ClusterPort,
        replica: Replica,
        store: RegistryStore,
        settings: Settings,
        tally: Tally,
        clock: Clock,
        rng: random.Random,
        take: Callable[[Sequence[Entry]], None],
    ) -> None:
        self._cluster = cluster
        self._replica = replica
        self._store = store
        self._settings = settings
        self._tally = tally
        self._clock = clock
        self._rng = rng
        self._take = take
        self._neighbours = Neighbours(rng)
        self._hurry = asyncio.Event()
        self._collected_at = clock.now()

    def hurry(self) -> None:
        """Make the next comparison now."""
        self._hurry.set()

    async def turn(self) -> None:
        """Wait for the interval or for `hurry`, then compare with the neighbour whose turn it is."""
        await self._wait()
        await self._collect_tombstones()
        peer = self._neighbours.pick(others(self._cluster))
        if peer is None:
            return
        try:
            await self._compare(peer)
        except CaxtonError as err:
            self._tally.failed += 1
            self._neighbours.drop(peer)
            _log.info("a registry comparison broke off", peer=peer, reason=str(err))

    async def _wait(self) -> None:
        pause_s = self._settings.sync_interval_s * self._rng.uniform(0.8, 1.2)
        try:
            async with asyncio.timeout(pause_s):
                await self._hurry.wait()
        except TimeoutError:
            pass
        self._hurry.clear()

    async def _compare(self, peer: str) -> None:
        exchange = Exchange(self._replica)
        while (request := exchange.request) is not None:
            answer = await self._cluster.request(
                peer, request.method, request.payload, self._settings.request_timeout_s
            )
            self._take(exchange.handle_answer(answer, self._clock.unix_us()))
        if exchange.equal:
            self._tally.equal += 1
        else:
            self._tally.differed += 1
            _log.debug("registry compared", peer=peer, received=exchange.received, sent=exchange.sent)

    async def _collect_tombstones(self) -> None:
        if self._clock.now() - self._collected_at >= COLLECT_EVERY_S:
            self._collected_at = self._clock.now()
            await self._store.forget(self._replica.collect(self._clock.unix_us()))
