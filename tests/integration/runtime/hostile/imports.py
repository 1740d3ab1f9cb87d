"""Wishes for more of the host than there is: refused before anything runs."""

from __future__ import annotations

from tests.integration.runtime.hostile.building import DONE
from tests.integration.runtime.hostile.cases import Hostile, refused
from tests.support.guests import tiny

_WASI = "wasi_snapshot_preview1"


def _wants(name: str, tries: str, module: str, item: str, kind: str, words: str = "") -> Hostile:
    text = f'(import "{module}" "{item}" {kind})'
    return Hostile(
        name, tries, lambda: tiny(imports=text, handle=DONE), refused(words or f"imports {module}.{item}")
    )


IMPORTS = [
    _wants("wants-env", "a function that some host may have", "env", "abort", "(func)"),
    _wants(
        "wants-files",
        "opens a file",
        _WASI,
        "path_open",
        "(func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32))",
    ),
    _wants(
        "wants-sockets",
        "sends on a socket",
        _WASI,
        "sock_send",
        "(func (param i32 i32 i32 i32 i32) (result i32))",
    ),
    _wants(
        "wants-to-listen",
        "accepts a connection",
        _WASI,
        "sock_accept",
        "(func (param i32 i32 i32) (result i32))",
    ),
    _wants(
        "wants-signals",
        "raises a signal in its process",
        _WASI,
        "proc_raise",
        "(func (param i32) (result i32))",
    ),
    _wants("wants-threads", "spawns a thread", "wasi", "thread-spawn", "(func (param i32) (result i32))"),
    _wants("wants-unknown", "a function of our own module that is not there", "caxton", "exec", "(func)"),
    _wants("wants-to-send", "sends without its outbox", "caxton", "send", "(func (param i32 i32))"),
    _wants(
        "wants-other-type",
        "the log with an argument less",
        "caxton",
        "log",
        "(func (param i32 i32))",
        "caxton.log has type (i32, i32) -> ()",
    ),
    _wants(
        "wants-other-result",
        "the time as a float",
        "caxton",
        "now_ns",
        "(func (result f64))",
        "caxton.now_ns has type () -> (f64)",
    ),
    _wants(
        "wants-a-global", "the time as a global", "caxton", "now_ns", "(global i64)", "other than a function"
    ),
    Hostile(
        "wants-a-memory",
        "the host's memory as its own",
        lambda: tiny(memory='(import "env" "memory") 1'),
        refused("imports env.memory"),
    ),
    _wants("wants-a-table", "the host's table", "env", "table", "(table 1 funcref)"),
    _wants("wants-ffi", "a name that looks like a path", "../../lib", "libc.so", "(func)"),
]
