"""Nodes that die, return, restart and are cut off from each other; and what must hold of replicas meanwhile.

Each host runs a real `DeploymentService`. Modelled are: how soon a death is noticed (on each node at another
time, late as at a split's lonely side), how the registry travels, how long commands on agents take.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from types import SimpleNamespace

from caxton_node.agents.lifecycle import State
from caxton_node.cluster.changes import Change, MemberChanged
from caxton_node.cluster.facts import NodeFacts
from caxton_node.cluster.partitions import Standpoint, has_majority, partition_view
from caxton_node.core.errors import Unavailable
from caxton_node.core.events import EventBus
from caxton_node.deployment import DeploymentService, Settings
from caxton_node.observability import Board
from caxton_node.registry.entry import Entry
from swim import Member, MemberState
from tests.support.deployment_world.agents import Row, SimAgents
from tests.support.deployment_world.loop import VirtualClock
from tests.support.deployment_world.registry import SimRegistry

NOTICE_S = (1.5, 20.0)
"""When a death or a cut is noticed; the span of both sides of a split."""
COMPARE_S = 2.0
SETTINGS = Settings(drain_s=3.0, refusal_s=20.0, refusal_longest_s=40.0)


class Host:
    """One node: what is on its disk, and its process while it is up. Implements `ports.ClusterPort`."""

    def __init__(self, world: World, node_id: str, labels: dict[str, str]) -> None:
        self.node_id = node_id
        self.labels = labels
        self.rows: dict[str, Row] = {}
        self.held: set[str] = set()
        self.kept: list[Entry] = []
        self.epoch = 0
        self.is_up = False
        self.seen: set[str] = set()
        self._world = world

    async def boot(self) -> None:
        """Start the process."""
        world, self.epoch, self.is_up, self.seen = self._world, self.epoch + 1, True, {self.node_id}
        self.methods: dict[str, Callable[[str, bytes], Awaitable[bytes]]] = {}
        self.bus = EventBus()
        self.registry = SimRegistry(
            self.node_id, self.kept, self.is_alive, lambda entries: world.spread(self, entries)
        )
        self.agents = SimAgents(
            self.node_id,
            self.registry,
            self.rows,
            self.held,
            can_run=lambda sha256: (self.node_id, sha256) not in world.unable,
            has_module=lambda sha256: world.has_module(self, sha256),
            rng=world.rng,
        )
        self.agents.restore()
        self.service = DeploymentService(
            cluster=self,  # type: ignore[arg-type]  # a model of it
            registry=self.registry,  # type: ignore[arg-type]  # a model of it
            agents=self.agents,  # type: ignore[arg-type]  # a model of it
            bus=self.bus,
            board=Board(),
            clock=VirtualClock(),
            settings=Settings(
                labels=self.labels,
                **{name: getattr(SETTINGS, name) for name in ("drain_s", "refusal_s", "refusal_longest_s")},
            ),
        )
        self.service.start()
        self._gossip = asyncio.create_task(world.compare_for_ever(self))

    async def die(self) -> None:
        """End the process without a word."""
        self.is_up = False
        self.agents.is_dead = self.registry.is_dead = True
        self.kept = self.registry.everything()
        self._gossip.cancel()
        await self.service.close()

    # -- what the service asks of the cluster ---------------------------------------------------------------

    @property
    def sides(self) -> SimpleNamespace:
        """Return the standpoint."""
        alive, agreed = tuple(sorted(self.seen)), tuple(sorted(self._world.hosts))
        return SimpleNamespace(standpoint=Standpoint(partition_view(alive, agreed), alive, agreed))

    def alive_nodes(self) -> list[str]:
        """List who is seen."""
        return sorted(self.seen)

    def is_alive(self, node: str) -> bool:
        """Tell whether a node is seen."""
        return node in self.seen

    def find(self, node: str) -> Member | None:
        """Return what is known of a node."""
        return self._world.member(node)

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer requests."""
        self.methods[method] = handler

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask another host."""
        other = self._world.hosts[node]
        await asyncio.sleep(0.01)
        if not self._world.reaches(self, other):
            await asyncio.sleep(timeout_s)
            raise Unavailable("no answer")
        return await other.methods[method](self.node_id, payload)

    # -- what happens to it ---------------------------------------------------------------------------------

    def note(self, node: str, change: Change) -> None:
        """See that somebody has come or gone."""
        if change is Change.JOINED:
            self.seen.add(node)
        else:
            self.seen.discard(node)
        self.bus.publish(MemberChanged(self._world.member(node), change))


class World:
    """All hosts.

    Args:
        rng: Chance.
        zones: The zone of each host, by id.
    """

    def __init__(self, rng: random.Random, zones: dict[str, str]) -> None:
        self.rng = rng
        self.side_of = dict.fromkeys(zones, 0)
        self.unable: set[tuple[str, str]] = set()
        self.hosts = {node: Host(self, node, {"zone": zone}) for node, zone in zones.items()}
        self.disturbed_at = float("-inf")
        self._later: set[asyncio.Task[None]] = set()

    @property
    def now(self) -> float:
        """Return virtual time."""
        return asyncio.get_running_loop().time()

    def up(self) -> list[Host]:
        """List the hosts that run."""
        return [host for host in self.hosts.values() if host.is_up]

    def reaches(self, one: Host, other: Host) -> bool:
        """Tell whether two hosts can talk."""
        return one.is_up and other.is_up and self.side_of[one.node_id] == self.side_of[other.node_id]

    def member(self, node: str) -> Member:
        """Return what everybody knows of a host."""
        host = self.hosts[node]
        facts = NodeFacts("127.0.0.1:1", "1", signer=False, labels=host.labels)
        return Member(
            node, ("127.0.0.1", 1), MemberState.ALIVE, 0, host.epoch, facts.pack(), 0, node.encode()
        )

    def has_module(self, asking: Host, sha256: str) -> bool:
        """Tell whether a module is to be had within reach of a host."""
        return any(
            sha256 in other.held or any(row.glance.module_sha256 == sha256 for row in other.rows.values())
            for other in self.up()
            if self.reaches(asking, other)
        )

    # -- events ---------------------------------------------------------------------------------------------

    async def start(self, node: str) -> None:
        """Start a host."""
        host = self.hosts[node]
        await host.boot()
        for other in self.up():
            if other is not host and self.reaches(host, other):
                self._meet(host, other)

    async def kill(self, node: str) -> None:
        """Kill a host: others notice by and by."""
        self.disturbed_at = self.now
        host, epoch = self.hosts[node], self.hosts[node].epoch
        await host.die()
        for other in self.up():
            self._notice_later(other, node, epoch)

    async def leave(self, node: str) -> None:
        """Stop a host in order: others hear it at once."""
        self.disturbed_at = self.now
        await self.hosts[node].die()
        for other in self.up():
            if node in other.seen:
                other.note(node, Change.LEFT)

    def split(self, side: set[str]) -> None:
        """Cut these hosts off from all others, or, empty, heal."""
        self.disturbed_at = self.now
        before = {(one, two): self.reaches(one, two) for one in self.up() for two in self.up()}
        self.side_of = {node: int(node in side) for node in self.hosts}
        for (one, two), was in before.items():
            if was and not self.reaches(one, two):
                self._notice_later(one, two.node_id, two.epoch)
            elif not was and self.reaches(one, two) and one.node_id < two.node_id:
                self._meet(one, two)

    def heal(self) -> None:
        """Join all hosts again."""
        self.split(set())

    async def close(self) -> None:
        """End everything."""
        for task in self._later:
            task.cancel()
        for host in self.up():
            await host.die()

    # -- transport ------------------------------------------------------------------------------------------

    def spread(self, host: Host, entries: list[Entry]) -> None:
        """Bring what a host wrote to those that it reaches."""
        for other in self.up():
            if other is not host and self.reaches(host, other) and other.node_id in host.seen:
                self._do_later((0.02, 0.3), partial(self._bring, host, other, entries))

    async def compare_for_ever(self, host: Host) -> None:
        """Let a host compare its registry with one that it sees, again and again."""
        while True:
            await asyncio.sleep(self.rng.uniform(0.5, 1.0) * COMPARE_S)
            others = [self.hosts[node] for node in host.seen - {host.node_id}]
            reached = [other for other in others if self.reaches(host, other)]
            if reached:
                self._compare(host, self.rng.choice(reached))

    def _compare(self, host: Host, other: Host) -> None:
        if self.reaches(host, other):
            mine, theirs = host.registry.everything(), other.registry.everything()
            host.registry.merge(theirs)
            other.registry.merge(mine)
            host.registry.tally.equal += 1
            other.registry.tally.equal += 1

    def _bring(self, host: Host, other: Host, entries: list[Entry]) -> None:
        if self.reaches(host, other):
            other.registry.merge(entries)

    # -- membership -----------------------------------------------------------------------------------------

    def _meet(self, one: Host, two: Host) -> None:
        self._do_later((0.05, 0.5), partial(self._join, one, two))
        self._do_later((0.05, 0.5), partial(self._join, two, one))
        self._do_later((0.5, 1.5), partial(self._compare, one, two))

    def _join(self, host: Host, other: Host) -> None:
        if self.reaches(host, other):
            host.note(other.node_id, Change.JOINED)

    def _notice_later(self, host: Host, node: str, epoch: int) -> None:
        def notice() -> None:
            other = self.hosts[node]
            is_back = other.epoch != epoch or self.reaches(host, other)
            if host.is_up and node in host.seen and not is_back:
                host.note(node, Change.DIED)

        self._do_later(NOTICE_S, notice)

    def _do_later(self, between_s: tuple[float, float], work: Callable[[], None]) -> None:
        async def wait() -> None:
            await asyncio.sleep(self.rng.uniform(*between_s))
            work()

        task = asyncio.create_task(wait())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    # -- what is true ---------------------------------------------------------------------------------------

    def running(self, name: str) -> list[Host]:
        """List the hosts on which an agent really runs."""
        return list(self._running(name))

    def is_with_majority(self, node: str) -> bool:
        """Tell whether those that a host can reach are a majority of all."""
        host = self.hosts[node]
        reached = {other.node_id for other in self.up() if self.reaches(host, other)}
        return has_majority(reached, self.hosts)

    def _running(self, name: str) -> Iterator[Host]:
        for host in self.up():
            row = host.rows.get(name)
            if row is not None and row.glance.state is State.RUNNING:
                yield host
