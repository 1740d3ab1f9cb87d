"""One node: its replica, and the service's own spreader and comparer at work on it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from caxton_node.core.clock import Clock
from caxton_node.registry.background import TOPIC, Settings, Tally
from caxton_node.registry.comparison import Method, Request
from caxton_node.registry.entry import Entry
from caxton_node.registry.spreader import Spreader
from caxton_node.registry.syncer import Syncer
from tests.support import replicas
from tests.support.registry_world.sharing import SharedReplica
from tests.support.registry_world.views import View


class Surroundings(Protocol):
    """What a node finds in its world."""

    def broadcast(self, node: str, topic: str, payload: bytes) -> None:
        """Spread a payload."""

    async def request(self, node: str, peer: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask another node."""


class SkewedClock:
    """A node's clocks: the loop's time, and a wall clock that is wrong by something.

    Args:
        time: The loop's.
        began_us: Wall clock at its beginning.
    """

    def __init__(self, time: Callable[[], float], began_us: int) -> None:
        self._time = time
        self._began_us = began_us

    def now(self) -> float:
        """Return virtual seconds."""
        return self._time()

    def unix_us(self) -> int:
        """Return the node's wall clock."""
        return self._began_us + round(self._time() * 1e6)


class Port:
    """The node's `ClusterPort`, as far as spreading and comparing need it."""

    def __init__(self, view: View, world: Surroundings) -> None:
        self.node_id = view.node_id
        self._view = view
        self._world = world

    def alive_nodes(self) -> Sequence[str]:
        """Return whom the node sees."""
        return self._view.others()

    def is_alive(self, node: str) -> bool:
        """Tell whether the node sees another."""
        return node in self._view

    def broadcast(self, topic: str, payload: bytes) -> None:
        """Spread a payload."""
        self._world.broadcast(self.node_id, topic, payload)

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask another node."""
        return await self._world.request(self.node_id, node, method, payload, timeout_s)

    def on_topic(self, topic: str, handler: object) -> None:
        """Do nothing: the world hands broadcasts over itself."""

    def serve(self, method: str, handler: object) -> None:
        """Do nothing: the world hands requests over itself."""


class Diskless:
    """The store of a node in a world without disks."""

    def drop(self, entries: Sequence[Entry]) -> None:
        """Do nothing."""

    def keep_seen(self, stamps: Mapping[str, int]) -> None:
        """Do nothing."""


class Node:
    """A node of the world.

    Args:
        is_known: The others have been told what it runs.

    Attributes:
        tally: Counters of its comparisons and broadcasts.
    """

    def __init__(
        self,
        replica: SharedReplica,
        *,
        view: View,
        world: Surroundings,
        clock: Clock,
        rng: random.Random,
        settings: Settings,
        is_known: bool,
    ) -> None:
        self.node_id = replica.node_id
        self.replica = replica
        self.view = view
        self.tally = Tally()
        self._clock = clock
        self._announced = is_known
        port, diskless = Port(view, world), Diskless()
        self.spreader = Spreader(port, settings, self.tally, rng)
        self.syncer = Syncer(
            cluster=port, replica=replica, saver=diskless, settings=settings,
            tally=self.tally, clock=clock, rng=rng, take=self.take, drop=lambda _: None,
        )  # fmt: skip

    def put(self, kind: str, key: str, value: bytes) -> Entry:
        """Write an entry and let it spread."""
        entry = self.replica.share(self.replica.put(kind, key, value, self._clock.unix_us()))
        self.take([entry])
        return entry

    def delete(self, kind: str, key: str) -> Entry | None:
        """Delete an entry and let that spread; return the tombstone if there was something."""
        tombstone = self.replica.delete(kind, key, self._clock.unix_us())
        if tombstone is not None:
            self.take([self.replica.share(tombstone)])
        return tombstone

    def take(self, changed: Sequence[Entry]) -> None:
        """Do with changes what the service does, but for indexes, disk and listeners."""
        self.spreader.add(entry for entry in changed if entry.origin == self.node_id)

    def handle_joined(self) -> None:
        """Take in that the view has grown, as the service does."""
        if not self._announced:
            self._announced = True
            self.spreader.add(self.replica.own_entries())
        self.syncer.hurry()

    def handle_broadcast(self, topic: str, entries: Sequence[Entry]) -> None:
        """Take in the entries of a broadcast."""
        assert topic == TOPIC
        self.take(self.replica.merge(entries, self._clock.unix_us()))

    def answer(self, method: str, payload: bytes) -> bytes:
        """Answer a request of a comparison, as the service does."""
        answer = replicas.answer(self.replica, Request(Method(method), payload), self._clock.unix_us())
        self.take(self.replica.take_answered())
        if method == Method.PUSH:
            self.syncer.note(self.replica.arrived)
        return answer
