"""A cluster in virtual time: add, remove and cut off nodes, write, and see how long they take to agree.

with World(random.Random(7), 100) as world:
    world.put("node-3", "route", "key", b"value")
    took_s = world.time_to_agree(within_s=30)
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Self

from caxton_node.core.errors import Unavailable
from caxton_node.registry.background import Settings
from caxton_node.registry.entry import Entry, Id, decode_page, supersedes
from caxton_node.registry.service import OWNED_KINDS
from swim.settings import Settings as Swim
from tests.support.registry_world import views
from tests.support.registry_world.links import LAN, Links, Range, Terrain
from tests.support.registry_world.node import Node, SkewedClock
from tests.support.registry_world.plane import Plane
from tests.support.registry_world.sharing import SharedReplica, Versions, blank, copy_of
from tests.support.registry_world.views import View
from tests.support.registry_world.virtual_loop import VirtualLoop

START_US = 1_700_000_000_000_000
SKEW_US_MAX = 2_000_000
CHECK_EVERY_S = 0.05

_read_page = lru_cache(maxsize=4096)(decode_page)


class World:
    """Nodes that know each other and hold the same, until a scenario changes that.

    Args:
        rng: Decides everything that is left to chance.
        count: How many nodes there are at first.
        terrain: What the network is like.
        settings: When the registry does things.
        known: What all of them hold at first.

    Attributes:
        nodes: Those that run, by id.
        newest: Of each entry that was written here, the version that outranks all others.
    """

    def __init__(
        self,
        rng: random.Random,
        count: int,
        *,
        terrain: Terrain = LAN,
        settings: Settings | None = None,
        known: Iterable[Entry] = (),
    ) -> None:
        self.rng = rng
        self.nodes: dict[str, Node] = {}
        self.newest: dict[Id, Entry] = {}
        self.loop = VirtualLoop()
        self.links = Links(self._fork(), terrain)
        self._settings = settings or Settings()
        self._sides: dict[str, int] = {}
        self._tasks: dict[str, list[asyncio.Task[Any]]] = {}
        self._failed: list[Exception] = []
        self._versions: Versions = {}
        self._made = 0
        self._plane = Plane(
            loop=self.loop, links=self.links, reaches=self.reaches, deliver=self._deliver,
            settings=Swim.lan() if terrain.far_s is None else Swim.wan(),
        )  # fmt: skip
        self._begin(count, list(known))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.end([task for tasks in self._tasks.values() for task in tasks])

    # ---- nodes

    def join(self, count: int = 1) -> list[str]:
        """Start nodes with nothing, at once; they know everybody, and news of them spreads."""
        names = [self._name() for _ in range(count)]
        everybody = [*self.nodes, *names]
        for name in names:
            self._start(self._blank(name), everybody, is_known=False)
        for node in self.nodes.values():
            fresh = [name for name in names if name not in node.view]
            self._learn(node, fresh, views.HEARD_OF_NEWCOMER_S)
        for name in names:
            self.nodes[name].handle_joined()
        return names

    def replace(self, name: str) -> None:
        """Start a node anew with nothing, at once: nobody has missed it."""
        self._end(name)
        self._start(self._blank(name), list(self.nodes), is_known=False)
        self.nodes[name].handle_joined()

    def kill(self, names: Iterable[str]) -> None:
        """Let nodes vanish; the others notice later."""
        victims = list(names)
        for name in victims:
            self._end(name)
        for node in self.nodes.values():
            for after_s, lot in views.in_lots(victims, views.HEARD_OF_DEATH_S, self.rng).items():
                self.loop.call_later(after_s, node.view.remove, lot)

    def split(self, *, sides: int = 2) -> None:
        """Cut the network into parts of equal size; every node knows at once whom it lost."""
        names = self.rng.sample(list(self.nodes), len(self.nodes))
        self._sides = {name: number % sides for number, name in enumerate(names)}
        for name, node in self.nodes.items():
            node.view.remove([other for other in names if not self.reaches(name, other)])

    def heal(self) -> None:
        """Join the parts; from this first contact on, nodes learn of those they had lost."""
        self._sides = {}
        for node in self.nodes.values():
            lost = [name for name in self.nodes if name not in node.view]
            self._learn(node, lost, views.HEARD_OF_RETURN_S)

    def reaches(self, one: str, other: str) -> bool:
        """Tell whether what one node sends can get to another."""
        return other in self.nodes and self._sides.get(one) == self._sides.get(other)

    def side(self, number: int) -> list[str]:
        """Return the nodes on one side of the present split."""
        return [name for name, side in self._sides.items() if side == number]

    # ---- entries

    def put(self, node: str, kind: str, key: str, value: bytes) -> None:
        """Write an entry on a node."""
        self._note(self.nodes[node].put(kind, key, value))

    def delete(self, node: str, kind: str, key: str) -> None:
        """Delete an entry on a node if it has it."""
        tombstone = self.nodes[node].delete(kind, key)
        if tombstone is not None:
            self._note(tombstone)

    # ---- time

    @property
    def now_s(self) -> float:
        """Return virtual seconds since the world began."""
        return self.loop.time()

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.run_for(seconds)
        if self._failed:
            raise self._failed[0]

    def agree(self) -> bool:
        """Tell whether all nodes hold the same."""
        first, *others = self.nodes.values()
        root = first.replica.buckets.root()
        return all(node.replica.buckets.root() == root for node in others)

    def time_to_agree(self, within_s: float) -> float:
        """Let time pass until all agree, on the newest versions; return how long it took.

        Raises:
            AssertionError: They did not within that time, or what they agree on is not the newest.
        """
        began = self.now_s
        while not self.agree():
            assert self.now_s - began < within_s, f"they do not agree within {within_s} s"
            self.run_for(CHECK_EVERY_S)
        took_s = self.now_s - began
        self.check_newest()
        return took_s

    def check_newest(self) -> None:
        """See that what the nodes agree on holds, of every entry, the version that outranks all others."""
        replica = next(iter(self.nodes.values())).replica
        held = {entry.id: entry for entry in replica.entries()}
        for entry_id, newest in self.newest.items():
            found = held.get(entry_id)
            assert (found is None) == newest.deleted, f"{entry_id}: {found}, {newest}"
            assert found is None or found.rank == newest.rank, f"{entry_id}: {found}, {newest}"

    # ---- what nodes find

    def broadcast(self, node: str, topic: str, payload: bytes) -> None:
        """Spread a payload by gossip."""
        self._plane.broadcast(node, topic, payload)

    async def request(self, node: str, peer: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Carry a request there and its answer back.

        Raises:
            Unavailable: The peer cannot be reached; membership says so, or the time is up.
        """
        self.links.requests[method] += 1
        if peer not in self.nodes[node].view:
            raise Unavailable(f"node {peer} is not there")
        await asyncio.sleep(self.links.connect_s(node, peer))
        await self._carry(node, peer, len(payload), timeout_s)
        answer = self.nodes[peer].answer(method, payload)
        await self._carry(peer, node, len(answer), timeout_s)
        return answer

    async def _carry(self, source: str, target: str, size: int, timeout_s: float) -> None:
        await asyncio.sleep(self.links.carry_s(source, target, size, self.loop.time()))
        if not self.reaches(source, target):
            await asyncio.sleep(timeout_s)
            raise Unavailable(f"node {target} does not answer")

    # ---- inside

    def _begin(self, count: int, known: Sequence[Entry]) -> None:
        names = [self._name() for _ in range(count)]
        pattern = self._blank(names[0])
        pattern.load((pattern.share(entry) for entry in known), START_US)
        for name in names:
            self._start(copy_of(pattern, name), names, is_known=True)

    def _start(self, replica: SharedReplica, everybody: Sequence[str], *, is_known: bool) -> None:
        name, rng = replica.node_id, self._fork()
        view = View(name, everybody)
        clock = SkewedClock(self.loop.time, START_US + self.rng.randrange(-SKEW_US_MAX, SKEW_US_MAX))
        node = Node(
            replica, view=view, world=self, clock=clock, rng=rng, settings=self._settings, is_known=is_known
        )
        self.nodes[name] = node
        self._plane.add(name, view, self._fork())
        self._tasks[name] = [
            self.loop.create_task(self._repeat(part.turn)) for part in (node.spreader, node.syncer)
        ]

    def _end(self, name: str) -> None:
        del self.nodes[name]
        self._plane.remove(name)
        self.links.cut(name)
        for task in self._tasks.pop(name):
            task.cancel()

    async def _repeat(self, turn: Callable[[], Awaitable[None]]) -> None:
        """Repeat a turn of a node as the service does, but let the world end with a turn that fails."""
        try:
            while True:
                await turn()
        except Exception as err:  # noqa: BLE001  raised by whoever lets time pass
            self._failed.append(err)

    def _blank(self, name: str) -> SharedReplica:
        return blank(name, self._versions, OWNED_KINDS)

    def _learn(self, node: Node, others: Sequence[str], within_s: Range) -> None:
        for after_s, lot in views.in_lots(others, within_s, self.rng).items():
            self.loop.call_later(after_s, self._add, node, lot)

    def _add(self, node: Node, lot: Sequence[str]) -> None:
        fresh = node.view.add(name for name in lot if name in self.nodes and self.reaches(node.node_id, name))
        for _ in fresh:
            node.handle_joined()

    def _deliver(self, node: str, _origin: str, payload: bytes) -> None:
        self.nodes[node].handle_broadcast("registry", _read_page(payload))

    def _note(self, entry: Entry) -> None:
        newest = self.newest.get(entry.id)
        if newest is None or supersedes(entry, newest):
            self.newest[entry.id] = entry

    def _name(self) -> str:
        self._made += 1
        return f"node-{self._made - 1}"

    def _fork(self) -> random.Random:
        return random.Random(self.rng.random())
