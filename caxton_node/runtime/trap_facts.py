"""Turns what wasmtime throws into a `Trap`: one word for the cause, one sentence, the frames."""

from __future__ import annotations

from collections.abc import Callable

import wasmtime
from wasmtime import TrapCode

from caxton_node.runtime.host.wasi import EXIT_TEXT
from caxton_node.runtime.traps import Trap, TrapKind

FRAMES_MAX = 20

_SAID: dict[TrapCode, tuple[TrapKind, str]] = {
    TrapCode.OUT_OF_FUEL: (TrapKind.FUEL, "it used up its fuel"),
    TrapCode.INTERRUPT: (TrapKind.TIME, "it ran longer than its wall time allows"),
    TrapCode.STACK_OVERFLOW: (TrapKind.STACK, "its call stack overflowed"),
    TrapCode.MEMORY_OUT_OF_BOUNDS: (TrapKind.BOUNDS, "it used an address outside of its memory"),
    TrapCode.UNREACHABLE: (TrapKind.UNREACHABLE, "it panicked (unreachable)"),
    TrapCode.TABLE_OUT_OF_BOUNDS: (TrapKind.TABLE, "it called through a table index that does not exist"),
    TrapCode.INDIRECT_CALL_TO_NULL: (TrapKind.TABLE, "it called through an empty table entry"),
    TrapCode.BAD_SIGNATURE: (TrapKind.TABLE, "it called a function of another type through a table"),
    TrapCode.INTEGER_OVERFLOW: (TrapKind.ARITHMETIC, "an integer overflowed"),
    TrapCode.INTEGER_DIVISION_BY_ZERO: (TrapKind.ARITHMETIC, "it divided by zero"),
    TrapCode.BAD_CONVERSION_TO_INTEGER: (TrapKind.ARITHMETIC, "it converted a number that is no integer"),
}


def attempt(action: Callable[[], object]) -> Trap | None:
    """Do something that runs guest code and return its trap, if it ends in one."""
    try:
        action()
    except wasmtime.Trap as trap:
        return _from_trap(trap)
    except wasmtime.WasmtimeError as error:
        return _from_error(str(error))
    return None


def out_of_memory(trap: Trap) -> Trap:
    """Return the same trap with the cause that the guest could not name by itself."""
    return Trap(TrapKind.MEMORY, "it could not get more memory within its limit", trap.backtrace)


def _from_trap(trap: wasmtime.Trap) -> Trap:
    code = trap.trap_code
    if code is None:  # made by a host function
        kind = TrapKind.EXIT if trap.message.startswith(EXIT_TEXT) else TrapKind.HOST
        return Trap(
            kind, trap.message.splitlines()[0] if trap.message else "a host function failed", _frames(trap)
        )
    kind, text = _SAID.get(code, (TrapKind.UNREACHABLE, code.name.lower().replace("_", " ")))
    return Trap(kind, text, _frames(trap))


def _from_error(message: str) -> Trap:
    """A failure outside of guest code: instantiation beyond the store's limits, mostly."""
    text = message.splitlines()[-1].strip() if message else "no reason given"
    kind = TrapKind.MEMORY if "memory" in text else TrapKind.HOST
    return Trap(kind, text)


def _frames(trap: wasmtime.Trap) -> tuple[str, ...]:
    frames = trap.frames
    lines = [
        f"{frame.func_name or 'function'} (function {frame.func_index}, offset {frame.module_offset:#x})"
        for frame in frames[:FRAMES_MAX]
    ]
    if len(frames) > FRAMES_MAX:
        lines.append(f"... {len(frames) - FRAMES_MAX} more")
    return tuple(lines)
