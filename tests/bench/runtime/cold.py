"""How long a start takes that begins with a module of 1 MiB, and what compiles it.

    start_cold          by the child compiler, as on a node
    start_cold_local    in this process
    start_cold_data     by the child compiler, with little code and much data
    start_cold_cached   by a node that has started again: its machine code lies on disk

Compiling takes all cores it can get, so on a machine with neighbours the processor time says more than the
clock: `cpu_ms` is that of this process and the compiler's.
"""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from caxton_node.runtime import CompiledModule, Engine, EngineSettings
from caxton_node.runtime.code_cache import CodeCache
from caxton_node.runtime.compiler import ChildCompiler
from caxton_node.runtime.engine import LocalCompiler
from tests.bench.report import Reporter
from tests.bench.runtime import module_code
from tests.bench.runtime.starts import ROOMY, Arrivals, Times
from tests.support.guests import wat

SEED = 20
MIB = 1024 * 1024
LITTLE = 48 * 1024
SETTINGS = EngineSettings()


@dataclass
class Colds:
    """Starts of one kind, in milliseconds."""

    compiling: Times = field(default_factory=Times)
    starting: Times = field(default_factory=Times)
    cpu_ms: float = 0.0

    def take(self, engine: Engine, module: bytes) -> None:
        """Compile and start a module."""
        found: list[CompiledModule] = []
        arrivals = Arrivals(engine)
        self.compiling.take(lambda: found.append(engine.compile(module)))
        self.starting.take(lambda: arrivals.start(found[0], ROOMY))
        arrivals.leave(0)

    def report(self, report: Reporter, metric: str, note: str) -> None:
        """Print them."""
        both = zip(self.compiling.ms, self.starting.ms, strict=True)
        totals = Times([compiling + starting for compiling, starting in both])
        report.emit(
            metric,
            totals.at(0.5),
            "ms",
            n=len(totals.ms),
            p50=totals.at(0.5),
            p99=totals.at(0.99),
            best_ms=min(totals.ms),
            start_ms=self.starting.at(0.5),
            cpu_ms=self.cpu_ms / len(totals.ms),
            note=note,
        )


def cpu_ms() -> float:
    """Return processor time of this process and of the children that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return 1e3 * sum(usage.ru_utime + usage.ru_stime for usage in usages)


@contextmanager
def charged(colds: Colds) -> Iterator[None]:
    """Charge the processor time of a block, with the children that end in it."""
    before_ms = cpu_ms()
    yield
    colds.cpu_ms = cpu_ms() - before_ms


def by_child(module: bytes, starts: int) -> Colds:
    """Start modules that nobody has seen, compiled as on a node."""
    colds = Colds()
    with charged(colds):
        compiler = ChildCompiler(SETTINGS)
        engine = Engine(SETTINGS, compiler=compiler)
        engine.compile(wat("echo"))  # the compiler's server is there already
        for number in range(starts):
            colds.take(engine, module_code.mark(module, number))
        engine.close()
        compiler.close()
    return colds


def in_process(module: bytes, starts: int) -> Colds:
    """Start modules that nobody has seen, compiled here."""
    colds = Colds()
    engine = Engine(SETTINGS, compiler=LocalCompiler(SETTINGS))
    engine.compile(wat("echo"))
    with charged(colds):
        for number in range(starts):
            colds.take(engine, module_code.mark(module, number))
    engine.close()
    return colds


def from_disk(module: bytes, starts: int) -> Colds:
    """Start a module whose machine code an earlier engine has left on disk."""
    colds = Colds()
    with tempfile.TemporaryDirectory() as directory:
        cache = CodeCache(Path(directory), SETTINGS)
        first = Engine(SETTINGS, codes=cache)
        first.compile(module)
        first.close()
        with charged(colds):
            for _ in range(starts):
                engine = Engine(SETTINGS, codes=CodeCache(Path(directory), SETTINGS))
                engine.compile(wat("echo"))
                colds.take(engine, module)
                engine.close()
        assert cache.counts.failed == 0, cache.counts
    return colds


def run(report: Reporter) -> None:
    """Measure and print."""
    quick = report.options.quick
    code = module_code.build(SEED, MIB)
    data = module_code.build(SEED, LITTLE, MIB - LITTLE)
    size = f"{len(code):,} bytes, 3,000 functions"
    by_child(code, 1 if quick else 15).report(report, "start_cold", f"child compiler: {size}")
    if not quick:
        in_process(code, 15).report(report, "start_cold_local", f"in this process: {size}")
    by_child(data, 2 if quick else 30).report(
        report, "start_cold_data", f"child compiler: {len(data):,} bytes, {LITTLE // 1024} KB of it code"
    )
    from_disk(code, 5 if quick else 50).report(report, "start_cold_cached", f"code cache on disk: {size}")
