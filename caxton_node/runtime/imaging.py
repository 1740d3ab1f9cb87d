"""Takes memory images of instances and restores them; see `images.py` for what they are.

A restore is: make the instance in the ordinary way (start function and data segments run), grow its memory,
write the content, set the globals. `_initialize`, `caxton_abi_v1` and `caxton_init` are not called: they have
been, in the life of the state that is restored.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress, groupby

import wasmtime

from caxton_node.core.errors import ResourceLimit
from caxton_node.runtime.images import (
    BLOCK_BYTES,
    BLOCKS_A_PAGE,
    Image,
    ImageMismatch,
    Origin,
    Run,
    check_fit,
    check_memory,
)
from caxton_node.runtime.limits import PAGE_BYTES
from caxton_node.runtime.native import Guest, Memory
from caxton_node.runtime.native_state import grow, read_global, write_global

_BLOCK_STARTS = range(0, PAGE_BYTES, BLOCK_BYTES)
_ZERO_BLOCK, _ZERO_PAGE = bytes(BLOCK_BYTES), bytes(PAGE_BYTES)
_NOTHING, _EVERYTHING = bytes(BLOCKS_A_PAGE), b"\1" * BLOCKS_A_PAGE


def take(guest: Guest, memory: Memory, origin: Origin, *, block: int = 0) -> Image:
    """Copy the state of an instance.

    Args:
        guest: An instance that is not running and has not trapped.
        memory: Its memory.
        origin: Its module.
        block: Address of its control block.
    """
    marks, parts = _collect(memory.refresh())
    values = tuple([read_global(guest, slot.name) for slot in origin.globals])
    runs = tuple(_find_runs(marks))
    pages = memory.size // PAGE_BYTES
    return Image(origin.module_sha256, origin.profile, pages, block, values, runs, b"".join(parts))


def restore(image: Image, guest: Guest, memory: Memory, origin: Origin, *, memory_bytes_max: int) -> None:
    """Put a fresh instance into the state of an image.

    Everything is checked before the first byte changes.

    Args:
        image: What to restore.
        guest: An instance made in the ordinary way, which has handled nothing.
        memory: Its memory; refreshed here.
        origin: Its module.
        memory_bytes_max: The memory limit of the instance, in bytes.

    Raises:
        ImageMismatch: The image is of another module.
        BrokenImage: It does not have the globals that the module has.
        ResourceLimit: It needs more memory than the instance may have.
    """
    check_fit(image, origin)
    check_memory(image.memory_bytes, memory_bytes_max)
    fresh_bytes = len(memory.refresh())
    if fresh_bytes > image.memory_bytes:
        raise ImageMismatch(
            f"the image has {image.memory_bytes:,} bytes of memory, a fresh instance {fresh_bytes:,}",
            why="memory cannot shrink, and this module does not always start with the same size",
            hint="start the agent without the image",
        )
    _grow(image, guest, memory, fresh_bytes)
    _write(memory.view, image, fresh_bytes)
    for slot, bits in zip(origin.globals, image.globals, strict=True):
        write_global(guest, slot.name, bits)


def _collect(view: memoryview) -> tuple[bytes, list[bytes]]:
    """Return for each block whether it holds anything but zeros, and the parts that do.

    A page is copied before it is compared: comparing bytes is one C call, comparing a view a loop.
    """
    marks, parts = bytearray(), []
    for start in range(0, len(view), PAGE_BYTES):
        page = bytes(view[start : start + PAGE_BYTES])
        filled = _NOTHING if page == _ZERO_PAGE else _mark(page)
        marks += filled
        if filled == _EVERYTHING:
            parts.append(page)
        else:
            parts += [page[at : at + BLOCK_BYTES] for at in compress(_BLOCK_STARTS, filled)]
    return bytes(marks), parts


def _mark(page: bytes) -> bytes:
    return bytes([not page.startswith(_ZERO_BLOCK, at) for at in _BLOCK_STARTS])


def _find_runs(marks: bytes) -> Iterator[Run]:
    at = 0
    for mark, group in groupby(marks):
        count = sum(1 for _ in group)
        if mark:
            yield at, count
        at += count


def _grow(image: Image, guest: Guest, memory: Memory, fresh_bytes: int) -> None:
    if fresh_bytes == image.memory_bytes:
        return
    try:
        grow(guest, memory, image.pages - fresh_bytes // PAGE_BYTES)
    except wasmtime.WasmtimeError as error:
        raise ResourceLimit(
            f"the memory image needs {image.memory_bytes:,} bytes of memory", why=str(error)
        ) from None


def _write(view: memoryview, image: Image, fresh_bytes: int) -> None:
    """Write the content and clear what lies between; behind the fresh memory all is zero already."""
    content = memoryview(image.content)
    at = end = 0
    for first, count in image.runs:
        start, length = first * BLOCK_BYTES, count * BLOCK_BYTES
        _clear(view, end, min(start, fresh_bytes))
        end = start + length
        view[start:end] = content[at : at + length]
        at += length
    _clear(view, end, fresh_bytes)


def _clear(view: memoryview, start: int, stop: int) -> None:
    """Set bytes to zero, but do not touch pages that are: they cost nothing until they are written."""
    for at in range(start, stop, PAGE_BYTES):
        piece = view[at : min(at + PAGE_BYTES, stop)]
        if not _ZERO_PAGE.startswith(bytes(piece)):
            piece[:] = _ZERO_PAGE[: len(piece)]
