"""A healthy cluster: what it costs, how soon an update is everywhere, how soon a crash is known."""

from __future__ import annotations

from tests.bench.swim_sim.case import Case
from tests.bench.swim_sim.worlds.world import World

SETTLE_S = 3.0
VICTIMS = 3
KNOWN_WITHIN_S = 150.0


def measure_quiet(world: World, case: Case) -> dict[str, list[float]]:
    """Watch a formed cluster in which nothing happens."""
    world.start_formed(case.size)
    world.network.run_for(SETTLE_S)
    return {"quiet_bytes_per_node": [world.bytes_per_node_second(case.seconds)]}


def measure_life(world: World, case: Case) -> dict[str, list[float]]:
    """Watch a cluster idle, then let members change their metadata and others crash, one after the other."""
    measured = measure_quiet(world, case)
    chosen = world.some(2 * VICTIMS)
    for speaker in chosen[::2]:
        _measure_update(world, speaker, measured)
    for victim in chosen[1::2]:
        _measure_crash(world, victim, measured)
    return measured


def _measure_update(world: World, speaker: str, measured: dict[str, list[float]]) -> None:
    others, began = len(world.running) - 1, world.network.now
    world.update(speaker)
    world.wait_until(lambda: len(world.seen.updates[speaker]) >= others, within_s=KNOWN_WITHIN_S)
    learned = sorted(world.seen.updates[speaker].values())
    everybody = len(learned) == others
    measured.setdefault("update_half", []).append(learned[others // 2] - began)
    measured.setdefault("update_all", []).append(learned[-1] - began if everybody else float("inf"))
    world.network.run_for(SETTLE_S)


def _measure_crash(world: World, victim: str, measured: dict[str, list[float]]) -> None:
    began = world.network.now
    world.kill(victim)
    others = len(world.running)
    world.wait_until(lambda: len(world.seen.deaths_of(victim)) >= others, within_s=KNOWN_WITHIN_S)
    known = sorted(world.seen.deaths_of(victim).values())
    everybody = len(known) == others
    measured.setdefault("detect_first", []).append(known[0] - began if known else float("inf"))
    measured.setdefault("detect_all", []).append(known[-1] - began if everybody else float("inf"))
    world.network.run_for(SETTLE_S)
