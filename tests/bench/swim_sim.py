"""Measure the membership core in virtual time: traffic, detection, dissemination, loss and reunion.

    .venv/bin/python -m tests.bench.swim_sim --json --quick

Each figure is a median over seeds with the worst as p99; bytes count IP and UDP headers. The core runs
whole, with encoding and encryption, so wall time bounds the size: 100 nodes when quick, 1000 otherwise.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from caxton_node.devkit.simulator.cluster import (
    Cluster,
    all_alive_everywhere,
    all_views_equal,
    false_deaths,
    name_of,
)
from swim.events import MemberDied
from tests.bench.report import Reporter, parse_options

Measurements = Iterator[tuple[str, str, float]]
"""Metric, unit, value."""

VICTIM, SPEAKER = name_of(3), name_of(0)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to run."""

    size: int
    seeds: int
    loss_seeds: int
    heal_seeds: int


QUICK = Plan(size=100, seeds=5, loss_seeds=1, heal_seeds=1)
FULL = Plan(size=1000, seeds=2, loss_seeds=5, heal_seeds=5)
SMALL = 64
LOSS, LOSS_S = 0.3, 120.0
PARTITION_S = 120.0


def measure_life(plan: Plan) -> Measurements:
    """Form a cluster, watch it idle, lose a member, change metadata; yield (metric, unit, value)."""
    for seed in range(plan.seeds):
        cluster = Cluster(seed)
        yield "join_all", "s", cluster.form(plan.size, apart_s=0.003, within_s=120)
        cluster.network.run_until(partial(quiet, cluster), within_s=60, check_every_s=1.0)
        yield "quiet_bytes_per_node", "B/s", cluster.bytes_per_node_second(10)
        killed_at = cluster.network.now
        cluster.kill(VICTIM)
        yield "detect_all", "s", cluster.network.run_until(partial(all_views_equal, cluster), within_s=120)
        yield "detect_first", "s", first_death(cluster) - killed_at
        cluster.update_metadata(SPEAKER, b"changed")
        yield "update_all", "s", cluster.network.run_until(partial(all_know, cluster), within_s=60)


def measure_loss(plan: Plan) -> Measurements:
    """Lose 30 % of all datagrams for two minutes."""
    for seed in range(plan.loss_seeds):
        cluster = Cluster(seed)
        cluster.form(SMALL)
        cluster.network.lose(LOSS)
        yield "loss_bytes_per_node", "B/s", cluster.bytes_per_node_second(LOSS_S)
        yield "false_deaths", "count", len(false_deaths(cluster))


def measure_heal(plan: Plan) -> Measurements:
    """Cut a cluster in half for two minutes, then connect it."""
    for seed in range(plan.heal_seeds):
        cluster = Cluster(seed)
        cluster.form(SMALL)
        ids = list(cluster.nodes)
        cluster.split(ids[: SMALL // 2], ids[SMALL // 2 :])
        cluster.network.run_for(PARTITION_S)
        cluster.network.heal()
        yield "heal", "s", cluster.network.run_until(partial(all_alive_everywhere, cluster), within_s=120)


def quiet(cluster: Cluster) -> bool:
    """Tell whether nobody has anything left to tell."""
    return not any(node.membership.has_rumours for node in cluster.nodes.values())


def first_death(cluster: Cluster) -> float:
    """Return when the first node held the victim for dead."""
    return min(
        happening.at for node in cluster.nodes.values() for happening in node.events_about(MemberDied, VICTIM)
    )


def all_know(cluster: Cluster) -> bool:
    """Tell whether the changed metadata is everywhere."""
    return all(node.find(SPEAKER).metadata == b"changed" for node in cluster.nodes.values())


def run(plan: Plan, reporter: Reporter) -> None:
    """Run all parts and report one line per metric; counts are summed, everything else is a median."""
    parts: list[tuple[Callable[[Plan], Measurements], int]] = [
        (measure_life, plan.size),
        (measure_loss, SMALL),
        (measure_heal, SMALL),
    ]
    for part, size in parts:
        began = time.perf_counter()
        values: dict[tuple[str, str], list[float]] = {}
        for metric, unit, value in part(plan):
            values.setdefault((metric, unit), []).append(value)
        note = f"N={size}; {time.perf_counter() - began:.1f} s of wall time for this part"
        for (metric, unit), measured in values.items():
            middle = statistics.median(measured)
            value = sum(measured) if unit == "count" else middle
            reporter.emit(metric, value, unit, n=len(measured), p50=middle, p99=max(measured), note=note)


def main() -> None:
    """Run from the command line."""
    options = parse_options("swim_sim")
    run(QUICK if options.quick else FULL, Reporter("swim_sim", options))


if __name__ == "__main__":
    main()
