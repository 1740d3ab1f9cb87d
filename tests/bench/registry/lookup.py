"""Looking up an agent by name, in a quiet registry and while changes arrive.

The registry works on the event loop, so a lookup can be late in two ways: by its own work, and because the
loop was busy with a change when it was wanted. The load is open-loop: lookups are due at fixed moments, and
what is late counts from there. `lookup` is the lookup alone, `lookup_waited` from due to done.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.bench.registry.crowd import Crowd, crowd
from tests.bench.report import Reporter, percentile

RATE = 2_000
CHANGES_PER_S = 200
CHANGES_AT_ONCE = 4
DIGESTS_PER_S = 4
SEED = 5


@dataclass
class Times:
    """What was measured, microseconds."""

    own_us: list[float] = field(default_factory=list)
    waited_us: list[float] = field(default_factory=list)


def run(reporter: Reporter) -> None:
    """Look up among 10,000 and 100,000 agents."""
    window_s = 1.5 if reporter.options.quick else 10.0
    for count in (10_000, 100_000):
        asyncio.run(_measure(reporter, count, window_s))


async def _measure(reporter: Reporter, count: int, window_s: float) -> None:
    size = "" if count == 10_000 else f"_{count // 1000}k"
    async with crowd(count) as found:
        gc.collect()
        quiet = await look_up(found, window_s)
        _emit(reporter, f"lookup{size}", quiet.own_us, f"{count:,} agents, nothing changes")
        busy = await look_up(found, window_s, changing=True)
        arriving = f"{count:,} agents, {CHANGES_PER_S} changes/s arrive and are stored"
        _emit(reporter, f"lookup{size}_changing", busy.own_us, arriving)
        _emit_waited(reporter, f"lookup{size}_waited", busy.waited_us, quiet.waited_us, arriving)


def _emit(reporter: Reporter, metric: str, times_us: list[float], note: str) -> None:
    times_us.sort()
    p50, p99 = percentile(times_us, 0.5), percentile(times_us, 0.99)
    reporter.emit(metric, p50, "us", n=len(times_us), p50=p50, p99=p99, note=note)


def _emit_waited(
    reporter: Reporter, metric: str, busy_us: list[float], quiet_us: list[float], note: str
) -> None:
    busy_us.sort()
    quiet_us.sort()
    p50, p99 = percentile(busy_us, 0.5), percentile(busy_us, 0.99)
    note = f"{note}; p99 from due to done at {RATE:,}/s; baseline: nothing changes"
    baseline = percentile(quiet_us, 0.99)
    reporter.emit(metric, p99, "us", baseline=baseline, n=len(busy_us), p50=p50, p99=p99, note=note)


async def look_up(found: Crowd, window_s: float, *, changing: bool = False) -> Times:
    """Look up random agents at a fixed rate; return how long that took and how late it was."""
    times, begun = Times(), time.perf_counter()
    rng = random.Random(SEED)
    changes = asyncio.create_task(_change(found)) if changing else None
    for due in _moments(begun, window_s):
        while time.perf_counter() < due:  # noqa: ASYNC110 - timers of the loop are a millisecond wide
            await asyncio.sleep(0)
        name = rng.choice(found.names)
        began = time.perf_counter()
        records = found.registry.instances(name)
        ended = time.perf_counter()
        assert len(records) == 1
        times.own_us.append((ended - began) * 1e6)
        times.waited_us.append((ended - due) * 1e6)
    if changes is not None:
        changes.cancel()
    return times


def _moments(begun: float, window_s: float) -> Iterator[float]:
    return (begun + number / RATE for number in range(int(window_s * RATE)))


async def _change(found: Crowd) -> None:
    """Let changes and digests of neighbours arrive for ever."""
    rounds = CHANGES_PER_S // CHANGES_AT_ONCE
    number = 0
    while True:
        found.hear_changes(CHANGES_AT_ONCE)
        number += 1
        if number % (rounds // DIGESTS_PER_S) == 0:
            await found.hear_digest()
        await asyncio.sleep(1 / rounds)
