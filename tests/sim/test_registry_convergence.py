"""Registries of many nodes under loss and partitions, in virtual time: they agree, and soon.

Each node spreads its writes by lossy broadcast and compares with one of its neighbours every two seconds,
as the service does; a comparison takes no time but may break off at any request. The membership that says
who is reachable is the simulation's own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from caxton_node.registry.anti_entropy import Exchange
from caxton_node.registry.entry import decode_page
from caxton_node.registry.neighbours import Neighbours
from caxton_node.registry.replica import Replica
from caxton_node.registry.spread import plan_spread
from tests.support.replicas import answer

pytestmark = pytest.mark.story("026")

START_US = 1_700_000_000_000_000
SYNC_INTERVAL_S = 2.0
GOAL_S = 30.0


@dataclass
class World:
    """A cluster in virtual time.

    Attributes:
        loss: Chance that a broadcast misses a node, and that a request fails.
        groups: Node -> side of a split.
        skew_us: Node -> how wrong its wall clock is.
    """

    rng: random.Random
    count: int
    loss: float = 0.0
    now_s: float = 0.0
    replicas: dict[str, Replica] = field(default_factory=dict)
    neighbours: dict[str, Neighbours] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    skew_us: dict[str, int] = field(default_factory=dict)
    bytes_sent: int = 0

    def __post_init__(self) -> None:
        for number in range(self.count):
            node = f"n{number}"
            self.replicas[node] = Replica(node, owned_kinds=frozenset({"instance"}))
            self.neighbours[node] = Neighbours(random.Random(self.rng.random()))
            self.skew_us[node] = self.rng.randrange(-2_000_000, 2_000_000)

    def split(self, sides: int) -> None:
        """Put every node on a side at random."""
        self.groups = {node: self.rng.randrange(sides) for node in self.replicas}

    def heal(self) -> None:
        """Join all sides."""
        self.groups = {}

    def churn(self, writes: int) -> None:
        """Let random nodes write, change and delete entries of their own and of a shared kind."""
        for _ in range(writes):
            node = self.rng.choice(list(self.replicas))
            replica, now_us = self.replicas[node], self.now_us(node)
            kind = self.rng.choice(["instance", "route"])
            key = f"k{self.rng.randrange(20)}" + (f"@{node}" if kind == "instance" else "")
            if self.rng.random() < 0.3:
                entry = replica.delete(kind, key, now_us)
            else:
                entry = replica.put(kind, key, self.rng.randbytes(8), now_us)
            if entry is not None:
                plan = plan_spread([entry], others=self.reachable(node), gossip_bytes_max=900, rng=self.rng)
                for payload in plan.broadcasts:
                    self.broadcast(node, payload)

    def broadcast(self, node: str, payload: bytes) -> None:
        """Bring a broadcast to whom it reaches."""
        for other in self.reachable(node):
            if self.rng.random() >= self.loss:
                self.replicas[other].merge(decode_page(payload), self.now_us(other))

    def advance(self) -> None:
        """Let one interval pass: every node compares once, in random order."""
        self.now_s += SYNC_INTERVAL_S
        for node in self.rng.sample(list(self.replicas), self.count):
            peer = self.neighbours[node].pick(self.reachable(node))
            if peer is not None:
                self.compare(node, peer)

    def compare(self, node: str, peer: str) -> None:
        """Run a comparison that may break off at any point."""
        exchange = Exchange(self.replicas[node])
        while (request := exchange.request) is not None:
            if self.rng.random() < self.loss:
                self.neighbours[node].drop(peer)
                return
            reply = answer(self.replicas[peer], request, self.now_us(peer))
            self.bytes_sent += len(request.payload) + len(reply)
            exchange.handle_answer(reply, self.now_us(node))

    def agree(self) -> bool:
        """Tell whether all nodes hold the same."""
        return len({replica.buckets.root() for replica in self.replicas.values()}) == 1

    def time_to_agree(self) -> float:
        """Let time pass until all agree; return how long it took."""
        started = self.now_s
        while not self.agree():
            assert self.now_s - started < GOAL_S, "they do not agree in time"
            self.advance()
        return self.now_s - started

    def reachable(self, node: str) -> list[str]:
        """List the others on a node's side."""
        side = self.groups.get(node)
        return [other for other in self.replicas if other != node and self.groups.get(other) == side]

    def now_us(self, node: str) -> int:
        """Read a node's own wall clock."""
        return START_US + round(self.now_s * 1e6) + self.skew_us[node]


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_churn_under_loss_converges(seed: int, loss: float) -> None:
    world = World(random.Random(seed), 30, loss=loss)
    for _ in range(10):
        world.churn(40)
        world.advance()
    world.time_to_agree()


def test_sides_of_a_split_agree_each_and_together_after_it(seed: int) -> None:
    world = World(random.Random(seed), 24, loss=0.1)
    world.churn(200)
    world.time_to_agree()
    world.split(3)
    for _ in range(30):
        world.churn(20)
        world.advance()
    assert not world.agree()
    world.heal()
    world.time_to_agree()
    assert sum(replica.conflicts for replica in world.replicas.values()) > 0


def test_owned_entries_are_everywhere_as_their_owners_have_them(seed: int) -> None:
    world = World(random.Random(seed), 16, loss=0.2)
    for _ in range(5):
        world.churn(50)
        world.split(2)
        world.advance()
        world.heal()
    world.time_to_agree()
    for owner in world.replicas.values():
        own = {entry.id: entry.value for entry in owner.own_entries()}
        for replica in world.replicas.values():
            seen = {
                entry.id: entry.value
                for entry in replica.entries("instance")
                if entry.key.endswith(f"@{owner.node_id}")
            }
            assert seen == own


def test_a_node_that_lost_everything_is_filled_and_its_ghosts_are_laid(seed: int) -> None:
    world = World(random.Random(seed), 12)
    world.churn(300)
    world.time_to_agree()
    world.replicas["n3"] = Replica("n3", owned_kinds=frozenset({"instance"}))
    world.time_to_agree()
    assert [entry for entry in world.replicas["n0"].entries("instance") if entry.origin == "n3"] == []
    assert len(world.replicas["n3"]) == len(world.replicas["n0"]) > 50


def test_fifty_nodes_agree_on_ten_thousand_agents_after_a_split(seed: int) -> None:
    """The 10,000 are known before; what is measured is what the split left behind."""
    world = World(random.Random(seed), 50)
    first = world.replicas["n0"]
    for number in range(10_000):
        first.put("route", f"agent-{number}", b"v" * 100, START_US)
    known = list(first.entries())
    for replica in world.replicas.values():
        replica.load(known, START_US)
    world.split(2)
    world.churn(200)
    world.advance()
    world.heal()
    world.bytes_sent = 0
    assert world.time_to_agree() <= 20
    assert world.bytes_sent / world.count < 400_000
