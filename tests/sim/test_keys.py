"""Changing the keys of a living cluster: nothing is dropped, nobody is suspected."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest

from caxton_node.devkit.simulator.cluster import (
    GROUP_KEY,
    Cluster,
    Node,
    address_of,
    all_alive_everywhere,
    name_of,
    suspicions,
)
from swim.keyring import Encryption, Keyring
from swim.member import Identity
from swim.ring import Ring
from swim.statistics import Drop

pytestmark = pytest.mark.story("018")

NEW_KEY = bytes(range(100, 132))
UNOPENED = (Drop.UNKNOWN_KEY, Drop.UNAUTHENTIC, Drop.PLAIN)


class Keyed:
    """A cluster whose key rings a test can reach, so that it may do what an operator does."""

    def __init__(self, seed: int, size: int, encryption: Encryption = Encryption.REQUIRED) -> None:
        self.cluster = Cluster(seed)
        self.rng = random.Random(seed)
        self.rings: dict[str, Keyring] = {}
        for number in range(size):
            self.add(name_of(number), encryption)
            self.cluster.network.run_for(0.02)
        self.settle()

    def add(self, node_id: str, encryption: Encryption, epoch: int = 1) -> None:
        """Start a node, or start it again as it would be after a change of its settings."""
        number = int(node_id.removeprefix("node-"))
        ring = self.rings[node_id] = Keyring("simulated", [GROUP_KEY], encryption=encryption)
        identity = Identity(node_id, address_of(number), epoch)
        node = Node(self.cluster.network, identity, self.cluster.settings, ring)
        self.cluster.nodes[node_id] = node
        node.start([address_of((number + 1) % 3)])

    def settle(self) -> None:
        self.cluster.network.run_until(lambda: all_alive_everywhere(self.cluster), within_s=30)

    def in_any_order(self) -> Iterable[str]:
        """Yield every node, with traffic going on before and after each."""
        for node_id in self.rng.sample(list(self.rings), len(self.rings)):
            yield node_id
            self.cluster.network.run_for(self.rng.uniform(0.0, 0.3))

    def step(self, change: Callable[[Ring], Ring]) -> None:
        for node_id in self.in_any_order():
            ring = self.rings[node_id]
            ring.replace(change(ring.ring))

    def unopened(self) -> int:
        """Return how many datagrams no node could open, over the whole run."""
        return sum(
            node.membership.statistics.dropped[reason]
            for node in self.cluster.nodes.values()
            for reason in UNOPENED
        )


@pytest.mark.scenario(98)
def test_a_rotation_under_traffic_drops_nothing_and_raises_no_suspicion(seed: int) -> None:
    keyed = Keyed(seed, 24)
    keyed.cluster.update_metadata(name_of(0), b"something to tell")
    for change in (
        lambda ring: ring.adding(NEW_KEY),
        lambda ring: ring.sealing_with(NEW_KEY),
        lambda ring: ring.removing(GROUP_KEY),
    ):
        keyed.step(change)
        keyed.cluster.network.run_for(1)  # what is under way arrives
    keyed.cluster.network.run_for(5)
    assert {tuple(ring.keys) for ring in keyed.rings.values()} == {(NEW_KEY,)}
    assert keyed.unopened() == 0
    assert suspicions(keyed.cluster) == 0
    assert all_alive_everywhere(keyed.cluster)


def test_a_step_that_is_skipped_is_what_the_steps_are_for(seed: int) -> None:
    keyed = Keyed(seed, 8)
    for node_id in keyed.in_any_order():
        keyed.rings[node_id].replace(Ring((NEW_KEY,)))
    assert keyed.unopened() > 0


def test_a_member_that_was_left_behind_returns_once_it_has_the_ring_of_the_others(seed: int) -> None:
    keyed = Keyed(seed, 8)
    away = name_of(3)
    for node_id, ring in keyed.rings.items():
        if node_id != away:
            ring.replace(Ring((NEW_KEY,), 3))
    keyed.cluster.network.run_for(60)
    assert keyed.cluster.nodes[away].live_ids() == {away}
    keyed.rings[away].replace(Ring((NEW_KEY,), 3))
    node = keyed.cluster.nodes[away]
    node.perform(node.membership.join([address_of(0)], keyed.cluster.network.now))
    keyed.cluster.network.run_until(lambda: all_alive_everywhere(keyed.cluster), within_s=5)


@pytest.mark.scenario(99)
def test_a_cluster_goes_from_plain_to_sealed_node_by_node(seed: int) -> None:
    keyed = Keyed(seed, 9, Encryption.OFF)
    for epoch, encryption in enumerate((Encryption.ACCEPT_PLAIN, Encryption.REQUIRED), start=2):
        for node_id in keyed.in_any_order():
            keyed.add(node_id, encryption, epoch)
            keyed.settle()
    keyed.cluster.network.run_for(5)
    assert keyed.unopened() == 0
    assert suspicions(keyed.cluster) == 0


def test_a_cluster_goes_back_to_plain_by_the_same_steps(seed: int) -> None:
    keyed = Keyed(seed, 5)
    for epoch, encryption in enumerate((Encryption.ACCEPT_PLAIN, Encryption.OFF), start=2):
        for node_id in keyed.in_any_order():
            keyed.add(node_id, encryption, epoch)
            keyed.settle()
    assert keyed.unopened() == 0
