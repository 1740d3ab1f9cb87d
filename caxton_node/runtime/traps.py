"""Why a guest call did not end well: the facts, for the supervisor, the sender and the log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TrapKind(StrEnum):
    """One word for the cause; label of `caxton_wasm_traps_total`."""

    FUEL = "fuel"
    TIME = "time"
    MEMORY = "memory"
    UNREACHABLE = "unreachable"
    BOUNDS = "bounds"
    STACK = "stack"
    ARITHMETIC = "arithmetic"
    TABLE = "table"
    EXIT = "exit"
    BAD_CALL = "bad_call"
    HOST_CALLS = "host_calls"
    CHECKPOINT = "checkpoint"
    ABI = "abi"
    REFUSED = "refused"
    GUEST_ERROR = "guest_error"
    HOST = "host"


TIME_TEXT = "it ran longer than its wall time allows"
FUEL_TEXT = "it used up its fuel"

# The guest said no, in good order: its instance is sound and may go on with the next message.
_SURVIVABLE = frozenset({TrapKind.REFUSED, TrapKind.GUEST_ERROR, TrapKind.CHECKPOINT})


@dataclass(frozen=True, slots=True)
class Trap:
    """A guest call that failed.

    Attributes:
        kind: The cause in one word.
        message: One sentence for people, without a full stop.
        backtrace: WebAssembly frames, innermost first; empty when no code was running.
    """

    kind: TrapKind
    message: str
    backtrace: tuple[str, ...] = ()

    @property
    def fatal(self) -> bool:
        """Return whether the instance is lost; after `refused` and `guest_error` it is still sound."""
        return self.kind not in _SURVIVABLE

    def __str__(self) -> str:
        """Write kind, sentence and the innermost frame on one line."""
        where = f" in {self.backtrace[0]}" if self.backtrace else ""
        return f"{self.kind}: {self.message}{where}"
