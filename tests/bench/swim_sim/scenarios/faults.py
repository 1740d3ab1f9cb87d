"""Clusters in trouble: loss, members that stand still, a deaf one, a partition.

A *false death* is one observer declaring one running member dead. What is said of members that are slow or
deaf themselves is counted apart, for there is no wrong or right about them; so is what they say, who see the
world through their own trouble.
"""

from __future__ import annotations

from collections.abc import Collection

from tests.bench.swim_sim.case import Case
from tests.bench.swim_sim.worlds.world import World

SETTLE_S = 3.0
HEAL_WITHIN_S = 120.0
HOUR_S = 3600.0


def measure_storm(world: World, case: Case) -> dict[str, list[float]]:
    """Lose datagrams, and let a share of the members stand still again and again."""
    world.start_formed(case.size)
    world.network.run_for(SETTLE_S)
    slow = set(world.some(round(case.slow * case.size))) if case.slow else set()
    world.network.lose(case.loss)
    world.network.slow([world.address(node_id) for node_id in sorted(slow)])
    bytes_per_node = world.bytes_per_node_second(case.seconds)
    measured = {"loss_bytes_per_node": [bytes_per_node], "suspicions": [float(world.seen.suspicions)]}
    measured |= _false_deaths(world, slow)
    if slow:
        healthy = set(world.running) - slow
        hours = len(healthy) * case.seconds / HOUR_S
        measured["false_death_percent"] = [100 * measured["false_deaths"][0] / hours]
        measured["slow_declared_dead"] = [float(len({s for _, _, s in world.seen.deaths} & slow))]
    return measured


def measure_deaf(world: World, case: Case) -> dict[str, list[float]]:
    """Let one member hear nothing, while everybody hears it."""
    world.start_formed(case.size)
    world.network.run_for(SETTLE_S)
    deaf = world.some(1)[0]
    others = [world.address(node_id) for node_id in world.running if node_id != deaf]
    world.network.lose_between(others, [world.address(deaf)], 1.0)
    world.network.run_for(case.seconds)
    deaths = _false_deaths(world, {deaf})
    return {"deaf_false_deaths": deaths["false_deaths"]}


def measure_heal(world: World, case: Case) -> dict[str, list[float]]:
    """Cut a cluster in half for `case.seconds`, then connect it again."""
    world.start_formed(case.size)
    world.network.run_for(SETTLE_S)
    ids = world.running
    world.split(ids[: case.size // 2], ids[case.size // 2 :])
    world.network.run_for(case.seconds)
    before = world.bytes_sent()
    died = len(world.seen.deaths)
    world.network.heal()
    took_s = world.wait_until(world.agrees, within_s=HEAL_WITHIN_S)
    return {
        "heal": [took_s],
        "heal_bytes_per_node": [(world.bytes_sent() - before) / case.size],
        "heal_false_deaths": [float(len(world.seen.deaths) - died)],
    }


def _false_deaths(world: World, afflicted: Collection[str]) -> dict[str, list[float]]:
    """Return what the healthy wrongly declared of the healthy."""
    healthy = set(world.running) - set(afflicted)
    return {"false_deaths": [float(world.seen.deaths_seen(by=healthy, of=healthy))]}
