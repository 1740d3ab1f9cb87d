"""Calls that never come back, aimed at the stack of the worker."""

from __future__ import annotations

from caxton_node.runtime import Limits
from tests.integration.runtime.hostile.building import NOW
from tests.integration.runtime.hostile.cases import Hostile, not_started, trapped
from tests.support.guests import tiny

_LOCALS = 5_000


def _fat() -> str:
    """Return a recursion with frames of 40 KB."""
    writes = " ".join(f"(local.set {n} (i64.add (local.get 0) (i64.const {n})))" for n in range(1, _LOCALS))
    reads = "(i64.const 0) " + " ".join(f"(local.get {n}) (i64.xor)" for n in range(1, _LOCALS))
    return tiny(
        handle="(drop (call $fat (i64.const 1))) (i32.const 0)",
        extra=f"""(func $fat (param i64) (result i64) (local {"i64 " * _LOCALS})
          {writes} (local.set 0 (call $fat (local.get 1))) {reads})""",
    )


def _wide() -> str:
    """Return a recursion that hands a hundred arguments on."""
    arguments = " ".join(f"(local.get {n})" for n in range(100))
    return tiny(
        handle=f"(call $wide {'(i64.const 1) ' * 100}) (i32.const 0)",
        extra=f"(func $wide (param {'i64 ' * 100}) (call $wide {arguments}))",
    )


_FUEL = Limits(fuel_per_message=10**9, wall_time_s=60.0, batch_max=1)

RECURSION = [
    Hostile(
        "deep",
        "calls itself",
        lambda: tiny(handle="(call $deep) (i32.const 0)", extra="(func $deep (call $deep) (call $deep))"),
        trapped("stack", "call stack overflowed"),
    ),
    Hostile(
        "deep-through-a-table",
        "two functions that call each other through a table",
        lambda: tiny(
            handle="(call $left) (i32.const 0)",
            extra="""(type $step (func)) (table 2 funcref) (elem (i32.const 0) $left $right)
              (func $left (call_indirect (type $step) (i32.const 1)))
              (func $right (call_indirect (type $step) (i32.const 0)))""",
        ),
        trapped("stack"),
    ),
    Hostile(
        "deep-with-fat-frames",
        "frames of 40 KB, to step over the guard of the stack",
        _fat,
        trapped("stack"),
        _FUEL,
    ),
    Hostile("deep-with-wide-calls", "a hundred arguments with every call", _wide, trapped("stack"), _FUEL),
    Hostile(
        "deep-into-the-host",
        "a host call at every depth, so that the last one finds no stack",
        lambda: tiny(
            imports=NOW,
            handle="(call $deep) (i32.const 0)",
            extra="(func $deep (drop (call $now)) (call $deep) (drop (call $now)))",
        ),
        trapped("stack"),
    ),
    Hostile(
        "deep-in-start",
        "recursion in the start function",
        lambda: tiny(extra="(func $deep (call $deep)) (start $deep)"),
        not_started("stack"),
    ),
    Hostile(
        "deep-in-init",
        "recursion in caxton_init",
        lambda: tiny(init="(call $deep) (i32.const 0)", extra="(func $deep (call $deep))"),
        not_started("stack"),
    ),
]
