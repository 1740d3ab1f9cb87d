"""Ten thousand nodes in one process: they fit, they cost what a hundred cost, and they see a crash.

    make sim-long

The name keeps it out of `make test`.
"""

from __future__ import annotations

import resource

import pytest

from caxton_node.devkit.simulator.checks import all_views_equal, false_deaths, suspicions
from caxton_node.devkit.simulator.cluster import Cluster, name_of
from swim.events import MemberDied
from tests.support.sim_replay import pytest_runtest_makereport, seed

__all__ = ["pytest_runtest_makereport", "seed"]

NODES = 10_000
MEMORY_MIB_MAX = 2_048
VICTIM = name_of(4_711)


@pytest.mark.story("018")
@pytest.mark.timeout(3_600)
def test_ten_thousand_nodes_fit_cost_little_and_see_a_crash(seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.start_formed(NODES)
    assert all_views_equal(cluster)
    assert cluster.bytes_per_node_second(10) < 200
    assert suspicions(cluster) == 0
    cluster.kill(VICTIM)
    took = cluster.network.run_until(lambda: all_views_equal(cluster), within_s=30, check_every_s=0.5)
    assert took <= 20
    assert false_deaths(cluster) == []
    assert all(len(node.events_about(MemberDied, VICTIM)) == 1 for node in cluster.nodes.values())
    used_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    steps = cluster.network.calls
    print(f"{NODES:,} nodes: a crash was known after {took:.1f} s; {used_mib:,.0f} MiB, {steps:,} steps")
    assert used_mib < MEMORY_MIB_MAX
