"""However a compile ends, one error says whose fault it is."""

from __future__ import annotations

import signal

import pytest

from caxton_node.core.errors import InvalidModule, ResourceLimit
from caxton_node.runtime.compile_server import Ending, Exit, Order
from caxton_node.runtime.compile_verdict import CompileLimits, CompileRefused, CompilerLost, explain_ending
from caxton_node.runtime.profile import Cpu, Profile
from caxton_node.runtime.settings import EngineSettings

pytestmark = pytest.mark.story("016")
MIB = 1024 * 1024
LIMITS = CompileLimits(wall_time_s=3, cpu_time_s=5, memory_bytes=100 * MIB, code_bytes_max=10 * MIB)
OUT_OF_MEMORY = "memory allocation of 52428800 bytes failed\nnote: run with `RUST_BACKTRACE=1`"


def verdict(code: int, words: str = "", *, was_late: bool = False, fault: str = "") -> Exception:
    ending = Ending(code, cpu_time_s=5.2, memory_bytes=80 * MIB, fault=fault)
    return explain_ending(ending, words, LIMITS, was_late=was_late)


REFUSALS = {
    "killed by the node": (
        (-signal.SIGKILL, "", True), ("wall_time", 3, 3), "3.0 s were used, 3.0 s are allowed",
    ),
    "out of processor time": (
        (-signal.SIGXCPU, "", False), ("cpu_time", 5.2, 5), "5.2 s were used, 5.0 s are allowed",
    ),
    "out of memory in Rust": (
        (-signal.SIGABRT, OUT_OF_MEMORY, False), ("memory", 130 * MIB, 100 * MIB),
        "80 MiB were used when it asked for 50.0 MiB more, 100 MiB are allowed",
    ),
    "out of memory in Python": (
        (Exit.MEMORY, "", False), ("memory", 80 * MIB, 100 * MIB), "80 MiB were used, 100 MiB are allowed",
    ),
    "too much code": (
        (Exit.CODE, "", False), ("code", 10 * MIB, 10 * MIB), "more than 10 MiB, which are allowed",
    ),
    "a panic": ((-signal.SIGABRT, "panicked at x.rs\n", False), ("crash", 0, 0), "SIGABRT: panicked at x.rs"),
    "a wild pointer": ((-signal.SIGSEGV, "", False), ("crash", 0, 0), "SIGSEGV: "),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_the_module_is_to_blame(name):
    (code, words, was_late), facts, why = REFUSALS[name]
    error = verdict(code, words, was_late=was_late)
    assert isinstance(error, CompileRefused)
    assert isinstance(error, ResourceLimit)
    assert (error.kind, error.used, error.limit) == facts
    assert error.why == why
    assert not error.retryable


@pytest.mark.parametrize(
    ("ending", "why"),
    [
        (verdict(-signal.SIGKILL), "its process was killed by SIGKILL"),
        (verdict(-signal.SIGTERM), "its process was killed by SIGTERM"),
        (verdict(Exit.BROKEN, "OSError(5)"), "its process failed: OSError(5)"),
        (verdict(Exit.BROKEN, fault="no process for it: try again"), "no process for it: try again"),
        (verdict(77), "its process failed: "),
    ],
)
def test_the_module_is_not_to_blame(ending, why):
    assert isinstance(ending, CompilerLost)
    assert ending.why == why
    assert ending.retryable


def test_words_on_an_invalid_module_stay_as_they_are():
    error = verdict(Exit.INVALID, "at offset 0x17\n")
    assert isinstance(error, InvalidModule)
    assert error.why == "at offset 0x17\n"


def test_a_module_found_invalid_at_the_last_moment_is_not_called_late():
    assert isinstance(verdict(Exit.INVALID, "words", was_late=True), InvalidModule)


@pytest.mark.parametrize("code", [-signal.SIGABRT, Exit.BROKEN])
def test_what_a_module_put_into_the_last_words_has_no_power_over_who_shows_them(code):
    words = "panicked at\n  function `\x1b[2J\u202e\x00level=error\r`\n"
    why = verdict(code, words).why
    assert why.partition(": ")[2] == "panicked at function `\\x1b[2J\\u202e\\x00level=error `"


def test_long_last_words_are_cut():
    assert len(str(verdict(-signal.SIGABRT, "x" * 10_000))) < 1000


@pytest.mark.parametrize("profile", [Profile(), Profile(("simd",), Cpu.METERED, deterministic=True)])
def test_orders_and_endings_arrive_as_they_were_sent(profile):
    order = Order(profile, EngineSettings(growth_reservation_bytes=7), 1, 2.5, 3)
    assert Order.decode(order.encode()) == order
    ending = Ending(-9, 1.5, 2**40, "a fault")
    assert Ending.decode(ending.encode()) == ending
