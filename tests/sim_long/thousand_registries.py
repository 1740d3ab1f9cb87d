"""A thousand nodes with ten thousand agents agree within the goal, and a change costs what it costs few.

    make sim-long

The name keeps it out of `make test`, which has the same scenarios with a hundred nodes.
"""

from __future__ import annotations

import resource

import pytest

from tests.support.registry_world import scenarios
from tests.support.registry_world.scenarios import Scenario, measure, settled
from tests.support.sim_replay import pytest_runtest_makereport, seed

__all__ = ["pytest_runtest_makereport", "seed"]

pytestmark = [pytest.mark.story("026"), pytest.mark.timeout(3_600)]

NODES = 1_000
FEWER = 100
GOAL_S = 5.0
DEARER_AT_MOST = 1.8
"""Gossip tells each change ceil(ln(N + 1)) + 7 times, so ten times the nodes cost a fifth more."""
MEMORY_MIB_MAX = 4_096


@pytest.mark.parametrize(
    "scenario",
    [
        scenarios.join_one,
        scenarios.join_ten,
        scenarios.change_entries,
        scenarios.start_many,
        scenarios.replace_nodes,
        scenarios.heal_split,
    ],
)
def test_a_thousand_nodes_agree_within_the_goal_at_a_steady_price(seed: int, scenario: Scenario) -> None:
    with settled(seed, FEWER) as world:
        small = measure(world, scenario)
    with settled(seed, NODES) as world:
        large = measure(world, scenario)
    used_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{scenario.__name__}: {NODES:,} nodes agreed after {large.took_s:.2f} s on {large.changes} changes, "
        f"{large.bytes_per_change:,.0f} bytes per node and change ({FEWER} nodes: {small.took_s:.2f} s, "
        f"{small.bytes_per_change:,.0f}); {used_mib:,.0f} MiB"
    )
    assert large.took_s <= GOAL_S
    assert large.bytes_per_change <= DEARER_AT_MOST * small.bytes_per_change
    assert large.quiet_bytes_per_s <= DEARER_AT_MOST * small.quiet_bytes_per_s
    assert used_mib < MEMORY_MIB_MAX
