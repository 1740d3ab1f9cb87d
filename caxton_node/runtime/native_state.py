"""Reads and sets the state of an instance from outside: its globals, the size of its memory.

The part of `native.py` that memory images need, in the same style: plain integers for pointers, and calls
that keep the GIL. Growing keeps it too: what is copied is the memory of a fresh instance, which is small, and
getting the GIL back can take longer than a whole restore.
"""

from __future__ import annotations

import ctypes
from ctypes import addressof, c_size_t, c_uint64, c_void_p

import wasmtime
from wasmtime import _bindings, _ffi

from caxton_node.runtime.native import Foreign, Guest, Memory, _export, _held, _prototype

_get = _prototype(_held, "wasmtime_global_get", None, c_void_p, c_void_p, c_void_p)
_set = _prototype(_held, "wasmtime_global_set", c_size_t, c_void_p, c_void_p, c_void_p)
_grow = _prototype(_held, "wasmtime_memory_grow", c_size_t, c_void_p, c_void_p, c_uint64, c_void_p)

_HANDLE_AT = _bindings.wasmtime_extern_t.of.offset
_BITS_AT = _bindings.wasmtime_val_t.of.offset
_GLOBAL: Foreign = _ffi.WASMTIME_EXTERN_GLOBAL.value
_F64: Foreign = _ffi.WASMTIME_F64.value  # the last of the four kinds that are plain numbers
_WIDE = frozenset({_ffi.WASMTIME_I64.value, _F64})


class _Global:
    """One exported global with room for its value; the value's kind is read from the instance."""

    __slots__ = ("_context", "_handle", "_item", "_value", "_value_at")

    def __init__(self, guest: Guest, name: str) -> None:
        self._context = guest._context  # noqa: SLF001 - two halves of one thing, see the module docstring
        self._item: Foreign = _bindings.wasmtime_extern_t()
        data = name.encode()
        instance = addressof(guest._instance)  # noqa: SLF001 - as above
        if not _export(self._context, instance, data, len(data), addressof(self._item)):
            raise LookupError(f"the instance exports no {name!r}")
        if self._item.kind != _GLOBAL:
            raise LookupError(f"its export {name!r} is not a global")
        self._handle = addressof(self._item) + _HANDLE_AT
        self._value: Foreign = _bindings.wasmtime_val_t()
        self._value_at = addressof(self._value)

    def get(self) -> int:
        """Return the bits of the value."""
        _get(self._context, self._handle, self._value_at)
        if self._value.kind > _F64:
            # Only numbers get here: exposing.py gives no slot to anything else.
            raise LookupError("the global holds no number")
        return self._bits.value & self._mask

    def set(self, bits: int) -> None:
        """Replace the value by one of the same kind."""
        self.get()
        self._bits.value = bits & self._mask
        error = _set(self._context, self._handle, self._value_at)
        if error:
            raise _take_error(error)

    @property
    def _bits(self) -> c_uint64:
        return c_uint64.from_address(self._value_at + _BITS_AT)

    @property
    def _mask(self) -> int:
        return 0xFFFF_FFFF_FFFF_FFFF if self._value.kind in _WIDE else 0xFFFF_FFFF


def read_global(guest: Guest, name: str) -> int:
    """Return an exported global as unsigned bits; a float is not converted, so every NaN comes out as it is.

    Raises:
        LookupError: There is no such global, or it holds no number.
    """
    return _Global(guest, name).get()


def write_global(guest: Guest, name: str, bits: int) -> None:
    """Set an exported mutable global.

    Args:
        guest: An instance that is not running.
        name: Name of the export.
        bits: The value; of an i32 or f32, the lower half.

    Raises:
        LookupError: There is no such global, or it holds no number.
        wasmtime.WasmtimeError: It is not mutable.
    """
    _Global(guest, name).set(bits)


def grow(guest: Guest, memory: Memory, pages: int) -> None:
    """Make a memory larger, as `memory.grow` of the guest would; its views dangle until it is refreshed.

    Raises:
        wasmtime.WasmtimeError: The limit of the store or of the memory forbids it; the memory is as before.
    """
    before = c_uint64()
    context, handle = guest._context, memory._handle  # noqa: SLF001 - two halves of one thing
    error = _grow(context, handle, pages, addressof(before))
    if error:
        raise _take_error(error)
    memory.refresh()


def _take_error(error: int) -> wasmtime.WasmtimeError:
    pointer = ctypes.cast(error, ctypes.POINTER(_bindings.wasmtime_error_t))
    taken: wasmtime.WasmtimeError = wasmtime.WasmtimeError._from_ptr(pointer)  # noqa: SLF001 - made by the C call
    return taken
