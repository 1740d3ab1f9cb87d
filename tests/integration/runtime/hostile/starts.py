"""Modules that do not come to their first message."""

from __future__ import annotations

from tests.integration.runtime.hostile.building import TRAP
from tests.integration.runtime.hostile.cases import Hostile, not_started, refused, trapped
from tests.support.guests import tiny

_EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'


def _without(export: str) -> str:
    """Return an agent that lacks one export of the ABI."""
    return tiny().replace(f'(export "{export}")', "")


def _as_global(export: str) -> str:
    return _without(export).rstrip().removesuffix(")") + f'(global (export "{export}") i32 (i32.const 64)))'


STARTS = [
    Hostile(
        "trap-in-start",
        "panics in the start function",
        lambda: tiny(extra=f"(func $first {TRAP}) (start $first)"),
        not_started("unreachable"),
    ),
    Hostile(
        "trap-in-initialize",
        "panics where a language runtime sets itself up",
        lambda: tiny(extra=f'(func (export "_initialize") {TRAP})'),
        not_started("unreachable"),
    ),
    Hostile(
        "trap-in-abi",
        "panics instead of saying where its control block is",
        lambda: tiny(abi=TRAP),
        not_started("unreachable"),
    ),
    Hostile("trap-in-init", "panics in caxton_init", lambda: tiny(init=TRAP), not_started("unreachable")),
    Hostile(
        "trap-in-inbox",
        "panics when asked where its configuration may be written",
        lambda: tiny(inbox=TRAP),
        not_started("unreachable"),
    ),
    Hostile(
        "wild-in-start",
        "writes outside of its memory in the start function",
        lambda: tiny(extra="(func $first (i32.store (i32.const -1) (i32.const 1))) (start $first)"),
        not_started("bounds"),
    ),
    Hostile(
        "init-says-no",
        "returns an error from caxton_init",
        lambda: tiny(init="(i32.const 7)"),
        not_started("guest_error", "error 7"),
    ),
    Hostile(
        "init-says-minus-one",
        "returns -1 from caxton_init",
        lambda: tiny(init="(i32.const -1)"),
        not_started("guest_error", "error -1"),
    ),
    Hostile(
        "inbox-says-no",
        "does not take its configuration",
        lambda: tiny(inbox="(i32.const 0)"),
        not_started("refused", "does not take"),
    ),
    Hostile(
        "inbox-outside-at-start",
        "has its configuration written behind its memory",
        lambda: tiny(inbox="(i32.const 65530)"),
        not_started("abi", "inbox at"),
    ),
    Hostile(
        "handles-in-init",
        "handled a message before there is one",
        lambda: tiny(init="(call $handled (i32.const 1)) (i32.const 0)"),
        not_started("abi", "says 1 of 0"),
    ),
    Hostile(
        "rubbish-in-init",
        "sends half a frame while it starts",
        lambda: tiny(init="(call $out (i32.const 4096) (i32.const 3)) (i32.const 0)"),
        not_started("abi", "too few"),
    ),
    Hostile(
        "exit-in-init",
        "ends its process in caxton_init",
        lambda: tiny(imports=_EXIT, init="(call $exit (i32.const 0)) (i32.const 0)"),
        not_started("exit", "proc_exit(0)"),
    ),
    Hostile(
        "exit-in-start",
        "ends its process in the start function",
        lambda: tiny(imports=_EXIT, extra="(func $first (call $exit (i32.const 1))) (start $first)"),
        not_started("exit"),
    ),
    Hostile(
        "exit-in-handle",
        "ends its process in a message",
        lambda: tiny(imports=_EXIT, handle="(call $exit (i32.const -1)) (i32.const 0)"),
        trapped("exit", "proc_exit(4294967295)"),
    ),
    Hostile("no-memory", "exports no memory", lambda: _without("memory"), refused("does not export memory")),
    Hostile(
        "no-handle",
        "exports no caxton_handle",
        lambda: _without("caxton_handle"),
        refused("does not export caxton_handle"),
    ),
    Hostile(
        "handle-is-a-number",
        "exports a global where a function is called",
        lambda: _as_global("caxton_handle"),
        refused("other than a function"),
    ),
    Hostile(
        "memory-is-a-number",
        "exports a global where a memory is mapped",
        lambda: _as_global("memory"),
        refused("export memory is not a memory"),
    ),
    Hostile(
        "init-takes-64-bits",
        "an init whose argument is twice as wide",
        lambda: tiny().replace('"caxton_init") (param i32)', '"caxton_init") (param i64)'),
        refused("export caxton_init has type (i64) -> (i32)"),
    ),
    Hostile(
        "inbox-gives-nothing",
        "an inbox without a result",
        lambda: tiny(inbox="").replace(
            '"caxton_inbox") (param i32) (result i32)', '"caxton_inbox") (param i32)'
        ),
        refused("export caxton_inbox has type (i32) -> ()"),
    ),
    Hostile(
        "handle-takes-three",
        "a handle that reads two arguments nobody gave",
        lambda: tiny().replace('"caxton_handle") (param i32)', '"caxton_handle") (param i32 i32 i32)'),
        refused("export caxton_handle has type (i32, i32, i32)"),
    ),
    Hostile(
        "checkpoint-takes-one",
        "a checkpoint with an argument",
        lambda: tiny(extra='(func (export "caxton_checkpoint") (param i32) (result i32) (i32.const 0))'),
        refused("export caxton_checkpoint has type (i32) -> (i32)"),
    ),
]
