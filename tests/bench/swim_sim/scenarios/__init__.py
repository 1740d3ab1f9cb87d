"""What happens to a cluster, and what is measured of it.

Each scenario is a function of a world and a `Case`; it returns what it measured by name, several values
where it did the same thing several times. It never asks which rules the members follow.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.swim_sim.case import Case
from tests.bench.swim_sim.scenarios.faults import measure_deaf, measure_heal, measure_storm
from tests.bench.swim_sim.scenarios.joining import measure_burst
from tests.bench.swim_sim.scenarios.life import measure_life, measure_quiet
from tests.bench.swim_sim.worlds.world import World

Measured = dict[str, list[float]]

SCENARIOS: dict[str, Callable[[World, Case], Measured]] = {
    "life": measure_life,
    "quiet": measure_quiet,
    "burst": measure_burst,
    "storm": measure_storm,
    "deaf": measure_deaf,
    "heal": measure_heal,
}
