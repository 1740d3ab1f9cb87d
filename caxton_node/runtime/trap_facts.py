"""Turns what wasmtime throws into a `Trap`: one word for the cause, one sentence, the frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple

import wasmtime
from wasmtime import TrapCode

from caxton_node.core.shown import show
from caxton_node.runtime.host.calls import REFUSED, TOO_MANY_TEXT
from caxton_node.runtime.host.wasi import EXIT_TEXT
from caxton_node.runtime.traps import FUEL_TEXT, TIME_TEXT, Trap, TrapKind

_FRAME = re.compile(r"^\s+\d+:\s+(?:(0x[0-9a-f]+) - )?[^!\n]*!(.+)$", re.MULTILINE)
_UNNAMED = re.compile(r"<wasm function (\d+)>")
FRAMES_MAX = 50

_SAID: dict[TrapCode, tuple[TrapKind, str]] = {
    TrapCode.OUT_OF_FUEL: (TrapKind.FUEL, FUEL_TEXT),
    TrapCode.INTERRUPT: (TrapKind.TIME, TIME_TEXT),
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


_STARTS = {
    EXIT_TEXT: TrapKind.EXIT,
    TOO_MANY_TEXT: TrapKind.HOST_CALLS,
    TIME_TEXT: TrapKind.TIME,
    FUEL_TEXT: TrapKind.FUEL,
    "memory minimum size": TrapKind.MEMORY,
    "table minimum size": TrapKind.TABLE,
}


class GuestFailed(Exception):
    """The guest said no or broke the ABI, without trapping."""

    def __init__(self, kind: TrapKind, text: str) -> None:
        super().__init__(text)
        self.trap = Trap(kind, text)


class TooLarge(GuestFailed):
    """The guest left a checkpoint of so many bytes, more than is kept."""

    def __init__(self, size: int, bytes_max: int) -> None:
        super().__init__(
            TrapKind.CHECKPOINT, f"its checkpoint has {size:,} bytes, at most {bytes_max:,} are kept"
        )
        self.size = size


FAILURES = (GuestFailed, wasmtime.Trap, wasmtime.WasmtimeError)
"""What a call into a guest may raise."""


class Symbols(NamedTuple):
    """How places in the code of one module are called.

    Attributes:
        names: Functions by index; wasmtime knows none of them (`function_names.py`).
        shift: By how much wasmtime's offsets are too large for the module as its author has it.
    """

    names: Mapping[int, str] = {}
    shift: int = 0


def attempt(symbols: Symbols, action: Callable[..., object], *arguments: object) -> Trap | None:
    """Do something that runs guest code and return its trap, if it ends in one.

    Args:
        symbols: How places in its code are called.
        action: What to do.
        arguments: Its arguments.
    """
    try:
        action(*arguments)
    except FAILURES as error:
        return explain(error, symbols)
    return None


def explain(error: Exception, symbols: Symbols) -> Trap:
    """Return the trap behind one of `FAILURES`."""
    if isinstance(error, GuestFailed):
        return error.trap
    if isinstance(error, wasmtime.Trap):
        kind, text = _SAID.get(error.trap_code or TrapCode.UNREACHABLE, (TrapKind.UNREACHABLE, "it trapped"))
        return Trap(kind, text, _frames(error.message, symbols))
    return _from_error(str(error), symbols)


def out_of_memory(trap: Trap) -> Trap:
    """Return the same trap with the cause that the guest could not name by itself."""
    return Trap(TrapKind.MEMORY, "it could not get more memory within its limit", trap.backtrace)


def _from_error(message: str, symbols: Symbols) -> Trap:
    """Either a host function refused a call, or the instance does not fit into its limits."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    text = lines[-1] if lines else "no reason given"
    # Whatever else a host function raises is a bug of the host.
    otherwise = TrapKind.BAD_CALL if text.startswith(REFUSED) else TrapKind.HOST
    text = text.removeprefix(REFUSED)
    kind = next((kind for start, kind in _STARTS.items() if text.startswith(start)), otherwise)
    return Trap(kind, text, _frames(message, symbols))


def _frames(message: str, symbols: Symbols) -> tuple[str, ...]:
    """Read the frames from wasmtime's message, the only form that traps and errors share."""
    found = islice(_FRAME.finditer(message), FRAMES_MAX)
    return tuple(_frame(frame[1] or "", frame[2], symbols) for frame in found)


def _frame(offset: str, name: str, symbols: Symbols) -> str:
    unnamed = _UNNAMED.fullmatch(name)
    if unnamed:
        index = int(unnamed[1])
        name = symbols.names.get(index, f"function {index}")
    name = show(name)
    return f"{name} at {int(offset, 16) - symbols.shift:#x}" if offset else name
