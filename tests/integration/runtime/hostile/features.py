"""One module for each feature of WebAssembly that is off."""

from __future__ import annotations

from tests.integration.runtime.hostile.building import DONE
from tests.integration.runtime.hostile.cases import Hostile, refused
from tests.support.guests import tiny

_V = "(v128.const i32x4 0 0 0 0)"
_ZEROS = "(i32.const 0) (i32.const 0) (i32.const 0)"


def _uses(
    name: str, feature: str, *, act: str = "", extra: str = "", memory: str = "1", words: str = ""
) -> Hostile:
    return Hostile(
        f"uses-{name}",
        f"uses {words or feature}",
        lambda: tiny(handle=f"{act} {DONE}", extra=extra, memory=memory),
        refused(f"needs {feature}"),
    )


FEATURES = [
    _uses("simd", "SIMD", act=f"(drop (i8x16.add {_V} {_V}))"),
    _uses("relaxed-simd", "relaxed SIMD", extra="(func unreachable i8x16.relaxed_swizzle drop)"),
    _uses(
        "atomics",
        "threads",
        act="(drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))",
        words="atomic instructions",
    ),
    _uses("shared-memory", "threads", memory="1 1 shared", words="a memory that threads could share"),
    _uses("reference-types", "reference types", extra="(table 1 externref)"),
    _uses("bulk-memory", "bulk memory", act=f"(memory.copy {_ZEROS})"),
    _uses(
        "passive-data",
        "bulk memory",
        act=f"(memory.init $later {_ZEROS})",
        extra='(data $later "x")',
        words="data that are copied later",
    ),
    _uses("gc", "GC", extra="(type $s (struct)) (func (drop (struct.new $s)))"),
    _uses("function-references", "reference types", extra="(type $f (func)) (func (param (ref $f)))"),
    _uses("exceptions", "exceptions", extra="(tag $t) (func (throw $t))"),
    _uses("memory64", "memory64", memory="i64 1"),
    _uses("tail-calls", "tail calls", extra="(func $again (return_call $again))"),
    _uses("multi-memory", "multiple memories", extra="(memory 1)"),
    _uses("multi-value", "multi-value", extra="(func (result i32 i32) (i32.const 1) (i32.const 2))"),
    _uses("wide-arithmetic", "wide arithmetic", extra="(func unreachable i64.add128 drop drop)"),
    _uses("custom-page-sizes", "custom page sizes", memory="65536 (pagesize 1)"),
    _uses("stack-switching", "stack switching", extra="(type $f (func)) (type $c (cont $f))"),
]
