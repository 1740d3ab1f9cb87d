"""How soon all nodes hold the same, in virtual time, and what that costs each; larger clusters, same cost?"""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.bench.report import Reporter
from tests.support.registry_world import scenarios
from tests.support.registry_world.scenarios import Measured, Scenario, measure, settled

SCENARIOS: dict[str, Scenario] = {
    "converge_join": scenarios.join_one,
    "converge_join_ten": scenarios.join_ten,
    "converge_churn": scenarios.change_entries,
    "converge_burst": scenarios.start_many,
    "converge_replaced": scenarios.replace_nodes,
    "converge_heal": scenarios.heal_split,
}
FULL = 1_000
SMALLER = (100, 300)
QUICK = 100
SEED = 1


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario in one size."""

    measured: Measured
    cpu_s: float


def run(reporter: Reporter) -> None:
    """Run each scenario in the full size, and in smaller ones to see what size does to its cost."""
    sizes = (QUICK,) if reporter.options.quick else (*SMALLER, FULL)
    for metric, scenario in SCENARIOS.items():
        for nodes in sizes:
            name = metric if nodes == sizes[-1] else f"{metric}_{nodes}"
            _emit(reporter, name, nodes, run_one(scenario, nodes))


def run_one(scenario: Scenario, nodes: int, seed: int = SEED) -> Run:
    """Run a scenario in a cluster of so many nodes."""
    began = time.process_time()
    with settled(seed, nodes) as world:
        measured = measure(world, scenario)
    return Run(measured, time.process_time() - began)


def _emit(reporter: Reporter, metric: str, nodes: int, done: Run) -> None:
    measured = done.measured
    reporter.emit(
        metric,
        measured.took_s,
        "s",
        nodes=nodes,
        agents=nodes * scenarios.AGENTS_PER_NODE,
        changes=measured.changes,
        bytes_per_node_per_change=measured.bytes_per_change,
        quiet_bytes_per_s=measured.quiet_bytes_per_s,
        note=f"virtual time, {nodes:,} nodes, {measured.changes} changes, "
        f"{measured.bytes_per_change:,.0f} bytes per node and change; {done.cpu_s:.0f} s of CPU",
    )
