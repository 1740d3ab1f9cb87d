from __future__ import annotations

import pytest

from caxton_node.runtime import Engine, Limits, StartFailed, TrapKind
from caxton_node.runtime.rates import Rate
from caxton_node.runtime.violations import Action, Bound
from tests.support.guests import LogLines, start, tiny

pytestmark = pytest.mark.story("016")
NOW = '(import "caxton" "now_ns" (func $now (result i64)))'
LOG = '(import "caxton" "log" (func $log (param i32 i32 i32)))'


def calls(count: int) -> str:
    """Return a guest that asks for the time so often in each batch."""
    return tiny(
        imports=NOW,
        handle=f"""(local $n i32)
          (loop $next (drop (call $now)) (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $n) (i32.const {count}))))
          (call $handled (i32.const 1)) (i32.const 0)""",
    )


def test_a_bucket_lends_and_says_how_long_to_rest() -> None:
    rate = Rate(100, now=0.0)
    assert rate.spend(100, now=0.0) == 0.0
    assert rate.spend(50, now=0.0) == pytest.approx(0.5)
    assert rate.spend(0, now=0.5) == 0.0
    assert rate.spend(10, now=0.5) == pytest.approx(0.1)


def test_over_any_long_time_the_rate_holds() -> None:
    rate, now, spent = Rate(1_000, now=0.0), 0.0, 0
    while now < 10:
        now += rate.spend(700, now) + 0.001
        spent += 700
    assert spent <= 1_000 * 10 + 1_000 + 700


def test_no_limit_never_rests() -> None:
    assert Rate(0, now=0.0).spend(10**9, now=0.0) == 0.0


def test_more_host_calls_than_the_rate_make_the_agent_rest(engine: Engine) -> None:
    sandbox, _ = start(engine, calls(900), limits=Limits(host_calls_per_s=1_000))
    assert sandbox.handle([b"x"]).rest_s == 0.0
    outcome = sandbox.handle([b"x"])
    assert outcome.trap is None
    assert 0.5 < outcome.rest_s < 1.0
    (violation,) = outcome.violations
    assert (violation.bound, violation.used, violation.limit) == (Bound.HOST_CALLS, 900, 1_000)
    assert violation.action is Action.THROTTLED


def test_a_message_that_makes_more_calls_than_a_second_allows_is_a_trap(engine: Engine) -> None:
    sandbox, _ = start(engine, calls(1_001), limits=Limits(host_calls_per_s=1_000))
    outcome = sandbox.handle([b"x"])
    assert outcome.trap is not None
    assert outcome.trap.kind is TrapKind.HOST_CALLS
    assert outcome.trap.fatal
    assert outcome.violations[-1].action is Action.TRAPPED
    assert outcome.violations[-1].used == 1_001


def test_a_batch_is_not_stopped_for_what_its_messages_may(engine: Engine) -> None:
    handle = """(local $n i32)
      (loop $next (drop (call $now)) (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $n) (i32.const 7900))))
      (call $handled (i32.const 8)) (i32.const 0)"""
    sandbox, _ = start(engine, tiny(imports=NOW, handle=handle), limits=Limits(host_calls_per_s=1_000))
    outcome = sandbox.handle([b"x"] * 8)
    assert outcome.trap is None
    assert outcome.rest_s > 6


def test_dropped_lines_are_a_violation_with_their_number(engine: Engine) -> None:
    handle = """(local $n i32)
      (loop $next (call $log (i32.const 1) (i32.const 64) (i32.const 4))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $n) (i32.const 50))))
      (call $handled (i32.const 1)) (i32.const 0)"""
    lines = LogLines()
    sandbox, _ = start(engine, tiny(imports=LOG, handle=handle), limits=Limits(log_lines_per_s=10), log=lines)
    (violation,) = sandbox.handle([b"x"]).violations
    assert (violation.bound, violation.action, violation.limit) == (Bound.LOG_LINES, Action.DROPPED, 10)
    assert violation.used == 50 - len(lines)
    assert len(lines) == 20


def test_more_messages_than_the_rate_make_the_agent_rest(engine: Engine) -> None:
    send = """(i32.store (i32.const 3000) (i32.const 1)) (call $out (i32.const 3000) (i32.const 5))
      (call $handled (i32.const 1)) (i32.const 0)"""
    sandbox, _ = start(engine, tiny(handle=send), limits=Limits(messages_per_s=2))
    rests = [sandbox.handle([b"x"]).rest_s for _ in range(4)]
    assert rests[:2] == [0.0, 0.0]
    assert 0.3 < rests[2] < rests[3] <= 1.0


def test_limits_change_between_two_calls(engine: Engine) -> None:
    handle = "(drop (memory.grow (i32.const 4))) (call $handled (i32.const 1)) (i32.const 0)"
    sandbox, _ = start(engine, tiny(handle=handle), limits=Limits(memory_bytes=64 * 1024))
    sandbox.handle([b"x"])
    assert sandbox.memory_bytes == 64 * 1024
    sandbox.apply(Limits(memory_bytes=1024 * 1024))
    sandbox.handle([b"x"])
    assert sandbox.memory_bytes == 5 * 64 * 1024
    sandbox.apply(Limits(memory_bytes=64 * 1024))
    sandbox.handle([b"x"])
    assert sandbox.memory_bytes == 5 * 64 * 1024, "what it has already is not taken away"


def test_the_table_of_a_module_is_bounded(engine: Engine) -> None:
    text = tiny(extra="(table 2000 funcref)")
    start(engine, text, limits=Limits(table_elements=2_000))
    with pytest.raises(StartFailed, match="table: table minimum size of 2000"):
        start(engine, text, limits=Limits(table_elements=1_999))


def test_a_changed_rate_counts_what_came_before_at_the_old_one() -> None:
    rate = Rate(10, now=0.0)
    rate.spend(10, now=0.0)
    rate.change(1_000, now=0.5)
    assert rate.spend(5, now=0.5) == 0.0
    assert rate.spend(10, now=0.5) == pytest.approx(0.01), "half a second at 10 a second was 5"


def test_whoever_gets_a_higher_rate_owes_a_second_of_it_at_most() -> None:
    rate = Rate(10, now=0.0)
    rate.spend(10_000, now=0.0)
    rate.change(20, now=0.0)
    assert rate.spend(0, now=0.0) == pytest.approx(1.0)


def test_a_lower_rate_forgives_nothing() -> None:
    rate = Rate(10, now=0.0)
    rate.spend(40, now=0.0)
    rate.change(5, now=1.0)
    assert rate.spend(0, now=1.0) == pytest.approx(4.0)


def test_a_rate_where_there_was_none_begins_full() -> None:
    rate = Rate(0, now=0.0)
    rate.change(10, now=0.0)
    assert rate.spend(10, now=0.0) == 0.0
    assert rate.spend(1, now=0.0) == pytest.approx(0.1)
