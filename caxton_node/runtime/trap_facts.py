"""Turns what wasmtime throws into a `Trap`: one word for the cause, one sentence, the frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import wasmtime
from wasmtime import TrapCode

from caxton_node.runtime.host.wasi import EXIT_TEXT
from caxton_node.runtime.traps import Trap, TrapKind

_FRAME = re.compile(r"^\s+\d+:\s+(?:(0x[0-9a-f]+) - )?[^!\n]*!(.+)$", re.MULTILINE)
_UNNAMED = re.compile(r"<wasm function (\d+)>")

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


class GuestFailed(Exception):
    """The guest said no or broke the ABI, without trapping."""

    def __init__(self, kind: TrapKind, text: str) -> None:
        super().__init__(text)
        self.trap = Trap(kind, text)


def attempt(names: Mapping[int, str], action: Callable[..., object], *arguments: object) -> Trap | None:
    """Do something that runs guest code and return its trap, if it ends in one.

    Args:
        names: What functions are called that have no name of their own, by index: those that are exported.
        action: What to do.
        arguments: Its arguments.
    """
    try:
        action(*arguments)
    except GuestFailed as failure:
        return failure.trap
    except wasmtime.Trap as trap:
        kind, text = _SAID.get(trap.trap_code or TrapCode.UNREACHABLE, (TrapKind.UNREACHABLE, "it trapped"))
        return Trap(kind, text, _frames(trap.message, names))
    except wasmtime.WasmtimeError as error:
        return _from_error(str(error), names)
    return None


def out_of_memory(trap: Trap) -> Trap:
    """Return the same trap with the cause that the guest could not name by itself."""
    return Trap(TrapKind.MEMORY, "it could not get more memory within its limit", trap.backtrace)


def _from_error(message: str, names: Mapping[int, str]) -> Trap:
    """Either a host function refused a call, or the instance does not fit into its limits."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    text = lines[-1] if lines else "no reason given"
    if text.startswith(EXIT_TEXT):
        kind = TrapKind.EXIT
    else:
        kind = TrapKind.MEMORY if text.startswith("memory minimum size") else TrapKind.HOST
    return Trap(kind, text, _frames(message, names))


def _frames(message: str, names: Mapping[int, str]) -> tuple[str, ...]:
    """Read the frames from wasmtime's message, the only form that traps and errors share."""
    return tuple(_frame(offset, name, names) for offset, name in _FRAME.findall(message))


def _frame(offset: str, name: str, names: Mapping[int, str]) -> str:
    unnamed = _UNNAMED.fullmatch(name)
    if unnamed:
        index = int(unnamed[1])
        name = names.get(index, f"function {index}")
    return f"{name} at {offset}" if offset else name
