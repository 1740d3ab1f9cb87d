"""Agents that abuse what an operator has allowed them."""

from __future__ import annotations

from caxton_node.runtime import Limits
from caxton_node.runtime.profile import Cpu
from tests.integration.runtime.hostile.building import SPIN
from tests.integration.runtime.hostile.cases import CALM, CLOCKED, Hostile, refused, trapped
from tests.support.guests import tiny

_BIG = 9_000_000
_FILL = f"(memory.fill (i32.const 65536) (i32.const 1) (i32.const {_BIG}))"
_COPY = f"(memory.copy (i32.const 65536) (i32.const 65537) (i32.const {_BIG}))"
_GROW_TABLE = (
    "(loop $more (br_if $more (i32.ne (table.grow 0 (ref.null func) (i32.const 1000)) (i32.const -1))))"
)


def _endless(act: str) -> str:
    return tiny(
        handle=f"(loop $again {act} (br $again)) (i32.const 0)", memory="160", extra="(table 1 funcref)"
    )


PERMISSIONS = [
    Hostile(
        "spin-by-tail-call",
        "calls itself for ever without a stack",
        lambda: tiny(handle="(call $again) (i32.const 0)", extra="(func $again (return_call $again))"),
        trapped("fuel"),
        features=("tail-call",),
    ),
    Hostile(
        "fill-without-end",
        "fills 9 MB again and again, in one instruction each",
        lambda: _endless(_FILL),
        trapped("fuel"),
        features=("bulk-memory",),
    ),
    Hostile(
        "copy-without-end",
        "copies 9 MB again and again",
        lambda: _endless(_COPY),
        trapped("time"),
        CLOCKED,
        features=("bulk-memory",),
    ),
    Hostile(
        "fill-outside",
        "fills memory that it does not have",
        lambda: tiny(handle="(memory.fill (i32.const -8) (i32.const 1) (i32.const 16)) (i32.const 0)"),
        trapped("bounds"),
        features=("bulk-memory",),
    ),
    Hostile(
        "init-outside",
        "copies data from behind their end",
        lambda: tiny(
            handle="(memory.init $d (i32.const 0) (i32.const 0) (i32.const 9)) (i32.const 0)",
            extra='(data $d "x")',
        ),
        trapped("bounds"),
        features=("bulk-memory",),
    ),
    Hostile(
        "table-grown-to-its-limit",
        "grows its table until it gets no more, and calls through the end",
        lambda: tiny(
            handle=f"{_GROW_TABLE} (call_indirect (i32.sub (table.size 0) (i32.const 1))) (i32.const 0)",
            extra="(table 1 funcref)",
        ),
        trapped("table"),
        Limits(fuel_per_message=10**7, wall_time_s=60.0, batch_max=1),
        features=("reference-types",),
    ),
    Hostile(
        "table-filled-outside",
        "fills a table that it does not have",
        lambda: tiny(
            handle="(table.fill 0 (i32.const 1) (ref.null func) (i32.const -1)) (i32.const 0)",
            extra="(table 1 funcref)",
        ),
        trapped("table"),
        features=("reference-types",),
    ),
    Hostile(
        "vector-outside",
        "reads a vector over the end of its memory",
        lambda: tiny(handle="(i32x4.extract_lane 0 (v128.load align=1 (i32.const 65528)))"),
        trapped("bounds"),
        features=("simd",),
    ),
    Hostile(
        "allowed-one-uses-another",
        "is allowed SIMD and uses threads",
        lambda: tiny(handle="(i32.atomic.load (i32.const 0))"),
        refused("needs threads"),
        features=("simd",),
    ),
    Hostile(
        "spin-by-fuel-only",
        "spins where nobody looks at the clock",
        lambda: tiny(handle=SPIN),
        trapped("fuel"),
        CALM,
        cpu=Cpu.METERED,
    ),
    Hostile(
        "spin-by-clock-only",
        "spins where nobody counts its fuel",
        lambda: tiny(handle=SPIN),
        trapped("time"),
        CLOCKED,
        cpu=Cpu.DEADLINE,
    ),
]
