"""Bytes that should be a module: refused in words that can be shown, or run within small limits."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from zlib import crc32

import wasmtime

from caxton_node.core.errors import InvalidModule, ResourceLimit
from caxton_node.runtime import STRICT, CompiledModule, Limits, Profile, Sandbox, StartFailed, abi, to_binary
from caxton_node.runtime.host.imports import BY_NAME
from caxton_node.runtime.limits import PAGE_BYTES
from caxton_node.runtime.profile import FEATURES, Cpu
from tests.fuzz.havoc import Blind
from tests.fuzz.modules import pool
from tests.fuzz.puppets import check_line, check_trap, engine
from tests.fuzz.surgery import Surgeon
from tests.fuzz.text import check_text
from tests.support.clock import HandClock
from tests.support.guests import tiny

SIZE_MAX = 65_536
EXAMPLES = 150
REFUSAL_CHARS_MAX = 4_000
PROFILES = (
    STRICT,
    Profile(tuple(FEATURES)),
    Profile(("bulk-memory", "multi-value"), deterministic=True),
    Profile(("simd", "tail-call"), cpu=Cpu.METERED),
)
LIMITS = Limits(
    memory_bytes=4 * PAGE_BYTES,
    fuel_per_message=5_000,
    wall_time_s=600,
    table_elements=100,
    checkpoint_bytes_max=5_000,
)


def check(data: bytes) -> None:
    """Compile for a profile that the bytes themselves choose, then run what compiles."""
    profile = PROFILES[crc32(data) % len(PROFILES)]
    try:
        module = engine().compile(data, profile)
    except (InvalidModule, ResourceLimit) as error:
        check_text(str(error), REFUSAL_CHARS_MAX)
    else:
        _check_types(module, to_binary(data))
        _run(module)


def _check_types(module: CompiledModule, binary: bytes) -> None:
    """What is called without a check has the types that it is called with."""
    raw = wasmtime.Module(module.raw, binary)
    exports = {item.name: item.type for item in raw.exports}
    assert isinstance(exports["memory"], wasmtime.MemoryType)
    for name, wanted in (abi.REQUIRED_EXPORTS | abi.OPTIONAL_EXPORTS).items():
        assert _types(exports.get(name)) == (wanted if name in exports else None), name
        assert name in exports or name not in abi.REQUIRED_EXPORTS, name
    for item in raw.imports:
        entry = BY_NAME[item.module, item.name or ""]
        assert _types(item.type) == (entry.params, entry.results), item.name


def _types(kind: object) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    if not isinstance(kind, wasmtime.FuncType):
        return None
    return tuple(map(str, kind.params)), tuple(map(str, kind.results))


def _run(module: CompiledModule) -> None:
    sandbox = Sandbox(engine(), module, LIMITS, check_line, HandClock())
    try:
        sandbox.start({"agent": "fuzzed"})
        for frames in ([b"one"], [b"two", b"three"]):
            outcome = sandbox.handle(frames)
            if outcome.trap is not None:
                check_trap(outcome.trap)
            if not sandbox.is_alive:
                break
            assert sandbox.memory_bytes <= LIMITS.memory_bytes
    except StartFailed as error:
        check_trap(error.trap)
    finally:
        sandbox.close()


def mutate(data: bytes, size_max: int, rng: Random, blind: Blind) -> bytes:
    """Change a section."""
    return Surgeon(rng, blind, size_max, pool()).operate(data)


def seeds() -> Iterator[bytes]:
    """Agents, features, text, and what is no module."""
    yield from pool()
    whole = tiny()
    for name, params in (
        ("caxton_inbox", "(param i32)"),
        ("caxton_init", "(param i32)"),
        ("caxton_abi_v1", ""),
    ):
        for other in ("(param i64)", "(param i32 i32)", "(param f32)"):
            yield whole.replace(f'"{name}") {params}', f'"{name}") {other}').encode()
    yield tiny(extra='(func (export "caxton_restore") (param i32))').encode()
    yield b"(module (func $f (param i32) (result i32) (i64.const 0)))"
    yield b"\0asm\x0d\0\x01\0"
    yield b"#!/bin/sh"
