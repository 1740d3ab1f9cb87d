"""Agents that abuse the moment in which one version hands over to the next.

Each is the echo agent with halves of a checkpoint that do what they should not. It is updated to another
version of itself; that fails with the named error, and the one that was there goes on answering.
"""

from __future__ import annotations

from caxton_node.runtime import Limits
from tests.integration.runtime.hostile.building import LOG, TRAP
from tests.integration.runtime.hostile.cases import End, Hostile, How
from tests.support.guests import wat

_LIMITS = Limits(
    fuel_per_message=200_000, wall_time_s=60.0, checkpoint_bytes_max=65_536, host_calls_per_s=1_000
)
_ENDLESS = "(loop $again (br $again))"
_GROW = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 8)) (i32.const -1))))"
_CALLS = "(loop $again (call $log (i32.const 0) (i32.const 0) (i32.const 1)) (br $again))"
_DEEP = "(func $deep (call $deep) (call $deep))"
_EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'


def _leaves(address: str, length: str, code: int = 0) -> str:
    return f"(i32.store (i32.const 72) {address}) (i32.store (i32.const 76) {length}) (i32.const {code})"


_LEAVES_WORD = _leaves("(i32.const 1024)", "(i32.const 4)")
_ALL = _leaves("(i32.const 0)", "(i32.mul (memory.size) (i32.const 65536))")


def echo_that(
    *, leaves: str = _LEAVES_WORD, takes: str = "(i32.const 0)", imports: str = "", extra: str = ""
) -> str:
    """Return an echo agent with these bodies of `caxton_checkpoint` and `caxton_restore`."""
    text = wat("echo").replace("(module\n", f"(module {imports}\n", 1).rstrip().removesuffix(")")
    return f"""{text}
      (func (export "caxton_checkpoint") (result i32) {leaves})
      (func (export "caxton_restore") (param i32) (result i32) {takes})
      {extra})"""


def _not_kept(name: str, tries: str, kind: str, words: str, **parts: str) -> Hostile:
    end = End(How.NOT_KEPT, kind, words)
    return Hostile(name, tries, lambda: echo_that(**parts), end, _LIMITS, updates=True)


def _not_taken(name: str, tries: str, kind: str, words: str, **parts: str) -> Hostile:
    end = End(How.NOT_TAKEN, kind, words)
    return Hostile(name, tries, lambda: echo_that(**parts), end, _LIMITS, updates=True)


CHECKPOINTS = [
    _not_kept(
        "checkpoint-spins", "a checkpoint that never ends", "fuel", "", leaves=f"{_ENDLESS} (i32.const 0)"
    ),
    _not_kept("checkpoint-panics", "panics in its checkpoint", "unreachable", "", leaves=TRAP),
    _not_kept(
        "checkpoint-recurses",
        "recursion in its checkpoint",
        "stack",
        "",
        leaves="(call $deep) (i32.const 0)",
        extra=_DEEP,
    ),
    _not_kept(
        "checkpoint-calls-out",
        "endless host calls in its checkpoint",
        "host_calls",
        "",
        imports=LOG,
        leaves=f"{_CALLS} (i32.const 0)",
    ),
    _not_kept(
        "checkpoint-exits",
        "ends its process in its checkpoint",
        "exit",
        "",
        imports=_EXIT,
        leaves="(call $exit (i32.const 0)) (i32.const 0)",
    ),
    _not_kept(
        "checkpoint-says-no",
        "returns an error from its checkpoint",
        "checkpoint",
        "refused with 3",
        leaves="(i32.const 3)",
    ),
    _not_kept(
        "checkpoint-grows-and-says-no",
        "moves its memory in its checkpoint and returns an error",
        "checkpoint",
        "refused with 3",
        leaves="(drop (memory.grow (i32.const 40))) (i32.const 3)",
    ),
    _not_kept(
        "checkpoint-bomb",
        "a checkpoint as large as its memory",
        "checkpoint",
        "at most 65,536",
        leaves=f"(drop (memory.grow (i32.const 15))) {_ALL}",
    ),
    _not_kept(
        "checkpoint-bomb-of-all",
        "grows to its limit and leaves all of it",
        "checkpoint",
        "at most 65,536",
        leaves=f"{_GROW} {_ALL}",
    ),
    _not_kept(
        "checkpoint-outside",
        "a checkpoint behind its memory",
        "abi",
        "outside",
        leaves=_leaves("(i32.const 0x7fffff00)", "(i32.const 256)"),
    ),
    _not_kept(
        "checkpoint-wrapping",
        "a checkpoint whose end wraps to something small",
        "abi",
        "outside",
        leaves=_leaves("(i32.const -8)", "(i32.const 16)"),
    ),
    _not_kept(
        "checkpoint-of-4-gib",
        "a checkpoint of 4 GiB less one",
        "abi",
        "outside",
        leaves=_leaves("(i32.const 0)", "(i32.const -1)"),
    ),
    _not_taken("restore-spins", "never takes what was left", "fuel", "", takes=f"{_ENDLESS} (i32.const 0)"),
    _not_taken("restore-panics", "panics when it takes what was left", "unreachable", "", takes=TRAP),
    _not_taken(
        "restore-recurses",
        "recursion when it takes what was left",
        "stack",
        "",
        takes="(call $deep) (i32.const 0)",
        extra=_DEEP,
    ),
    _not_taken(
        "restore-grows",
        "grows without end when it takes what was left",
        "memory",
        "",
        takes="(drop (memory.grow (i32.const 159))) unreachable",
    ),
    _not_taken(
        "restore-reads-wild",
        "reads outside of its memory when it takes what was left",
        "bounds",
        "",
        takes="(i32.load (i32.const -4))",
    ),
    _not_taken(
        "restore-says-no",
        "does not take what it has left itself",
        "checkpoint",
        "does not take",
        takes="(i32.const 5)",
    ),
    _not_taken(
        "restore-sends-rubbish",
        "sends half a frame when it takes what was left",
        "abi",
        "too few",
        takes=_leaves("(i32.const 1024)", "(i32.const 3)"),
    ),
    _not_taken(
        "restore-handles",
        "handled a message that nobody gave it",
        "abi",
        "says 1 of 0",
        takes="(i32.store (i32.const 68) (i32.const 1)) (i32.const 0)",
    ),
]
