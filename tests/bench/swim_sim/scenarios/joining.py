"""Many members that start within a moment, all through one seed."""

from __future__ import annotations

from caxton_node.devkit.simulator.cluster import name_of
from tests.bench.swim_sim.case import Case
from tests.bench.swim_sim.worlds.world import World

APART_S = 0.003
"""As fast as a script can start them."""


def measure_burst(world: World, case: Case) -> dict[str, list[float]]:
    """Measure how long after the last start everybody sees everybody, if within `case.seconds`."""
    world.add(name_of(0))
    seed = world.address(name_of(0))
    for number in range(1, case.size):
        world.network.run_for(APART_S)
        world.add(name_of(number), [seed])
    check_every_s = 0.05 if case.size < 500 else 0.25
    return {"join_all": [world.wait_until(world.agrees, within_s=case.seconds, check_every_s=check_every_s)]}
