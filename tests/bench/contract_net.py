"""A task from the order to the durable result: with 100 contractors, and with 500.

Everything is real but the network: compiled contractors in sandboxes, the router with its protocols enforced,
the registry in which they are found, SQLite on this disk. A task is a call to everybody, their bids, a choice
by price, one acceptance and its result, the rejection of all others, and three durable writes.

    .venv/bin/python -m tests.bench.contract_net [--json] [--quick]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from caxton_node.agents.manifest import Manifest
from caxton_node.core.clock import SystemClock
from caxton_node.runtime import Limits
from caxton_node.runtime.scheduler import SWITCH_INTERVAL_S
from caxton_node.tasks import Order, Record, TaskService, TaskStore
from tests.bench.report import Reporter, parse_options, percentile
from tests.support.agents import House, open_house
from tests.support.data_plane import until
from tests.support.guests import rust

SMALL, LARGE = 100, 500
ROUNDS, ROUNDS_QUICK = 400, 60
LARGE_ROUNDS, LARGE_ROUNDS_QUICK = 40, 5
GOAL_MS = 250.0
TRADE = "masonry"
TASK = b'{"task": "a wall of two metres"}'
LIMITS = Limits(memory_bytes=2 * 2**20)


async def hire(house: House, names: Sequence[str]) -> None:
    """Start contractors with different prices and wait until the directory knows them all."""
    module, before = rust("contractor"), len(house.registry.find_capability(TRADE))
    for name in names:
        config = {"capability": TRADE, "price": 1_000 - int(name[1:])}
        await house.service.deploy(Manifest(f"default/{name}", config=config, limits=LIMITS), module)
    await until(lambda: len(house.registry.find_capability(TRADE)) == before + len(names), within_s=60)


async def run_task(tasks: TaskService, participants: int) -> tuple[float, Record]:
    """Run one task; return its time in ms and its record."""
    order = Order(content=TASK, capability=TRADE, prefer=("min:price",), participants_max=participants)
    started_at = time.perf_counter()
    begun = await tasks.run(order)
    record = await tasks.get(begun.id, seen=2**62, wait_s=60)
    took_ms = (time.perf_counter() - started_at) * 1_000
    assert (record.outcome, len(record.bids)) == ("done", participants), record.detail
    return took_ms, record


async def measure(tasks: TaskService, house: House, participants: int, rounds: int) -> list[float]:
    """Run tasks one after the other; return their times in ms, sorted."""
    for _ in range(3):  # code and caches are warm in a node that works
        await run_task(tasks, participants)
    times = []
    for _ in range(rounds):
        took_ms, _record = await run_task(tasks, participants)
        times.append(took_ms)
        await until(lambda: house.router.counts().in_flight == 0)  # the losers are told behind the result
    return sorted(times)


async def main() -> None:
    """Run everything and print it."""
    options = parse_options("contract_net")
    report = Reporter("contract_net", options)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with tempfile.TemporaryDirectory() as folder:
        async with open_house(Path(folder), agents_max=LARGE) as house:
            store = TaskStore(house.database, 100)
            tasks = TaskService(
                office=house.router,
                registry=house.registry,
                store=store,
                board=house.board,
                clock=SystemClock(),
            )
            await tasks.open()
            await hire(house, [f"m{number}" for number in range(SMALL)])
            small = await measure(tasks, house, SMALL, ROUNDS_QUICK if options.quick else ROUNDS)
            emit(report, "round_100", small, f"100 contractors; the goal is a p99 under {GOAL_MS:g} ms")
            await hire(house, [f"m{number}" for number in range(SMALL, LARGE)])
            large = await measure(tasks, house, LARGE, LARGE_ROUNDS_QUICK if options.quick else LARGE_ROUNDS)
            emit(report, "round_500", large, "500 contractors, all of whom bid")
            await tasks.close()


def emit(report: Reporter, metric: str, times_ms: Sequence[float], note: str) -> None:
    """Print the times of one size."""
    p50, p99 = percentile(times_ms, 0.5), percentile(times_ms, 0.99)
    report.emit(metric, p99, "ms", n=len(times_ms), p50=p50, p99=p99, note=note)


if __name__ == "__main__":
    asyncio.run(main())
