"""Compares with one neighbour after another, and lets old tombstones go."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.observability import get_logger
from caxton_node.registry.anti_entropy import Exchange
from caxton_node.registry.background import Settings, Tally, others
from caxton_node.registry.entry import Entry
from caxton_node.registry.neighbours import NEIGHBOURS, Neighbours
from caxton_node.registry.ports import ClusterPort
from caxton_node.registry.replica import Replica
from caxton_node.registry.tombstones import TOMBSTONE_KEPT_US

COLLECT_EVERY_S = 60.0
BURST_ENTRIES = 16
"""Entries in one lot that are more than a broadcast carries: nobody is told of them by gossip."""
EAGER_PAUSE_S = 0.05
LEARN_AGAIN_S = 60.0
"""As long as nobody that was compared with has caught up itself: in a cluster's first day."""

_log = get_logger("registry")


class Keeper(Protocol):
    """Who keeps the durable copy."""

    def drop(self, entries: Sequence[Entry]) -> None:
        """Remove these versions."""
        ...

    def keep_seen(self, stamps: Mapping[str, int]) -> None:
        """Store what has been seen, after all that was taken before."""
        ...


class Syncer:
    """Looks after one replica.

    Args:
        take: Gets the entries that were new here.
        drop: Gets the entries that turned out to be deleted long ago.
        saver: Stores what has been seen, and forgets.
    """

    def __init__(
        self,
        *,
        cluster: ClusterPort,
        replica: Replica,
        settings: Settings,
        tally: Tally,
        clock: Clock,
        rng: random.Random,
        take: Callable[[Sequence[Entry]], None],
        drop: Callable[[Sequence[Entry]], None],
        saver: Keeper,
    ) -> None:
        self._cluster = cluster
        self._replica = replica
        self._settings = settings
        self._tally = tally
        self._clock = clock
        self._rng = rng
        self._take = take
        self._drop = drop
        self._saver = saver
        self._neighbours = Neighbours(rng)
        self._hurry = asyncio.Event()
        self._eager = 0
        self._is_failing = False
        self._started_at = self._collected_at = clock.now()
        self._learn_at = clock.now()

    def hurry(self) -> None:
        """Make the next comparison now."""
        self._hurry.set()

    def note(self, count: int) -> None:
        """Compare with every neighbour at once if so many entries have come or gone in one lot.

        A burst then runs through the cluster like a rumour. A comparison that finds nothing new does not note
        anything, so that it ends by itself.
        """
        if count >= BURST_ENTRIES:
            self._eager = NEIGHBOURS
            self._hurry.set()

    async def turn(self) -> None:
        """Wait for the interval or for `hurry`, then compare with the neighbour whose turn it is."""
        await self._wait()
        self._collect_tombstones()
        peer = self._neighbours.pick(others(self._cluster))
        if peer is None:
            return
        try:
            await self._compare(peer)
        except CaxtonError as err:
            self._tally.failed += 1
            self._neighbours.drop(peer)
            self._try_another()
            _log.info("a registry comparison broke off", peer=peer, reason=str(err))

    def _try_another(self) -> None:
        """Let the next comparison come at once, unless the last one failed as well: they may all be gone."""
        if not self._is_failing:
            self._eager = max(self._eager, 1)
        self._is_failing = True

    async def _wait(self) -> None:
        pause_s = EAGER_PAUSE_S if self._eager else self._settings.sync_interval_s
        self._eager = max(0, self._eager - 1)
        try:
            async with asyncio.timeout(pause_s * self._rng.uniform(0.8, 1.2)):
                await self._hurry.wait()
        except TimeoutError:
            pass
        self._hurry.clear()

    async def _compare(self, peer: str) -> None:
        exchange = Exchange(self._replica, learns=self._clock.now() >= self._learn_at)
        timeout_s = self._settings.first_timeout_s
        while (request := exchange.request) is not None:
            answer = await self._cluster.request(peer, request.method, request.payload, timeout_s)
            timeout_s = self._settings.request_timeout_s
            self._take(exchange.handle_answer(answer, self._clock.unix_us()))
        self._is_failing = False
        self._drop(exchange.forgotten)
        self.note(exchange.received + exchange.sent)
        if exchange.learned:
            self._keep_context()
        if exchange.equal:
            self._tally.equal += 1
        else:
            self._tally.differed += 1
            _log.debug("registry compared", peer=peer, received=exchange.received, sent=exchange.sent)

    def _keep_context(self) -> None:
        context = self._replica.context
        pause_s = self._settings.learn_interval_s
        if not context.caught_up:
            pause_s = min(pause_s, LEARN_AGAIN_S)
        self._learn_at = self._clock.now() + pause_s * self._rng.uniform(0.8, 1.2)
        self._saver.keep_seen(context.stamps)

    def _collect_tombstones(self) -> None:
        now, now_us = self._clock.now(), self._clock.unix_us()
        if now - self._collected_at < COLLECT_EVERY_S:
            return
        self._collected_at = now
        if now - self._started_at >= TOMBSTONE_KEPT_US / 1e6:
            self._replica.context.caught_up = True  # whoever was there has been compared with by now
        self._saver.drop(self._replica.collect(now_us, self._cluster.alive_nodes()))
