"""Registries of many nodes in virtual time: they agree, soon, on the right versions, and at a steady price.

The world (`tests/support/registry_world`) has the real replicas, comparisons, neighbours and queues of
broadcasts, on links with delay and loss. A thousand nodes with ten thousand agents: `make sim-long`.
"""

from __future__ import annotations

import random

import pytest

from caxton_node.registry.background import Settings
from caxton_node.registry.entry import Id
from caxton_node.registry.replica import Replica
from tests.support.registry_world import scenarios
from tests.support.registry_world.links import LAN, WAN, Terrain
from tests.support.registry_world.scenarios import Scenario, measure, settled
from tests.support.registry_world.world import World

pytestmark = pytest.mark.story("026")

ALL: list[Scenario] = [
    scenarios.join_one,
    scenarios.join_ten,
    scenarios.change_entries,
    scenarios.start_many,
    scenarios.replace_nodes,
    scenarios.heal_split,
]
GOAL_S = 5.0
FLOOR_S = 30.0
LOSSY = Terrain(loss=0.3)
SILENT = Settings(gossip_bytes_max=900, spread_delay_s=3600.0)
"""Nothing is spread: nodes learn of changes by comparing alone."""


def churn(world: World, writes: int) -> None:
    """Let random nodes write, change and delete entries of their own and of a shared kind."""
    for _ in range(writes):
        node = world.rng.choice(list(world.nodes))
        kind = world.rng.choice(["instance", "route"])
        key = f"k{world.rng.randrange(20)}" + (f"@{node}" if kind == "instance" else "")
        if world.rng.random() < 0.3:
            world.delete(node, kind, key)
        else:
            world.put(node, kind, key, world.rng.randbytes(8))


def world_of(seed: int, count: int, terrain: Terrain = LAN, settings: Settings | None = None) -> World:
    """Return a world that holds nothing yet."""
    return World(random.Random(seed), count, terrain=terrain, settings=settings)


@pytest.mark.parametrize("scenario", ALL)
def test_a_hundred_nodes_with_a_thousand_agents_agree_within_the_goal(seed: int, scenario: Scenario) -> None:
    with settled(seed, 100) as world:
        measured = measure(world, scenario)
    assert measured.took_s <= GOAL_S
    assert measured.quiet_bytes_per_s < 100
    assert measured.bytes_per_change < 8_000


@pytest.mark.parametrize("scenario", [scenarios.change_entries, scenarios.heal_split])
def test_three_sites_far_apart_agree_within_the_floor(seed: int, scenario: Scenario) -> None:
    with settled(seed, 30, terrain=WAN) as world:
        assert measure(world, scenario).took_s <= FLOOR_S


def test_a_change_costs_a_node_much_the_same_in_a_cluster_four_times_as_large(seed: int) -> None:
    costs = []
    for count in (25, 100):
        with settled(seed, count) as world:
            costs.append(measure(world, scenarios.change_entries).bytes_per_change)
    assert costs[1] < 1.5 * costs[0]


@pytest.mark.parametrize("terrain", [LAN, LOSSY])
def test_churn_agrees_with_and_without_loss(seed: int, terrain: Terrain) -> None:
    with world_of(seed, 30, terrain) as world:
        for _ in range(10):
            churn(world, 40)
            world.run_for(2)
        world.time_to_agree(FLOOR_S)


def test_comparing_alone_is_enough(seed: int) -> None:
    with world_of(seed, 30, settings=SILENT) as world:
        churn(world, 200)
        world.time_to_agree(FLOOR_S)
        assert world.links.gossip_bytes.total() == 0


def test_sides_of_a_split_agree_each_and_together_after_it(seed: int) -> None:
    with world_of(seed, 24, Terrain(loss=0.1)) as world:
        churn(world, 200)
        world.time_to_agree(FLOOR_S)
        world.split(sides=3)
        for _ in range(10):
            churn(world, 60)
            world.run_for(4)
        assert not world.agree()
        world.heal()
        world.time_to_agree(FLOOR_S)
        assert sum(node.replica.conflicts for node in world.nodes.values()) > 0


def test_owned_entries_are_everywhere_as_their_owners_have_them(seed: int) -> None:
    with world_of(seed, 16, Terrain(loss=0.2)) as world:
        for _ in range(5):
            churn(world, 50)
            world.split()
            world.run_for(2)
            world.heal()
        world.time_to_agree(FLOOR_S)
        for owner in world.nodes.values():
            own = {entry.id: entry.value for entry in owner.replica.own_entries()}
            assert all(_owned_by(owner.node_id, node.replica) == own for node in world.nodes.values())


def _owned_by(owner: str, replica: Replica) -> dict[Id, bytes]:
    entries = replica.entries("instance")
    return {entry.id: entry.value for entry in entries if entry.key.endswith(f"@{owner}")}


def test_a_node_that_lost_everything_is_filled_and_its_ghosts_are_laid(seed: int) -> None:
    with world_of(seed, 12) as world:
        churn(world, 300)
        world.time_to_agree(FLOOR_S)
        world.replace("node-3")
        world.newest = {key: entry for key, entry in world.newest.items() if entry.origin != "node-3"}
        world.time_to_agree(FLOOR_S)
        one, other = world.nodes["node-0"].replica, world.nodes["node-3"].replica
        assert [entry for entry in one.entries("instance") if entry.origin == "node-3"] == []
        assert len(other) == len(one) > 50
