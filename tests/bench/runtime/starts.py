"""How long it takes until an agent takes messages when its code is at hand: fresh, and from the pool."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import wasmtime

from caxton_node.runtime import CompiledModule, Engine, Limits, Sandbox
from caxton_node.runtime.pool import Pool, PoolSettings
from tests.bench.report import Reporter, percentile
from tests.bench.runtime.workloads import AGENT, introduction
from tests.support.data_plane import Lines
from tests.support.guests import rust, tiny, wat

ALIVE = 50
"""Instances that stay while others start, as on a node."""
WARM, BURST = 64, 24
"""Warm instances, and how many of them are asked for at once."""
SLOW = tiny(
    extra="""(func (export "_initialize") (local $left i32) (local.set $left (i32.const 1000000))
      (loop $more (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))"""
)
ROOMY = Limits(memory_bytes=16 * 1024 * 1024)


@dataclass
class Times:
    """Milliseconds of one kind of start."""

    ms: list[float] = field(default_factory=list)

    def take(self, action: Callable[[], object]) -> None:
        """Time one action."""
        started_at = perf_counter()
        action()
        self.ms.append((perf_counter() - started_at) * 1e3)

    def at(self, share: float) -> float:
        """Return the time below which this share lies."""
        return percentile(sorted(self.ms), share)


class Arrivals:
    """Starts agents and lets the oldest go."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sandboxes: list[Sandbox] = []

    def start(self, module: CompiledModule, limits: Limits) -> None:
        """Start one agent: the whole of what the node does, up to its first message."""
        sandbox = Sandbox(self._engine, module, limits, Lines())
        sandbox.start(introduction(AGENT, {}))
        self._sandboxes.append(sandbox)

    def start_warm(self, pool: Pool, module: CompiledModule, limits: Limits) -> None:
        """Start one agent from a warm instance, as the node does."""
        log = Lines()
        sandbox = pool.take(module, Limits())
        assert sandbox is not None, "the pool was filled"
        sandbox.adopt(limits, log)
        sandbox.start(introduction(AGENT, {}))
        self._sandboxes.append(sandbox)

    def leave(self, count: int) -> None:
        """Close all but so many."""
        while len(self._sandboxes) > count:
            self._sandboxes.pop(0).close()


def instantiate_bare(module: CompiledModule, stores: list[wasmtime.Store]) -> None:
    """Make an instance with wasmtime's public API and call nothing: the floor."""
    store = wasmtime.Store(module.raw)
    store.set_limits(ROOMY.memory_bytes)
    if module.profile.cpu.has_fuel:
        store.set_fuel(2**50)
    if module.profile.cpu.has_deadline:
        store.set_epoch_deadline(1_000_000)
    module.pre.instantiate(store)
    stores.append(store)


def report_fresh(report: Reporter, starts: int) -> None:
    """Print a start with the code at hand."""
    engine = Engine()
    arrivals = Arrivals(engine)
    for metric, source in (("start_fresh", rust("greeter")), ("start_fresh_tiny", wat("echo"))):
        module, ours, bare = engine.compile(source), Times(), Times()
        stores: list[wasmtime.Store] = []
        for _ in range(ALIVE):
            arrivals.start(module, ROOMY)
        gc.collect()
        for _ in range(starts):
            ours.take(lambda module=module: arrivals.start(module, ROOMY))  # type: ignore[misc]
            bare.take(lambda module=module, stores=stores: instantiate_bare(module, stores))  # type: ignore[misc]
            arrivals.leave(ALIVE)
            stores.clear()
        arrivals.leave(0)
        report.emit(
            metric,
            ours.at(0.5),
            "ms",
            baseline=bare.at(0.5),
            n=starts,
            p50=ours.at(0.5),
            p99=ours.at(0.99),
            note=f"module of {len(source) // 1024} KB, its code at hand, up to the end of caxton_init; "
            "baseline: store and instance by wasmtime's public API, nothing called",
        )
    engine.close()


def report_pool(report: Reporter, starts: int) -> None:
    """Print a start that finds a warm instance, against one that does not."""
    engine = Engine()
    for metric, source, what in (
        ("start_pool", rust("greeter"), "greeter, which has nothing to set up"),
        (
            "start_pool_slow",
            SLOW,
            "a guest that sets itself up for milliseconds",
        ),
    ):
        pool = Pool(engine, PoolSettings(WARM, memory_bytes_max=64 * ROOMY.memory_bytes))
        module, arrivals, warm, fresh = engine.compile(source), Arrivals(engine), Times(), Times()
        for _ in range(max(1, starts // BURST)):
            fill(pool, module)
            for _ in range(BURST):
                warm.take(lambda pool=pool, module=module: arrivals.start_warm(pool, module, ROOMY))  # type: ignore[misc]  # noqa: B023  taken at once
            arrivals.leave(0)
        for _ in range(max(BURST, starts // 10)):
            fresh.take(lambda module=module: arrivals.start(module, ROOMY))  # type: ignore[misc]  # noqa: B023  taken at once
            arrivals.leave(0)
        pool.close()
        report.emit(
            metric,
            warm.at(0.5),
            "ms",
            baseline=fresh.at(0.5),
            n=len(warm.ms),
            p50=warm.at(0.5),
            p99=warm.at(0.99),
            note=f"{what}; in bursts of {BURST} while the pool refills; baseline: a fresh start of the same",
        )
    engine.close()


def fill(pool: Pool, module: CompiledModule) -> None:
    """Bring the pool to as many instances as it will keep."""
    while pool.numbers().warm < WARM:
        taken = pool.take(module, Limits())  # demand is what fills a pool
        if taken is not None:
            taken.close()
        pool.tend()


def run(report: Reporter) -> None:
    """Measure and print."""
    report_fresh(report, 500 if report.options.quick else 5_000)
    report_pool(report, 10 * BURST if report.options.quick else 100 * BURST)
