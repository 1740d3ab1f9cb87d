"""What compiling a module may cost, and what it means when a compile ended without code. Pure.

the module is not valid                      InvalidModule, with wasmtime's words
wall time, processor time, memory, code      CompileRefused: which, how much was used, how much is allowed
the process was killed from outside          CompilerLost: nobody's fault here, so it may be tried again
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from typing import ClassVar

from caxton_node.core.errors import Category, CaxtonError, InvalidModule, LocalError, ResourceLimit
from caxton_node.core.shown import show
from caxton_node.runtime.compile_server import Ending, Exit

_MIB = 1024 * 1024
_ASKED = re.compile(r"memory allocation of (\d+) bytes failed")
_CRASHES = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGFPE}
_WORDS_CHARS_MAX = 500


class CompileRefused(ResourceLimit):
    """A module takes more time or memory to compile than is allowed; nothing was kept of it.

    Attributes:
        kind: `wall_time`, `cpu_time`, `memory`, `code`, or `crash` if the compiler itself fell over it.
        used: Seconds or bytes, as far as it came.
        limit: What is allowed of that; 0 for a crash.
    """

    code = "COMPILE_LIMIT_EXCEEDED"
    retryable: ClassVar[bool] = False

    def __init__(self, what: str, *, why: str, kind: str, used: float = 0, limit: float = 0) -> None:
        super().__init__(what, why=why, hint="split its largest functions, or build it for size")
        self.kind = kind
        self.used = used
        self.limit = limit


class CompilerLost(LocalError):
    """The process that compiled a module was killed, or could not be started; nothing was changed."""

    code = "COMPILER_LOST"
    category = Category.UNAVAILABLE
    retryable: ClassVar[bool] = True

    def __init__(self, why: str, *, hint: str = "try again") -> None:
        super().__init__("the module was not compiled", why=why, hint=hint)


@dataclass(frozen=True, slots=True)
class CompileLimits:
    """What compiling one module may cost.

    Attributes:
        wall_time_s: From the start of its process.
        cpu_time_s: Of all its threads together; the kernel counts whole seconds.
        memory_bytes: Above the 25 MB that a compiler has when it starts.
        code_bytes_max: Largest machine code; real modules give four to six times their own size.
        concurrent: Modules compiled at once; others wait.
    """

    wall_time_s: float = 30.0
    cpu_time_s: float = 60.0
    memory_bytes: int = 2048 * _MIB
    code_bytes_max: int = 256 * _MIB
    concurrent: int = 2


def explain_ending(ending: Ending, words: str, limits: CompileLimits, *, was_late: bool) -> CaxtonError:
    """Return the error for a compile that gave no code.

    Args:
        ending: How its process ended.
        words: What wasmtime or the process said at last.
        limits: What was allowed.
        was_late: Whether the node killed it because its time was over.
    """
    if ending.code == Exit.INVALID:
        return InvalidModule("the module does not compile", why=words)
    if was_late:
        return _too_long("wall_time", "time", limits.wall_time_s, limits.wall_time_s)
    if ending.code == -signal.SIGXCPU:
        return _too_long("cpu_time", "processor time", ending.cpu_time_s, limits.cpu_time_s)
    asked = _ASKED.search(words)
    if ending.code == Exit.MEMORY or (ending.code == -signal.SIGABRT and asked):
        return _too_large(ending.memory_bytes, int(asked[1]) if asked else 0, limits.memory_bytes)
    if ending.code == Exit.CODE:
        return _too_much_code(limits.code_bytes_max)
    if ending.code in _CRASHES:
        name = signal.Signals(-ending.code).name
        why = f"{name}: {_on_one_line(words)}"
        return CompileRefused("the compiler crashed on this module", why=why, kind="crash")
    if ending.code < 0:
        name = signal.Signals(-ending.code).name
        return CompilerLost(f"its process was killed by {name}", hint="does the host run out of memory?")
    return CompilerLost(ending.fault or f"its process failed: {_on_one_line(words)}")


def _on_one_line(words: str) -> str:
    """Return last words, in which names of the module may be, fit to be shown."""
    return show(" ".join(words.split()), _WORDS_CHARS_MAX)


def _too_long(kind: str, of_what: str, used_s: float, limit_s: float) -> CompileRefused:
    return CompileRefused(
        f"the module takes too much {of_what} to compile",
        why=f"{used_s:.1f} s were used, {limit_s:.1f} s are allowed",
        kind=kind,
        used=used_s,
        limit=limit_s,
    )


def _too_large(used: int, asked: int, limit: int) -> CompileRefused:
    more = f" when it asked for {asked / _MIB:,.1f} MiB more" if asked else ""
    return CompileRefused(
        "the module takes too much memory to compile",
        why=f"{used / _MIB:,.0f} MiB were used{more}, {limit / _MIB:,.0f} MiB are allowed",
        kind="memory",
        used=used + asked,
        limit=limit,
    )


def _too_much_code(limit: int) -> CompileRefused:
    return CompileRefused(
        "the module compiles to too much machine code",
        why=f"more than {limit / _MIB:,.0f} MiB, which are allowed",
        kind="code",
        used=limit,
        limit=limit,
    )
