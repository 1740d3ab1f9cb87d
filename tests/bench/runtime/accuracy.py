"""How far from its limit a guest is stopped, |enforced - limit| / limit, by what the guest has counted.

memory   grows page by page until it is refused
fuel     counts turns of a loop whose price is known
time     counts nothing; the clock says when it was stopped
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from
from time import perf_counter, sleep
from typing import Any

from caxton_node.runtime import Engine, Limits, Sandbox, TrapKind
from caxton_node.runtime.limits import PAGE_BYTES
from caxton_node.runtime.profile import Cpu, Profile
from tests.bench.report import Reporter, percentile
from tests.bench.runtime.workloads import AGENT, introduction, start
from tests.support.data_plane import Lines
from tests.support.guests import request, tiny

COUNT_AT = 512
MIB = 1024 * 1024
MEMORY_LIMITS = (PAGE_BYTES, MIB, 4 * MIB, 10 * MIB + 10_000)
FUEL_LIMITS = (1_000, 10_000, 1_000_000, 10_000_000, 100_000_000)
TIME_LIMITS_S = (0.1, 0.5, 1.0)

GROW = """(loop $more
    (i32.store (i32.const 512) (memory.size))
    (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
  (call $handled (i32.const 1)) (i32.const 0)"""
TURN_FUEL = 7
"""What wasmtime charges for a turn of this loop: one for each instruction, nothing for `loop` itself."""
COUNT = """(loop $more
    (i32.store (i32.const 512) (i32.add (i32.load (i32.const 512)) (i32.const 1)))
    (br $more))
  (i32.const 0)"""
CALLS_AT_A_TIME = 500
CALL = f"""(local $left i32) (local.set $left (i32.const {CALLS_AT_A_TIME}))
  (loop $more
    (drop (call $now))
    (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
  (call $handled (i32.const 1)) (i32.const 0)"""
NOW = '(import "caxton" "now_ns" (func $now (result i64)))'
CALLS_PER_S = 20_000
CALL_AND_COUNT = """(loop $more
    (i32.store (i32.const 512) (i32.add (i32.load (i32.const 512)) (i32.const 1)))
    (drop (call $now))
    (br $more))
  (i32.const 0)"""
SAY = """(call $log (i32.const 1) (i32.const 512) (i32.const 5))
  (call $handled (i32.const 1)) (i32.const 0)"""
LOG = '(import "caxton" "log" (func $log (param i32 i32 i32)))'
LINES_PER_S = 100
SPIN = "(loop $again (br $again)) (i32.const 0)"


@dataclass
class Errors:
    """Relative errors, and where the worst one was."""

    found: list[tuple[float, str]]

    def report(self, report: Reporter, metric: str, note: str) -> None:
        """Print the worst error as value."""
        values = sorted(error for error, _ in self.found)
        worst, where = max(self.found)
        report.emit(
            metric, worst, "ratio", n=len(values), p50=percentile(values, 0.5), worst=where, note=note
        )


def read_count(sandbox: Sandbox) -> int:
    """Return what the guest has counted; also after a trap."""
    memory = sandbox._memory
    assert memory is not None
    return int(unpack_from("<I", memory.refresh(), COUNT_AT)[0])


def measure_memory(engine: Engine) -> Errors:
    """Let a guest grow until it is refused."""
    module = engine.compile(tiny(handle=GROW))
    found = []
    for limit in MEMORY_LIMITS:
        sandbox = start(engine, module, limits=Limits(memory_bytes=limit, wall_time_s=60))
        outcome = sandbox.handle([request("grow")])
        assert outcome.trap is None, outcome.trap
        enforced = read_count(sandbox) * PAGE_BYTES
        assert enforced == sandbox.memory_bytes, "the guest and the host disagree about its size"
        assert enforced <= limit
        found.append(((limit - enforced) / limit, f"{enforced:,} of {limit:,} bytes"))
        sandbox.close()
    return Errors(found)


def measure_fuel(engine: Engine) -> Errors:
    """Let a guest count until its fuel is gone."""
    module = engine.compile(tiny(handle=COUNT), Profile(cpu=Cpu.METERED))
    found = []
    for limit in FUEL_LIMITS:
        sandbox = start(engine, module, limits=Limits(fuel_per_message=limit, batch_max=1))
        outcome = sandbox.handle([request("count")])
        assert outcome.trap, "nothing stopped it"
        assert outcome.trap.kind is TrapKind.FUEL, outcome.trap
        enforced = read_count(sandbox) * TURN_FUEL
        found.append((abs(enforced - limit) / limit, f"{enforced:,} of {limit:,} units"))
        sandbox.close()
    return Errors(found)


def measure_time(engine: Engine, limit_s: float, runs: int) -> list[float]:
    """Let a guest spin until the clock stops it; return the errors, sorted."""
    module = engine.compile(tiny(handle=SPIN), Profile(cpu=Cpu.DEADLINE))
    found = []
    for _ in range(runs):
        sandbox = start(engine, module, limits=Limits(wall_time_s=limit_s, batch_max=1))
        frame = request("spin")
        started_at = perf_counter()
        outcome = sandbox.handle([frame])
        spent_s = perf_counter() - started_at
        assert outcome.trap, "nothing stopped it"
        assert outcome.trap.kind is TrapKind.TIME, outcome.trap
        found.append(abs(spent_s - limit_s) / limit_s)
        sandbox.close()
    return sorted(found)


def report_time(report: Reporter, engine: Engine, seconds: float) -> None:
    """Print how late a spinning guest is stopped."""
    errors = {limit_s: measure_time(engine, limit_s, round(seconds / limit_s)) for limit_s in TIME_LIMITS_S}
    halves = {f"p50_{limit_s * 1000:g}ms": percentile(found, 0.5) for limit_s, found in errors.items()}
    worst = {f"worst_{limit_s * 1000:g}ms": found[-1] for limit_s, found in errors.items()}
    more: dict[str, Any] = halves | worst
    report.emit(
        "limit_accuracy_time",
        max(halves.values()),
        "ratio",
        n=sum(map(len, errors.values())),
        **more,
        note="median at the limit where it is largest; a spinning guest, stopped by its deadline",
    )


def measure_host_calls(engine: Engine) -> Errors:
    """Let one message call its host until it is stopped."""
    module = engine.compile(tiny(handle=CALL_AND_COUNT, imports=NOW))
    found = []
    for limit in (100, 10_000):
        sandbox = start(engine, module, limits=Limits(host_calls_per_s=limit, batch_max=1))
        outcome = sandbox.handle([request("call")])
        assert outcome.trap, "nothing stopped it"
        assert outcome.trap.kind is TrapKind.HOST_CALLS, outcome.trap
        enforced = read_count(sandbox) - 1  # the last one was counted by the guest and refused by the host
        found.append((abs(enforced - limit) / limit, f"{enforced:,} of {limit:,} calls"))
        sandbox.close()
    return Errors(found)


def measure_call_rate(engine: Engine, seconds: float) -> Errors:
    """Call the host as often as the rate allows; a second's worth is free as a burst."""
    module = engine.compile(tiny(handle=CALL, imports=NOW))
    sandbox = start(engine, module, limits=Limits(host_calls_per_s=CALLS_PER_S))
    calls, started_at = 0, perf_counter()
    while perf_counter() - started_at < seconds:
        outcome = sandbox.handle([request("call")])
        assert outcome.trap is None, outcome.trap
        calls += CALLS_AT_A_TIME
        sleep(outcome.rest_s)
    rate = (calls - CALLS_PER_S) / (perf_counter() - started_at)
    sandbox.close()
    return Errors([(abs(rate - CALLS_PER_S) / CALLS_PER_S, f"{rate:,.0f} of {CALLS_PER_S:,} calls/s")])


def measure_log_rate(engine: Engine, seconds: float) -> Errors:
    """Log as fast as a guest can; two seconds' worth is free as a burst."""
    lines = Lines()
    limits = Limits(log_lines_per_s=LINES_PER_S, host_calls_per_s=10_000_000)
    sandbox = Sandbox(engine, engine.compile(tiny(handle=SAY, imports=LOG)), limits, lines)
    sandbox.start(introduction(AGENT, {}))
    frame, started_at = request("say"), perf_counter()
    while perf_counter() - started_at < seconds:
        outcome = sandbox.handle([frame])
        assert outcome.trap is None, outcome.trap
    spent_s = perf_counter() - started_at
    written = sum("dropped" not in line for line in lines) - 2 * LINES_PER_S
    sandbox.close()
    rate = written / spent_s
    where = f"{rate:,.1f} of {LINES_PER_S} lines/s, and {len(lines) - written - 200} notes of lines dropped"
    return Errors([(abs(rate - LINES_PER_S) / LINES_PER_S, where)])


def run(report: Reporter) -> None:
    """Measure and print."""
    engine = Engine()
    measure_memory(engine).report(report, "limit_accuracy_memory", "worst of limits from 64 KiB to 10 MiB")
    measure_fuel(engine).report(report, "limit_accuracy_fuel", "worst of limits from 1,000 to 100,000,000")
    measure_host_calls(engine).report(report, "limit_accuracy_host_calls", "one message, stopped by a trap")
    quick = report.options.quick
    seconds = 2.0 if quick else 10.0
    measure_call_rate(engine, seconds).report(report, "limit_accuracy_host_call_rate", "by resting")
    measure_log_rate(engine, seconds).report(report, "limit_accuracy_log_rate", "by dropping lines")
    report_time(report, engine, 1.0 if quick else 10.0)
    engine.close()
