"""Real modules to begin with: the agents of sdk/, and small ones with each feature that is refused."""

from __future__ import annotations

from functools import cache

import wasmtime

from caxton_node.runtime import to_binary
from tests.fuzz.puppets import PUPPET
from tests.fuzz.surgery import CODE, CUSTOM, Part, leb, put_together, read_leb, take_apart
from tests.support.guests import rust, tiny, wat

_BODY_BYTES_MAX = 40
_FEATURES = (
    "(func (drop (v128.const i32x4 0 0 0 0)))",
    "(func unreachable i8x16.relaxed_swizzle drop)",
    "(func (param v128))",
    "(func i32.const 0 i32.const 0 i32.const 0 memory.fill)",
    '(data $d "a") (func i32.const 0 i32.const 0 i32.const 0 memory.init $d data.drop $d)',
    "(table 1 externref) (func (drop (ref.null func)))",
    "(table 1 funcref) (table 1 funcref) (func (table.set 1 (i32.const 0) (table.get 0 (i32.const 0))))",
    "(func unreachable i32.atomic.rmw.add drop)",
    "(func $again return_call $again)",
    "(tag $t) (func throw $t)",
    "(type $s (struct)) (func (drop (struct.new $s)))",
    "(func (result i32 i32) i32.const 1 i32.const 2)",
    "(func unreachable i64.add128 drop drop)",
    '(import "caxton" "now_ns" (func (result i64))) (func)',
    '(import "env" "path_open" (func)) (func)',
    '(import "caxton" "log" (func (param i32))) (func)',
    '(import "caxton" "now_ns" (global i64)) (func)',
    "(global (mut i32) (i32.const 7)) (global (mut f64) (f64.const nan)) (func (global.set 0 (i32.const 1)))",
    "(func $odd (block (loop (br_table 0 1 (i32.const 0)))) (drop (i32.trunc_sat_f32_s (f32.const 0))))",
    "(func $boot unreachable) (start $boot)",
    '(table 2 funcref) (elem (i32.const 0) $f) (func $f (export "f") (call_indirect (i32.const 1)))',
)
_MEMORIES = (
    "(memory 1 1 shared)",
    "(memory i64 1)",
    "(memory 1) (memory 1)",
    "(memory 1 (pagesize 1))",
    "(memory 65536)",
)


@cache
def real() -> tuple[bytes, ...]:
    """Return whole agents, large functions cut short."""
    whole = [to_binary(text) for text in (wat("echo"), wat("relay"), tiny(), PUPPET)]
    return (*whole, _gut(rust("greeter")))


@cache
def pool() -> tuple[bytes, ...]:
    """Return everything that there is to begin with and to graft from."""
    odd = [f"(module {memory})" for memory in _MEMORIES]
    bare = [f"(module (memory 1) {text})" for text in _FEATURES if "(import" not in text]
    agents = [tiny(extra=text) for text in _FEATURES if "(import" not in text]
    imports = [tiny(imports=text) for text in _FEATURES if "(import" in text]
    made = (bytes(wasmtime.wat2wasm(text)) for text in (*odd, *bare, *agents, *imports))
    return (*real(), *made, *map(_unknown, ("fb7f", "fc7f", "fdff7f", "fe7f", "ff")))


def _unknown(instruction: str) -> bytes:
    """Return a module whose only function begins with an instruction that does not exist."""
    body = b"\x00" + bytes.fromhex(instruction) + b"\x0b"
    return put_together(
        [Part(1, b"\x01\x60\x00\x00"), Part(3, b"\x01\x00"), Part(CODE, b"\x01" + leb(len(body)) + body)]
    )


def _gut(module: bytes) -> bytes:
    """Replace every large function by one that traps, and leave out data and names."""
    return put_together(
        [
            Part(CODE, _gut_code(part.content)) if part.kind == CODE else part
            for part in take_apart(module)
            if part.kind not in {CUSTOM, 11}
        ]
    )


def _gut_code(content: bytes) -> bytes:
    count, at = read_leb(content, 0)
    bodies = []
    for _ in range(count):
        size, start = read_leb(content, at)
        at = start + size
        body = content[start:at] if size <= _BODY_BYTES_MAX else b"\x00\x00\x0b"
        bodies.append(leb(len(body)) + body)
    return leb(count) + b"".join(bodies)
