"""Loops without an end, in every place where a guest is called."""

from __future__ import annotations

from tests.integration.runtime.hostile.building import LOG, NOW, RANDOM, SPIN
from tests.integration.runtime.hostile.cases import CALLING, CLOCKED, Hostile, not_started, trapped
from tests.support.guests import tiny

_TABLE = """(type $step (func)) (table 2 funcref) (elem (i32.const 0) $left $right)
  (func $left) (func $right)"""
_STORES = """(local $at i32)
  (loop $again
    (i64.store (local.get $at) (i64.load offset=8 (local.get $at)))
    (local.set $at (i32.and (i32.add (local.get $at) (i32.const 4096)) (i32.const 0xffff)))
    (i32.store (i32.const 64) (i32.const 1))
    (br $again))
  (i32.const 0)"""
_INBOX_SECOND_TIME = """(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
  (if (i32.eq (global.get $calls) (i32.const 2)) (then (loop $again (br $again))))
  (i32.const 1024)"""


def _each_turn(act: str) -> str:
    return f"(loop $again {act} (br $again)) (i32.const 0)"


LOOPS = [
    Hostile(
        "spin", "the shortest endless loop", lambda: tiny(handle=SPIN), trapped("fuel", "used up its fuel")
    ),
    Hostile(
        "spin-against-the-clock",
        "the same with more fuel than can burn",
        lambda: tiny(handle=SPIN),
        trapped("time", "longer than its wall time"),
        CLOCKED,
    ),
    Hostile(
        "spin-in-a-switch",
        "a loop of nothing but br_table",
        lambda: tiny(handle="(loop $again (br_table $again $again (i32.const 1))) (i32.const 0)"),
        trapped("fuel"),
    ),
    Hostile(
        "spin-through-a-table",
        "endless turns of call_indirect to and fro",
        lambda: tiny(
            handle=_each_turn(
                "(call_indirect (type $step) (i32.const 0)) (call_indirect (type $step) (i32.const 1))"
            ),
            extra=_TABLE,
        ),
        trapped("fuel"),
    ),
    Hostile(
        "spin-over-memory",
        "endless stores over all of its memory",
        lambda: tiny(handle=_STORES),
        trapped("fuel"),
    ),
    Hostile(
        "spin-asking-for-no-memory",
        "endless memory.grow by nothing",
        lambda: tiny(handle=_each_turn("(drop (memory.grow (i32.const 0)))")),
        trapped("fuel"),
    ),
    Hostile(
        "spin-on-the-clock",
        "asks the host for the time without end, as often as it may",
        lambda: tiny(imports=NOW, handle=_each_turn("(drop (call $now))")),
        trapped("fuel"),
    ),
    Hostile(
        "spin-on-the-clock-too-often",
        "the same with more fuel than calls",
        lambda: tiny(imports=NOW, handle=_each_turn("(drop (call $now))")),
        trapped("host_calls"),
        CALLING,
    ),
    Hostile(
        "spin-on-the-clock-in-init",
        "the same while it starts",
        lambda: tiny(imports=NOW, init=_each_turn("(drop (call $now))")),
        not_started("host_calls"),
        CALLING,
    ),
    Hostile(
        "spin-on-randomness",
        "asks the host for 64 KiB of random bytes without end",
        lambda: tiny(imports=RANDOM, handle=_each_turn("(call $random (i32.const 0) (i32.const 65536))")),
        trapped("host_calls", "more than 100"),
        CALLING,
    ),
    Hostile(
        "spin-on-the-log",
        "logs without end",
        lambda: tiny(imports=LOG, handle=_each_turn("(call $log (i32.const 0) (i32.const 0) (i32.const 9))")),
        trapped("host_calls"),
        CALLING,
    ),
    Hostile(
        "spin-in-inbox",
        "never says where its messages may be written",
        lambda: tiny(inbox=_INBOX_SECOND_TIME, extra="(global $calls (mut i32) (i32.const 0))"),
        trapped("fuel"),
    ),
    Hostile(
        "spin-in-inbox-at-start",
        "never says where its configuration may be written",
        lambda: tiny(inbox=SPIN),
        not_started("fuel"),
    ),
    Hostile("spin-in-init", "an init that never returns", lambda: tiny(init=SPIN), not_started("fuel")),
    Hostile(
        "spin-in-init-against-the-clock",
        "the same with more fuel than can burn",
        lambda: tiny(init=SPIN),
        not_started("time"),
        CLOCKED,
    ),
    Hostile(
        "spin-in-abi", "never says where its control block is", lambda: tiny(abi=SPIN), not_started("fuel")
    ),
    Hostile(
        "spin-in-initialize",
        "spins where a language runtime sets itself up",
        lambda: tiny(extra='(func (export "_initialize") (loop $again (br $again)))'),
        not_started("fuel"),
    ),
    Hostile(
        "spin-in-start",
        "spins in the start function, before it has any export",
        lambda: tiny(extra="(func $first (loop $again (br $again))) (start $first)"),
        not_started("fuel"),
    ),
]
