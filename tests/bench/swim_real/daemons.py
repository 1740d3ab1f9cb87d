"""The same questions to whole nodes: real processes, with everything that a node does beside membership.

What a process starts with and how long it takes is told too: at thirty nodes on two cores that is most of the
time. Deaths are taken from what the nodes themselves noted, so that asking them costs nothing.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from caxton_node.client import Client
from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo.nodes import DemoNode, wait_for
from tests.bench.report import Reporter
from tests.bench.swim_real.fleet import Fleet
from tests.support.nodes import ECHO

WINDOW_S = 15.0
WITHIN_S = 60.0
KILLS = 2


def run(count: int, reporter: Reporter) -> None:
    """Start so many nodes and measure them."""
    with Fleet(count) as fleet:
        report = partial(_emit, reporter, count)
        report("daemon_start", [fleet.start(node) for node in fleet.nodes], "s", "process to ready")
        began = time.monotonic()
        fleet.wait_complete(WITHIN_S)
        report("daemon_join", [time.monotonic() - began], "s", "last node ready until all know all")
        _measure_quiet(fleet, report)
        report(
            "daemon_update", [_update(fleet)], "s", "an agent deployed on one node until all nodes list it"
        )
        deaths = [_death(fleet, victim) for victim in fleet.nodes[1 : 1 + KILLS]]
        report("daemon_detect_first", [min(times) for times in deaths], "s", "kill -9 until the first knows")
        report("daemon_detect_all", [max(times) for times in deaths], "s", "kill -9 until the last knows")


def _emit(
    reporter: Reporter, count: int, metric: str, values: Sequence[float], unit: str, meaning: str
) -> None:
    middle = statistics.median(values)
    note = f"{meaning}; {count} processes, profile lan"
    reporter.emit(metric, middle, unit, n=len(values), p50=middle, p99=max(values), note=note)


def _measure_quiet(fleet: Fleet, report: partial[None]) -> None:
    time.sleep(WINDOW_S / 3)  # what the last join set off dies down
    gossip, cpu_s, began = fleet.gossip_bytes(), fleet.cpu_s(), time.monotonic()
    time.sleep(WINDOW_S)
    share = (time.monotonic() - began) * len(fleet.clients)
    report("daemon_gossip", [(fleet.gossip_bytes() - gossip) / share], "B/s", "per node, UDP payload sent")
    report("daemon_cpu", [100 * (fleet.cpu_s() - cpu_s) / share], "% of a core", "per node, idle")
    memory = fleet.resident_bytes() / len(fleet.clients) / 1e6
    report("daemon_memory", [memory], "MB", "per node, resident; shared pages counted in each")


def _update(fleet: Fleet) -> float:
    """Deploy an agent on one node and return how long the last of the others took to list it."""
    origin, *others = fleet.clients.values()
    origin.agents.deploy("echo", ECHO.read_bytes())
    began = time.monotonic()
    for client in others:
        wait_for("the agent", lambda client=client: any(client.agents.list(name="echo")), within_s=WITHIN_S)
    return time.monotonic() - began


def _death(fleet: Fleet, victim: DemoNode) -> list[float]:
    """Kill a node; return after how many seconds each of the others knew, by their own notes."""
    noted: list[int] = []
    watchers = [
        threading.Thread(target=_watch, args=(client, victim.node_id, noted), daemon=True)
        for node_id, client in fleet.clients.items()
        if node_id != victim.node_id
    ]
    for watcher in watchers:
        watcher.start()
    killed_at = fleet.kill(victim)
    for watcher in watchers:
        watcher.join(WITHIN_S)
    return [at_unix_ms / 1000 - killed_at for at_unix_ms in noted]


def _watch(client: Client, node_id: str, noted: list[int]) -> None:
    with suppress(CaxtonError):
        for event in client.cluster.watch():
            if event.change == "died" and event.member.node_id == node_id:
                noted.append(event.at_unix_ms)
                return
