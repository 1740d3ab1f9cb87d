"""Our half of the comparison: `python -m tests.bench.swim_real.ours joins|life|loss SCHEDULE`.

Prints one JSON object per measurement, `{"metric": "join_at_once", "values": [1.2]}`, as the Go program of
`tests/bench/peers/memberlist` does.
"""

from __future__ import annotations

import json
import sys
import time

from tests.bench.swim_real.schedule import Schedule
from tests.bench.swim_real.workers import Cluster

QUIET_DATAGRAMS = 2.5
"""Per member and second; a probe and its answer are two."""


def emit(metric: str, *values: float) -> None:
    """Print one measurement."""
    print(json.dumps({"metric": metric, "values": values}), flush=True)


def measure_joins(schedule: Schedule) -> None:
    """Form clusters that end as soon as everybody knows everybody."""
    for _ in range(schedule.join_rounds):
        cluster = Cluster(schedule, schedule.members)
        began = cluster.join_apart(schedule.apart_s)
        emit("join_apart", cluster.until_complete() - began)
        cluster.close()
        cluster = Cluster(schedule, schedule.members)
        began = cluster.join_at_once()
        emit("join_at_once", cluster.until_complete() - began)
        cluster.close()


def measure_life(schedule: Schedule) -> None:
    """Form a cluster, watch it idle, change metadata and lose members."""
    cluster = Cluster(schedule, schedule.members)
    before = cluster.read()
    began = cluster.join_in_turn()
    emit("join_in_turn", cluster.until_complete() - began)
    _until_quiet(cluster, schedule)
    emit("join_bytes", (cluster.read().wire_bytes - before.wire_bytes) / schedule.members)
    _measure_window("quiet", cluster, schedule.window_s)
    for speaker in cluster.node_ids[1 : 1 + schedule.updates]:
        _until_quiet(cluster, schedule)
        times = cluster.update(speaker)
        others = len(cluster.node_ids) - 1
        emit("update_half", _nth(times, others // 2, schedule))
        emit("update_all", _nth(times, others, schedule))
    for victim in cluster.node_ids[1 : 1 + 7 * schedule.kills : 7]:
        _until_quiet(cluster, schedule)
        times = cluster.kill(victim)
        emit("detect_first", _nth(times, 1, schedule))
        emit("detect_all", _nth(times, len(cluster.node_ids), schedule))
    cluster.close()


def measure_loss(schedule: Schedule) -> None:
    """Watch one cluster at each share of loss, with a pause in which it recovers."""
    cluster = Cluster(schedule, schedule.loss_members)
    cluster.join_in_turn()
    for share in schedule.losses:
        cluster.until_complete()
        _until_quiet(cluster, schedule)
        cluster.lose(share)
        _measure_window(f"loss_{100 * share:.0f}", cluster, schedule.loss_window_s)
        cluster.lose(0)
    cluster.close()


def _until_quiet(cluster: Cluster, schedule: Schedule) -> None:
    """Wait until little more than probes and their answers is sent."""
    sent, until = cluster.read().datagrams, time.monotonic() + schedule.wait_s
    while time.monotonic() < until:
        time.sleep(schedule.settle_s)
        before, sent = sent, cluster.read().datagrams
        if sent - before < QUIET_DATAGRAMS * schedule.settle_s * len(cluster.node_ids):
            return


def _measure_window(name: str, cluster: Cluster, window_s: float) -> None:
    cluster.take_false_deaths()
    before = cluster.read()
    time.sleep(window_s)
    after = cluster.read()
    share = len(cluster.node_ids) * (after.at - before.at)
    emit(f"{name}_payload", (after.payload_bytes - before.payload_bytes) / share)
    emit(f"{name}_bytes", (after.wire_bytes - before.wire_bytes) / share)
    emit(f"{name}_datagrams", (after.datagrams - before.datagrams) / share)
    emit(f"{name}_cpu", 100 * (after.cpu_s - before.cpu_s) / share)
    emit(f"{name}_false_deaths", cluster.take_false_deaths())


def _nth(times: list[float], count: int, schedule: Schedule) -> float:
    """Return the seconds until so many had noticed: the whole time waited if they never did."""
    return times[count - 1] if len(times) >= count else schedule.wait_s


def main() -> None:
    """Run from the command line."""
    scenario, text = sys.argv[1:]
    print(json.dumps({"version": "swim"}), flush=True)
    measure = {"joins": measure_joins, "life": measure_life, "loss": measure_loss}[scenario]
    measure(Schedule.load(text))


if __name__ == "__main__":
    main()
