"""What the host adds to a guest: calls, and the ways of metering. `hop.py` has the three levels.

Every block of one engine is followed by the same block of the next one, so all meet the same machine. The
figure is the best block of each; the median over the rounds is given beside it.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import thread_time
from typing import Any

from caxton_node.runtime import Engine, Sandbox
from tests.bench.report import Reporter
from tests.bench.runtime.engines import DEFAULT, MODES, PROFILES
from tests.bench.runtime.hop import BATCHES, BLOCK, LEVELS, PLENTY, Hop
from tests.bench.runtime.workloads import MIX, RELAY, Workload, start
from tests.support.guests import tiny

TURNS = 200_000
LOOPS = {
    "arithmetic": """(loop $next
        (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (local.get $left)))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))""",
    "copy": """(loop $next
        (i32.store8 (i32.and (local.get $left) (i32.const 4095))
          (i32.load8_u offset=8192 (i32.and (local.get $left) (i32.const 4095))))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))""",
    "calls": """(loop $next
        (local.set $sum (call $mix (local.get $sum) (local.get $left)))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))""",
}
_MIX = """(func $mix (param i32 i32) (result i32)
    (if (result i32) (i32.and (local.get 0) (i32.const 1))
      (then (i32.sub (local.get 0) (local.get 1))) (else (i32.add (local.get 0) (local.get 1)))))"""


Key = tuple[str, int, str, str]
"""Level, batch, workload, mode."""


@dataclass
class Blocks:
    """Seconds per message of every block."""

    seen: dict[Key, list[float]] = field(default_factory=dict)

    def add(self, key: Key, seconds: float) -> None:
        self.seen.setdefault(key, []).append(seconds)

    def best(self, level: str, batch: int, mode: str, *workloads: Workload) -> float:
        """Return the best blocks of these workloads, added up."""
        return sum(min(self.seen[level, batch, workload.name, mode]) for workload in workloads)

    def ratio(self, level: str, batch: int, mode: str, *workloads: Workload) -> float:
        """Return how much dearer a mode is than no metering."""
        return self.best(level, batch, mode, *workloads) / self.best(level, batch, "unmetered", *workloads)

    def median_ratio(self, level: str, batch: int, mode: str, *workloads: Workload) -> float:
        """Return the same as median over the rounds, each compared with itself."""
        ours = zip(*(self.seen[level, batch, workload.name, mode] for workload in workloads), strict=True)
        bare = zip(
            *(self.seen[level, batch, workload.name, "unmetered"] for workload in workloads), strict=True
        )
        return float(median(sum(one) / sum(other) for one, other in zip(ours, bare, strict=True)))


@contextmanager
def hops(engine: Engine) -> Iterator[list[tuple[Workload, dict[str, Hop]]]]:
    """Start every workload on every kind of engine."""
    loop = asyncio.new_event_loop()
    made = [(workload, {mode: Hop(engine, workload, mode, loop) for mode in PROFILES}) for workload in MIX]
    try:
        yield made
    finally:
        for _, by_mode in made:
            for hop in by_mode.values():
                hop.sandbox.close()
        loop.close()


def measure(rounds: int) -> Blocks:
    """Measure the mix on every level, with every way of metering by turns."""
    engine, blocks = Engine(), Blocks()
    with hops(engine) as made:
        for number in range(-1, rounds):  # round -1 warms up
            gc.collect()
            modes = list(PROFILES) if number % 2 else list(reversed(PROFILES))
            for workload, by_mode in made:
                for batch in BATCHES:
                    for level in LEVELS:
                        for mode in modes:
                            seconds = getattr(by_mode[mode], level)(BLOCK[batch], batch)
                            if number >= 0:
                                blocks.add((level, batch, workload.name, mode), seconds)
    engine.close()
    return blocks


def measure_loops(rounds: int) -> dict[str, dict[str, float]]:
    """Return seconds of each loop by mode: what metering costs where nothing else happens."""
    engine = Engine()
    found: dict[str, dict[str, float]] = {}
    for name, code in LOOPS.items():
        handle = (
            f"(local $sum i32) (local $left i32) (local.set $left (i32.const {TURNS})) {code} (i32.const 0)"
        )
        guests = {
            mode: start(engine, tiny(handle=handle, extra=_MIX), profile=profile)
            for mode, profile in PROFILES.items()
        }
        seen: dict[str, list[float]] = {mode: [] for mode in PROFILES}
        for _ in range(rounds):
            for mode, sandbox in guests.items():
                seen[mode].append(_time_call(sandbox))
        found[name] = {mode: min(times) for mode, times in seen.items()}
        for sandbox in guests.values():
            sandbox.close()
    engine.close()
    return found


def _time_call(sandbox: Sandbox) -> float:
    sandbox._guest.refill(*PLENTY)
    started_at = thread_time()
    assert sandbox._handle(0) == 0
    return thread_time() - started_at


def report_calls(report: Reporter, blocks: Blocks, rounds: int) -> None:
    """Print what a message costs the host, alone and in company."""
    bare_us = blocks.best("guest", 64, DEFAULT, RELAY) * 1e6
    for metric, batch in (("call_overhead_single", 1), ("call_overhead_batched", 64)):
        report.emit(
            metric,
            blocks.best("handle", batch, DEFAULT, RELAY) * 1e6,
            "us",
            baseline=bare_us,
            n=BLOCK[batch] * rounds,
            guest_us=blocks.best("guest", batch, DEFAULT, RELAY) * 1e6,
            node_us=blocks.best("node", batch, DEFAULT, RELAY) * 1e6,
            note=f"Sandbox.handle of relay, cpu {DEFAULT}; baseline: bare call of it with 64 at a time",
        )


def report_metering(report: Reporter, blocks: Blocks, rounds: int) -> None:
    """Print what metering costs: for the mix, alone and in company, and for each of its parts."""

    def emit(metric: str, batch: int, *workloads: Workload) -> None:
        ratios: dict[str, Any] = {
            f"{level}_{mode}": blocks.ratio(level, batch, mode, *workloads)
            for level in LEVELS
            for mode in MODES
        }
        report.emit(
            metric,
            blocks.ratio("node", batch, DEFAULT, *workloads),
            "ratio",
            n=BLOCK[batch] * rounds * len(workloads),
            p50=blocks.median_ratio("node", batch, DEFAULT, *workloads),
            mode=DEFAULT,
            node_us=blocks.best("node", batch, DEFAULT, *workloads) / len(workloads) * 1e6,
            **ratios,
            note=f"hop with batch {batch}, against an engine without fuel and epochs; best of {rounds}",
        )

    emit("fuel_overhead_mix", 64, *MIX)
    emit("fuel_overhead_mix_single", 1, *MIX)
    for workload in MIX:
        emit(f"fuel_overhead_{workload.name}", 64, workload)


def report_loops(report: Reporter, rounds: int) -> None:
    """Print what metering costs a tight loop."""
    loops = measure_loops(rounds)
    ratio: Callable[[str, str], float] = lambda name, mode: loops[name][mode] / loops[name]["unmetered"]  # noqa: E731
    ratios: dict[str, Any] = {f"{name}_{mode}": ratio(name, mode) for name in loops for mode in MODES}
    report.emit(
        "fuel_overhead_loop",
        max(ratio(name, DEFAULT) for name in loops),
        "ratio",
        n=TURNS * rounds,
        mode=DEFAULT,
        **ratios,
        note=f"the worst of {', '.join(loops)}; best of {rounds} rounds",
    )


def run(report: Reporter) -> None:
    """Measure and print."""
    rounds = 8 if report.options.quick else 60
    blocks = measure(rounds)
    report_calls(report, blocks, rounds)
    report_metering(report, blocks, rounds)
    report_loops(report, 40)
