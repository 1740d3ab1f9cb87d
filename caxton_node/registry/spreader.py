"""Sends this node's changes to the others, shortly after they happen.

Pages go to each peer beside the turns: one that does not answer holds up neither the others nor what
changes next. What it misses it gets by comparing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence

from caxton_node.core.errors import CaxtonError
from caxton_node.observability import get_logger
from caxton_node.observability.background import tell_of_bug
from caxton_node.registry.background import TOPIC, Settings, Tally, others
from caxton_node.registry.comparison import Method
from caxton_node.registry.entry import Entry, Id
from caxton_node.registry.ports import ClusterPort
from caxton_node.registry.spread import plan_spread

PUSHES_MAX = 64

_log = get_logger("registry")


class Spreader:
    """Sends this node's changes to the others, shortly after they happen."""

    def __init__(self, cluster: ClusterPort, settings: Settings, tally: Tally, rng: random.Random) -> None:
        self._cluster = cluster
        self._settings = settings
        self._tally = tally
        self._rng = rng
        self._leaving: dict[Id, Entry] = {}
        self._wanted = asyncio.Event()
        self._pushing: dict[str, asyncio.Task[None]] = {}

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
        for peer in plan.peers:
            self._begin_push(peer, plan.pages)

    async def close(self) -> None:
        """Break off what is under way."""
        pushing = list(self._pushing.values())
        for task in pushing:
            task.cancel()
        await asyncio.gather(*pushing, return_exceptions=True)

    def _begin_push(self, peer: str, pages: Sequence[bytes]) -> None:
        if peer in self._pushing or len(self._pushing) >= PUSHES_MAX:
            self._tally.pushes_failed += 1
            return
        task = asyncio.create_task(self._push(peer, pages), name=f"registry-push-{peer}")
        task.add_done_callback(tell_of_bug)
        task.add_done_callback(lambda _: self._pushing.pop(peer, None))
        self._pushing[peer] = task

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
