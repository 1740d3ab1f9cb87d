"""Guests that do what the fuzzed input says, in the real engine, and the engine that all targets share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from caxton_node.runtime import CompiledModule, Engine, Limits, Sandbox
from caxton_node.runtime.ports import LogLevel
from caxton_node.runtime.traps import Trap, TrapKind
from tests.fuzz.text import check_text
from tests.support.clock import HandClock

LOG_CHARS_MAX = 4 * 4_096 + 64
TRAP_CHARS_MAX = 1_000
PUPPET = Path(__file__).with_name("puppet.wat").read_text()


@cache
def engine() -> Engine:
    """Return the one engine of this process; it ends with it."""
    return Engine()


@cache
def compiled(text: str) -> CompiledModule:
    """Return a module of the shared engine."""
    return engine().compile(text)


@cache
def puppet() -> CompiledModule:
    """Return the guest of `puppet.wat`."""
    return compiled(PUPPET)


def dress(module: CompiledModule, limits: Limits, script: bytes) -> Sandbox:
    """Return a sandbox whose random bytes are a script; time in it stands still."""
    sandbox = Sandbox(engine(), module, limits, check_line, HandClock())
    sandbox._state.entropy = lambda length: script.ljust(length, b"\0")[:length]
    return sandbox


def check_line(level: LogLevel, text: str) -> None:
    """Take a log line: what any sink may rely on."""
    assert isinstance(level, LogLevel)
    check_text(text, LOG_CHARS_MAX)


def check_trap(trap: Trap, *never: TrapKind) -> None:
    """Raise if a trap could not be shown to people as it is, or is of a kind that cannot be here.

    No guest may make its host fail, so it never is a trap of the host.
    """
    assert trap.kind not in {TrapKind.HOST, *never}, trap
    check_text(str(trap), TRAP_CHARS_MAX)
    for frame in trap.backtrace:
        check_text(frame, TRAP_CHARS_MAX)
