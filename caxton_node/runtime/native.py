"""The one file that reaches below wasmtime's public Python API. Pinned to wasmtime 50 by pyproject.toml.

Why at all (figures in DESIGN.md): the public call costs 17 to 43 us, the unchecked one below 1 us, and the
public `Config` cannot turn off what must be off together with reference types. What the public API checks is
checked here instead: `FunctionTypes` of a module before anything is called (`exports.py`), addresses in
`Memory`.

Two handles on one library: `_released` gives up the GIL during the call, for everything that runs guest code;
`_held` keeps it, for calls of a few machine instructions, where handing the GIL over costs more than the
call.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Collection
from ctypes import addressof, c_char_p, c_int, c_size_t, c_ssize_t, c_uint64, c_void_p
from typing import Any

import wasmtime
from wasmtime import _bindings, _ffi

Foreign = Any  # ctypes objects have no static type worth the name

_released = _ffi.dll
_held = ctypes.PyDLL(_ffi.dll._name)  # noqa: SLF001 - the path of a loaded library has no public name

_OFF = (
    "simd", "relaxed_simd", "reference_types", "bulk_memory", "threads", "multi_memory", "memory64",
    "tail_call", "gc", "function_references", "exceptions", "component_model", "multi_value",
    "wide_arithmetic", "custom_page_sizes", "stack_switching",
)  # fmt: skip


def _prototype(library: Foreign, name: str, result: Foreign, *arguments: Foreign) -> Foreign:
    """Take a function with plain integers for pointers: three times faster than typed pointer objects.

    `library[name]` makes a new function object, so wasmtime's own declarations stay as they are.
    """
    function = library[name]
    function.restype, function.argtypes = result, list(arguments)
    return function


_call = _prototype(_released, "wasmtime_func_call_unchecked", c_void_p, *[c_void_p] * 3, c_size_t, c_void_p)
_set_fuel = _prototype(_held, "wasmtime_context_set_fuel", c_void_p, c_void_p, c_uint64)
_get_fuel = _prototype(_held, "wasmtime_context_get_fuel", c_void_p, c_void_p, c_void_p)
_set_deadline = _prototype(_held, "wasmtime_context_set_epoch_deadline", None, c_void_p, c_uint64)
_set_data = _prototype(_held, "wasmtime_context_set_data", None, c_void_p, c_void_p)
_get_data = _prototype(_held, "wasmtime_context_get_data", c_void_p, c_void_p)
_data_size = _prototype(_held, "wasmtime_memory_data_size", c_size_t, c_void_p, c_void_p)
_data = _prototype(_held, "wasmtime_memory_data", c_void_p, c_void_p, c_void_p)
_export = _prototype(
    _held, "wasmtime_instance_export_get", ctypes.c_bool, c_void_p, c_void_p, c_char_p, c_size_t, c_void_p
)
_caller_export = _prototype(
    _held, "wasmtime_caller_export_get", ctypes.c_bool, c_void_p, c_char_p, c_size_t, c_void_p
)
_caller_context = _prototype(_held, "wasmtime_caller_context", c_void_p, c_void_p)
_new_trap = _prototype(_held, "wasmtime_trap_new", c_size_t, c_char_p, c_size_t)
_view = _prototype(ctypes.pythonapi, "PyMemoryView_FromMemory", ctypes.py_object, c_void_p, c_ssize_t, c_int)
_WRITABLE = 0x200

_Callback = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_void_p, c_size_t)
_Finalizer = ctypes.CFUNCTYPE(None, c_void_p)
_define = _prototype(
    _released, "wasmtime_linker_define_func_unchecked", c_void_p, c_void_p, c_char_p, c_size_t, c_char_p,
    c_size_t, c_void_p, _Callback, c_void_p, _Finalizer,
)  # fmt: skip

_Tick = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_void_p, c_void_p)
_watch = _prototype(
    _held, "wasmtime_store_epoch_deadline_callback", None, c_void_p, _Tick, c_void_p, _Finalizer
)
_new_error = _prototype(_held, "wasmtime_error_new", c_size_t, c_char_p)

_VALUE_BYTES = 16  # wasmtime_val_raw_t: eight bytes of an integer, eight more for vectors
_HANDLE_AT = _bindings.wasmtime_extern_t.of.offset
_KINDS = {"func": _ffi.WASMTIME_EXTERN_FUNC.value, "memory": _ffi.WASMTIME_EXTERN_MEMORY.value}


def strict_config(allowed: Collection[str] = ()) -> wasmtime.Config:
    """Return a configuration with every feature off that can be turned off, but for those allowed.

    Turning reference types off aborts the process, with no exception, unless the component model's
    asynchronous part and concurrency support go with them; only the bindings can do that. A test makes an
    engine of every profile in a child process.

    Args:
        allowed: Features by wasmtime's names, such as `bulk_memory`.
    """
    config = wasmtime.Config()
    for feature in _OFF:
        getattr(_bindings, f"wasmtime_config_wasm_{feature}_set")(config.ptr(), feature in allowed)
    config.gc_support = False
    _bindings.wasmtime_config_wasm_component_model_async_set(config.ptr(), False)
    _bindings.wasmtime_config_concurrency_support_set(config.ptr(), False)
    return config


TABLES_MAX = 8
FIRST_LOOK = 2
"""Epochs until a call is first looked at: more than one, so that short calls hardly ever are."""


class Memory:
    """The linear memory of one instance, as a view that is renewed when the memory has grown and moved."""

    __slots__ = ("_context", "_handle", "_item", "size", "view")

    def __init__(self, context: int, item: Foreign) -> None:
        self._context = context
        self._item = item  # keeps the handle alive
        self._handle = addressof(item) + _HANDLE_AT
        self.size = -1
        self.view = memoryview(b"")
        self.refresh()

    def refresh(self) -> memoryview:
        """Return the current view; call it after every return from the guest, before any address is used."""
        size = _data_size(self._context, self._handle)
        if size != self.size:
            base = _data(self._context, self._handle)
            # A memory of no pages has no base.
            self.view = _view(base, size, _WRITABLE) if base else memoryview(b"")
            self.size = size
        return self.view


class Guest:
    """One store with one instance in it: fuel, deadline, exports. Not thread-safe.

    Args:
        engine: Whose code it runs.
        has_fuel: Whether the engine counts fuel.
        has_deadline: Whether the engine looks at epochs.
    """

    __slots__ = (
        "_context", "_fuel", "_fuel_at", "_has_deadline", "_has_fuel", "_instance", "_store", "_trap",
        "_trap_at", "_values", "_values_at",
    )  # fmt: skip

    def __init__(self, engine: wasmtime.Engine, *, has_fuel: bool = True, has_deadline: bool = True) -> None:
        self._has_fuel = has_fuel
        self._has_deadline = has_deadline
        self._store = wasmtime.Store(engine)
        # The stub types say None for what is always a pointer.
        self._context: int = ctypes.cast(self._store._context(), c_void_p).value or 0  # noqa: SLF001 - no public name
        self._instance: Foreign = None
        self._values = (c_uint64 * 2)()
        self._values_at = addressof(self._values)
        self._trap = c_void_p()
        self._trap_at = addressof(self._trap)
        self._fuel = c_uint64()
        self._fuel_at = addressof(self._fuel)

    def attach(self, state_id: int) -> None:
        """Tell host functions which state belongs to this store."""
        _set_data(self._context, state_id)

    def instantiate(self, pre: wasmtime.InstancePre) -> None:
        """Make the instance and run its start function.

        Raises:
            wasmtime.Trap: The start function or a data segment trapped.
            wasmtime.WasmtimeError: The store's limits are too small for it.
        """
        self._instance = pre.instantiate(self._store)._instance  # noqa: SLF001 - the handle has no public name

    def limit(self, memory_bytes: int, table_elements: int) -> None:
        """Bound its memory and tables from now on; what it has already it keeps."""
        self._store.set_limits(memory_bytes, table_elements, 1, TABLES_MAX, 1)

    def watch(self, tick: Foreign, state_id: int) -> None:
        """Let a callback of `make_tick` judge calls that are under way when the epoch moves."""
        if self._has_deadline:
            _watch(ctypes.cast(self._store.ptr(), c_void_p), tick, state_id, _Finalizer())

    def refill(self, fuel_units: int, epochs: int = FIRST_LOOK) -> None:
        """Set the fuel left, and after how many epochs a call is looked at, as far as the engine keeps them.

        A store that nobody watches traps then.
        """
        if self._has_fuel:
            _set_fuel(self._context, fuel_units)
        if self._has_deadline:
            _set_deadline(self._context, epochs)

    def read_fuel(self) -> int:
        """Return the fuel left; 0 where none is counted."""
        if not self._has_fuel:
            return 0
        _get_fuel(self._context, self._fuel_at)
        return self._fuel.value

    def find_memory(self) -> Memory | None:
        """Return the exported memory."""
        item = self._find("memory", "memory")
        return None if item is None else Memory(self._context, item)

    def find_function(self, name: str) -> Callable[[int], int] | None:
        """Return an exported function of at most one i32 and at most one i32 result, as u32 to u32.

        The signature must have been checked on the module: a wrong one is undefined behaviour.

        Raises (when called):
            wasmtime.Trap: The guest trapped; the instance must not be called again.
        """
        item = self._find(name, "func")
        if item is None:
            return None
        handle, context, values, values_at = (
            addressof(item) + _HANDLE_AT,
            self._context,
            self._values,
            self._values_at,
        )
        trap, trap_at = self._trap, self._trap_at

        def call(argument: int, _keep: Foreign = item) -> int:
            values[0] = argument
            error = _call(context, handle, values_at, 1, trap_at)
            if error or trap.value:
                raise self._take_failure(error)
            return values[0] & 0xFFFFFFFF

        return call

    def close(self) -> None:
        """Free the instance and its memory; views of it are dangling from here on."""
        self._store.close()

    def _find(self, name: str, kind: str) -> Foreign:
        item: Foreign = _bindings.wasmtime_extern_t()
        data = name.encode()
        instance = addressof(self._instance)
        if (
            not _export(self._context, instance, data, len(data), addressof(item))
            or item.kind != _KINDS[kind]
        ):
            return None
        return item

    def _take_failure(self, error: int | None) -> Exception:
        if error:
            pointer = ctypes.cast(error, ctypes.POINTER(_bindings.wasmtime_error_t))
            return wasmtime.WasmtimeError._from_ptr(pointer)  # noqa: SLF001 - made from the C call above
        found = ctypes.cast(self._trap, ctypes.POINTER(_bindings.wasm_trap_t))
        trap = wasmtime.Trap._from_ptr(found)  # noqa: SLF001 - made from the C call above
        self._trap.value = None
        return trap


FindMemory = Callable[[], "Memory | None"]
HostFunction = Callable[[int, FindMemory, tuple[int, ...]], int]
_callbacks: list[Foreign] = []  # C holds bare pointers to these; they live as long as the process


def make_callback(function: HostFunction, arity: int, *, has_result: bool) -> Foreign:
    """Wrap a Python function for `define_host`; at import time of its module, since it is never freed.

    Args:
        function: Called with the state id of the store, a way to the caller's memory, and the arguments as
            u64. An exception of any kind becomes a trap in the guest with its text as message.
        arity: Number of parameters.
        has_result: Whether a value is returned.
    """

    def run(_env: int, caller: int, values_at: int, count: int) -> int:
        try:
            values: Foreign = _view(values_at, count * _VALUE_BYTES, _WRITABLE).cast("Q") if count else ()
            context = _caller_context(caller)
            arguments = tuple(values[2 * index] for index in range(arity))
            result = function(_get_data(context) or 0, lambda: _caller_memory(caller, context), arguments)
            if has_result:
                values[0] = result
        except Exception as error:  # noqa: BLE001 - an exception must not cross C; the guest is stopped instead
            text = str(error).encode()
            return int(_new_trap(text, len(text)))
        return 0

    callback = _Callback(run)
    _callbacks.append(callback)
    return callback


def make_tick(look: Callable[[int], str | None]) -> Foreign:
    """Wrap a Python function for `Guest.watch`; at import time of its module, since it is never freed.

    Args:
        look: Called with the state id of a store whose guest is running, at each epoch; returns why the guest
            must stop, or None. What it raises stops the guest as well.
    """

    def run(_context: int, state_id: int, delta_at: int, kind_at: int) -> int:
        try:
            ctypes.c_uint64.from_address(delta_at).value = 1
            ctypes.c_uint8.from_address(kind_at).value = 0  # go on
            reason = look(state_id)
        except Exception as error:  # noqa: BLE001 - an exception must not cross C; the guest is stopped instead
            reason = f"{type(error).__name__}: {error}"
        return int(_new_error(reason.encode())) if reason is not None else 0

    callback = _Tick(run)
    _callbacks.append(callback)
    return callback


def define_host(
    linker: wasmtime.Linker, module: str, name: str, kind: wasmtime.FuncType, callback: Foreign
) -> None:
    """Link a callback of `make_callback` under a name; about 2 us for a call instead of 11 to 50."""
    first, second = module.encode(), name.encode()
    error = _define(
        ctypes.cast(linker.ptr(), c_void_p), first, len(first), second, len(second),
        ctypes.cast(kind.ptr(), c_void_p), callback, None, _Finalizer(),
    )  # fmt: skip
    assert not error, f"{module}.{name} is defined twice"


def _caller_memory(caller: int, context: int) -> Memory | None:
    item: Foreign = _bindings.wasmtime_extern_t()
    if not _caller_export(caller, b"memory", 6, addressof(item)) or item.kind != _KINDS["memory"]:
        return None
    return Memory(context, item)
