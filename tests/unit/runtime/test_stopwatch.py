"""Single messages are judged inside of one guest call."""

from __future__ import annotations

import pytest

from caxton_node.runtime import Cpu, Engine, Limits, Profile, TrapKind
from caxton_node.runtime.violations import Bound
from tests.support.guests import faulty, request, start, tiny

pytestmark = pytest.mark.story("016")
LONG = Limits(fuel_per_message=2**50, wall_time_s=0.2)
# Takes about 30 ms for each message by looking at the clock, and counts them.
SLOW = tiny(
    imports='(import "caxton" "now_ns" (func $now (result i64)))',
    handle="""(local $at i32) (local $n i32) (local $until i64)
      (local.set $at (i32.const 1024))
      (loop $next
        (local.set $until (i64.add (call $now) (i64.const 30000000)))
        (loop $wait (br_if $wait (i64.lt_s (call $now) (local.get $until))))
        (local.set $at (i32.add (local.get $at) (i32.add (i32.const 4) (i32.load (local.get $at)))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (call $handled (local.get $n))
        (br_if $next (i32.lt_u (local.get $at) (i32.add (i32.const 1024) (local.get 0)))))
      (i32.const 0)""",
)


@pytest.mark.parametrize("cpu", [Cpu.BOTH, Cpu.DEADLINE])
def test_one_runaway_in_a_large_batch_has_the_time_of_one_message(engine: Engine, cpu: Cpu) -> None:
    sandbox, _ = start(engine, engine.compile(faulty(), Profile(cpu=cpu)), limits=LONG)
    outcome = sandbox.handle([request("fine")] * 3 + [request("spin")] + [request("fine")] * 60)
    assert outcome.trap is not None
    assert (outcome.trap.kind, outcome.handled, outcome.poisoned) == (TrapKind.TIME, 3, 3)
    assert len(outcome.outbox) == 3
    assert outcome.elapsed_s < 64 * LONG.wall_time_s / 2, "the batch would have had 12.8 s"
    (violation,) = outcome.violations
    assert (violation.bound, violation.limit) == (Bound.TIME, 0.2)
    assert violation.used > 0.2
    assert outcome.trap.backtrace[0].startswith("misbehave at 0x")


@pytest.mark.parametrize("cpu", [Cpu.BOTH, Cpu.DEADLINE])
def test_a_batch_of_slow_messages_goes_through(engine: Engine, cpu: Cpu) -> None:
    limits = Limits(fuel_per_message=2**50, wall_time_s=5, host_calls_per_s=10_000_000)
    sandbox, _ = start(engine, engine.compile(SLOW, Profile(cpu=cpu)), limits=limits)
    outcome = sandbox.handle([b"x"] * 8)
    assert (outcome.trap, outcome.handled) == (None, 8)
    assert outcome.elapsed_s > 0.24


def test_a_guest_that_only_pretends_to_get_on_is_stopped_all_the_same(engine: Engine) -> None:
    pretend = """(local $n i32)
      (loop $again
        (call $handled (i32.and (local.get $n) (i32.const 1)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $again))
      (i32.const 0)"""
    limits = Limits(fuel_per_message=2**50, wall_time_s=0.05)
    sandbox, _ = start(engine, tiny(handle=pretend), limits=limits)
    outcome = sandbox.handle([b"one", b"two", b"three"])
    assert outcome.trap is not None
    assert outcome.trap.kind is TrapKind.TIME


def test_memory_that_moves_while_a_message_is_watched_is_read_where_it_is(engine: Engine) -> None:
    grow = """(local $n i32)
      (loop $again
        (drop (memory.grow (i32.const 1)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $again))
      (i32.const 0)"""
    limits = Limits(fuel_per_message=2**50, wall_time_s=0.1, memory_bytes=8 * 1024 * 1024)
    sandbox, _ = start(engine, tiny(handle=grow), limits=limits)
    outcome = sandbox.handle([b"one", b"two"])
    assert outcome.trap is not None
    assert outcome.trap.kind is TrapKind.TIME
