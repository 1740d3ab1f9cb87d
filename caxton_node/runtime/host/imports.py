"""THE table of host functions: what a module may import. The linker and the validation both read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import wasmtime

from caxton_node.runtime import native
from caxton_node.runtime.host import caxton, wasi
from caxton_node.runtime.host.calls import Call

WASI = "wasi_snapshot_preview1"
_I32, _I64 = "i32", "i64"


class HostImport(NamedTuple):
    """One linkable function.

    Attributes:
        module: Import module.
        name: Import name.
        params: WebAssembly types of the parameters.
        results: None or one type.
        function: What it does.
    """

    module: str
    name: str
    params: tuple[str, ...]
    results: tuple[str, ...]
    function: Callable[[Call], int]


def _wasi(name: str, params: str, function: Callable[[Call], int]) -> HostImport:
    types = tuple(_I64 if letter == "l" else _I32 for letter in params)
    return HostImport(WASI, name, types, (_I32,), function)


TABLE: tuple[HostImport, ...] = (
    HostImport("caxton", "log", (_I32, _I32, _I32), (), caxton.log),
    HostImport("caxton", "now_ns", (), (_I64,), caxton.now_ns),
    HostImport("caxton", "random", (_I32, _I32), (), caxton.random),
    _wasi("args_get", "ii", wasi.succeed),
    _wasi("args_sizes_get", "ii", wasi.sizes_get),
    _wasi("environ_get", "ii", wasi.succeed),
    _wasi("environ_sizes_get", "ii", wasi.sizes_get),
    _wasi("clock_res_get", "ii", wasi.clock_res_get),
    _wasi("clock_time_get", "ili", wasi.clock_time_get),
    _wasi("random_get", "ii", wasi.random_get),
    _wasi("sched_yield", "", wasi.succeed),
    _wasi("fd_write", "iiii", wasi.fd_write),
    _wasi("fd_read", "iiii", wasi.fd_read),
    _wasi("fd_fdstat_get", "ii", wasi.fd_fdstat_get),
    _wasi("fd_fdstat_set_flags", "ii", wasi.no_such_descriptor),
    _wasi("fd_prestat_get", "ii", wasi.no_such_descriptor),
    _wasi("fd_prestat_dir_name", "iii", wasi.no_such_descriptor),
    _wasi("fd_close", "i", wasi.no_such_descriptor),
    _wasi("fd_seek", "ilii", wasi.no_such_descriptor),
    _wasi("poll_oneoff", "iiii", wasi.not_supported),
    HostImport(WASI, "proc_exit", (_I32,), (), wasi.proc_exit),
)
BY_NAME: dict[tuple[str, str], HostImport] = {(entry.module, entry.name): entry for entry in TABLE}


def make_linker(engine: wasmtime.Engine) -> wasmtime.Linker:
    """Return a linker that knows the whole table; one serves all modules of an engine."""
    linker = wasmtime.Linker(engine)
    for entry, callback in _CALLBACKS:
        native.define_host(linker, entry.module, entry.name, _function_type(entry), callback)
    return linker


def _function_type(entry: HostImport) -> wasmtime.FuncType:
    types = {_I32: wasmtime.ValType.i32, _I64: wasmtime.ValType.i64}
    return wasmtime.FuncType(
        [types[name]() for name in entry.params], [types[name]() for name in entry.results]
    )


def _callback(entry: HostImport) -> native.Foreign:
    def run(state_id: int, find_memory: native.FindMemory, arguments: tuple[int, ...]) -> int:
        return entry.function(Call(state_id, find_memory, arguments))

    return native.make_callback(run, len(entry.params), has_result=bool(entry.results))


_CALLBACKS = [(entry, _callback(entry)) for entry in TABLE]
