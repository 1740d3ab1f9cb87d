"""Memory and tables: more than allowed, outside of what there is, and lies about the want of it."""

from __future__ import annotations

from tests.integration.runtime.hostile.building import DONE, MEMORY, TRAP, escape, number, section
from tests.integration.runtime.hostile.cases import Hostile, not_started, refused, trapped
from tests.support.guests import tiny

_PAGE_BY_PAGE = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable"
# From one page to the limit in three steps: each step copies what is there.
_IN_STEPS = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 53)) (i32.const -1)))) unreachable"
_AT_ONCE = """(if (i32.eq (memory.grow (i32.const 159)) (i32.const -1)) (then unreachable))
  (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then (return (i32.const 0))))
  (i32.store (i32.const 10485756) (i32.const 1))
  unreachable"""


def _too_large() -> bytes:
    return b"\0asm\x01\0\0\0" + section(MEMORY, b"\x01\0" + number(65_537))


MEMORY_CASES = [
    Hostile(
        "grow-page-by-page",
        "grows by a page until it gets no more",
        lambda: tiny(handle=_PAGE_BY_PAGE),
        trapped("memory", "more memory within its limit"),
    ),
    Hostile(
        "grow-at-once",
        "takes all of its limit in one step, touches the end and panics",
        lambda: tiny(handle=_AT_ONCE),
        trapped("memory"),
    ),
    Hostile(
        "grow-with-a-huge-maximum",
        "declares a maximum of 4 GiB and grows towards it",
        lambda: tiny(memory="1 65536", handle=_IN_STEPS),
        trapped("memory"),
    ),
    Hostile("grow-in-init", "grows while it starts", lambda: tiny(init=_IN_STEPS), not_started("memory")),
    Hostile(
        "grow-in-start",
        "grows in the start function",
        lambda: tiny(extra=f"(func $first {_IN_STEPS}) (start $first)"),
        not_started("unreachable"),
    ),
    Hostile(
        "born-over-the-limit",
        "asks for a page more than its limit",
        lambda: tiny(memory="161"),
        not_started("memory", "exceeds memory limits"),
    ),
    Hostile(
        "born-with-4-gib",
        "asks for all that 32 bits can address",
        lambda: tiny(memory="65536"),
        not_started("memory"),
    ),
    Hostile(
        "born-with-more-than-4-gib",
        "asks for a page more than that",
        _too_large,
        refused("at most 0x10000"),
    ),
    Hostile(
        "false-want",
        "says that it is out of memory and panics with all of it left",
        lambda: tiny(handle="(i32.store (i32.const 80) (i32.const 1)) unreachable"),
        trapped("memory"),
    ),
    Hostile(
        "far-load",
        "reads below the start of its memory",
        lambda: tiny(handle="(i32.load (i32.const -4))"),
        trapped("bounds", "outside of its memory"),
    ),
    Hostile(
        "far-offset",
        "reads 4 GiB behind an address of almost 4 GiB",
        lambda: tiny(handle="(i32.load offset=4294967295 (i32.const -1))"),
        trapped("bounds"),
    ),
    Hostile(
        "astride-the-end",
        "writes eight bytes over the last four of its memory",
        lambda: tiny(handle="(i64.store align=1 (i32.const 65532) (i64.const -1)) (i32.const 0)"),
        trapped("bounds"),
    ),
    Hostile(
        "data-behind-the-end",
        "data that begin behind its memory",
        lambda: tiny(extra=f'(data (i32.const 65534) "{escape(b"word")}")'),
        not_started("bounds"),
    ),
    Hostile(
        "data-at-minus-one",
        "data at an address of almost 4 GiB",
        lambda: tiny(extra='(data (i32.const -1) "x")'),
        not_started("bounds"),
    ),
    Hostile(
        "data-of-two-megabytes",
        "data larger than its memory",
        lambda: tiny(extra=f'(data (i32.const 0) "{"x" * 2_000_000}")'),
        not_started("bounds"),
    ),
]

TABLE_CASES = [
    Hostile(
        "table-over-the-limit",
        "a table of 200,000 elements",
        lambda: tiny(extra="(table 200000 funcref)"),
        not_started("table"),
    ),
    Hostile(
        "table-of-4-billion",
        "a table as large as can be written",
        lambda: tiny(extra="(table 0xffffffff funcref)"),
        not_started("table"),
    ),
    Hostile(
        "elements-behind-the-end",
        "elements behind the end of its table",
        lambda: tiny(extra="(table 1 funcref) (elem (i32.const 1) $handled)"),
        not_started("table"),
    ),
    Hostile(
        "call-through-nothing",
        "calls through an empty element",
        lambda: tiny(handle="(call_indirect (i32.const 0)) (i32.const 0)", extra="(table 1 funcref)"),
        trapped("table"),
    ),
    Hostile(
        "call-behind-the-end",
        "calls through an element that does not exist",
        lambda: tiny(handle="(call_indirect (i32.const -1)) (i32.const 0)", extra="(table 1 funcref)"),
        trapped("table"),
    ),
    Hostile(
        "call-of-another-type",
        "calls a function as what it is not",
        lambda: tiny(
            handle="(call_indirect (param i64) (i64.const 1) (i32.const 0)) (i32.const 0)",
            extra="(table 1 funcref) (elem (i32.const 0) $handled)",
        ),
        trapped("table"),
    ),
    Hostile(
        "table-growth",
        "grows its table",
        lambda: tiny(
            handle="(drop (table.grow 0 (ref.null func) (i32.const 1000000))) " + DONE,
            extra="(table 1 funcref)",
        ),
        refused("needs reference types"),
    ),
]

ARITHMETIC = [
    Hostile(
        "divide-by-zero",
        "divides by zero",
        lambda: tiny(handle="(i32.div_u (i32.const 1) (i32.const 0))"),
        trapped("arithmetic", "divided by zero"),
    ),
    Hostile(
        "divide-the-least",
        "divides the least number by minus one",
        lambda: tiny(handle="(i32.div_s (i32.const 0x80000000) (i32.const -1))"),
        trapped("arithmetic"),
    ),
    Hostile(
        "truncate-nan",
        "turns a number that is none into an integer",
        lambda: tiny(handle="(i32.trunc_f64_s (f64.const nan))"),
        trapped("arithmetic"),
    ),
    Hostile("panic", "says unreachable", lambda: tiny(handle=TRAP), trapped("unreachable", "panicked")),
]
