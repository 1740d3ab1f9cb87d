"""Gives every mutable global of a module a name, so that its state can be read and written. Pure.

At rest the state of an MVP instance is its memory and its mutable globals; its tables never change. A memory
can be had by its export, but a global that is not exported, such as the stack pointer of every C or Rust
module, is out of the host's reach. So before a module is compiled its export section grows by one entry for
each of them:

    7  size  count+n  "caxton:g0" global 0 .. | what was there

The new entries come first. Thus the old ones are read from the same place with the same count, and what was
not valid does not become valid. Nothing else changes: indices and code stay, byte for byte, and code only
moves. An offset that wasmtime reports is `shift` too large.

Rejected: to keep the state of globals in memory by rewriting code, which would cost every access.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from caxton_node.runtime.binary import (
    CODE,
    CUSTOM,
    EXPORT,
    GLOBAL,
    IMPORT,
    ITEMS_MAX,
    MEMORY,
    BrokenModule,
    Reader,
    Section,
    sections,
)
from caxton_node.runtime.mutations import NUMBER, find_mutation

SLOTS_MAX = 1_000
"""Most mutable globals that an image holds. Compilers make one to ten; each costs 3 us to restore."""

# Compilers make some hundred; a module of nothing else would keep an interpreter busy for seconds.
_ENTRIES_MAX = 20_000
_PREFIXES_MAX = 8
_HEAD = b"\0asm\x01\0\0\0"
_STATE = {1: "a table", 2: "a memory"}
_TYPES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64"}
_MAY_MUTATE = frozenset({"bulk-memory", "reference-types"})

# What a global starts from: constants, other globals, references, and the sums of extended constants. Linkers
# write three instructions; a match keeps the GIL, so there is an end.
_INIT = re.compile(
    rb"(?:[\x23\x41\x42\xd0\xd2]%b|[\x6a-\x6c\x7c-\x7e]|\x43.{4}|\x44.{8}|\xfd\x0c.{16}){1,64}+\x0b" % NUMBER,
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class GlobalSlot:
    """A mutable global that the host can reach.

    Attributes:
        name: Its export.
        index: Its index in the module.
        type: `i32`, `i64`, `f32` or `f64`.
    """

    name: str
    index: int
    type: str


@dataclass(frozen=True, slots=True)
class Exposed:
    """A module whose whole state is in reach, or why it is not.

    Attributes:
        binary: The module with the exports added; the one that was given when none is needed or `whole` is
            false.
        globals: Every mutable global, by index; empty when `whole` is false.
        whole: Whether memory and `globals` are all the state that an instance has at rest.
        reason: Why not, as a clause about the module.
        shift: By how many bytes its code has moved.
    """

    binary: bytes
    globals: tuple[GlobalSlot, ...] = ()
    whole: bool = True
    reason: str = ""
    shift: int = 0


class _NotWhole(Exception):
    """The module has state that an image does not hold."""


def expose(binary: bytes, features: Collection[str] = ()) -> Exposed:
    """Add an export for each mutable global.

    The module need not be valid: what is not stays so, and is for the compiler to refuse. Time is linear and
    short (30 ms for 50 MB), except that code is read when a feature allows what changes tables or segments.

    Args:
        binary: A core module.
        features: What its profile allows beyond MVP, by the names of `profile.FEATURES`.

    Raises:
        BrokenModule: Something overruns its section; no compiler takes this module.
    """
    found = _find_sections(binary)
    try:
        functions, globals_imported = _count_imports(binary, found.get(IMPORT))
        _check_memories(binary, found.get(MEMORY))
        slots = _find_slots(binary, found, globals_imported)
        if CODE in found and not _MAY_MUTATE.isdisjoint(features):
            _check_code(binary, found[CODE], functions)
        return _rewrite(binary, found, slots) if slots else Exposed(binary)
    except _NotWhole as reason:
        return Exposed(binary, whole=False, reason=str(reason))


def _find_sections(binary: bytes) -> dict[int, Section]:
    if not binary.startswith(_HEAD):
        raise BrokenModule("this is not a core module")
    found: dict[int, Section] = {}
    for section in sections(binary):
        if section.kind != CUSTOM and found.setdefault(section.kind, section) is not section:
            raise BrokenModule(f"it has two sections of the kind {section.name}")
    return found


def _open(binary: bytes, section: Section | None) -> tuple[Reader, int]:
    """Return a reader behind the count of a section, and the count."""
    if section is None:
        return Reader(binary, 0, 0), 0
    reader = Reader(binary, section.content, section.end)
    return reader, reader.count()


def _count_imports(binary: bytes, section: Section | None) -> tuple[int, int]:
    """Return how many functions and globals are imported, if these are all and no state comes in."""
    reader, count = _open(binary, section)
    if count > _ENTRIES_MAX:
        raise _NotWhole(f"it has {count:,} imports, more than the {_ENTRIES_MAX:,} that are looked through")
    functions = globals_ = 0
    for _ in range(count):
        reader.text(), reader.text()
        match reader.byte():
            case 0:
                reader.number()
                functions += 1
            case 3:
                reader.byte()
                globals_ += 1
                if reader.byte():
                    raise _NotWhole("it imports a mutable global")
            case kind:
                raise _NotWhole(f"it imports {_STATE.get(kind, f'something of kind {kind}')}")
    return functions, globals_


def _check_memories(binary: bytes, section: Section | None) -> None:
    _, count = _open(binary, section)
    if count > 1:
        raise _NotWhole(f"it has {count} memories")


def _check_code(binary: bytes, code: Section, functions: int) -> None:
    mutation = find_mutation(binary, code, functions)
    if mutation is not None:
        raise _NotWhole(mutation)


def _find_slots(binary: bytes, found: dict[int, Section], imported: int) -> list[GlobalSlot]:
    reader, count = _open(binary, found.get(GLOBAL))
    if count > _ENTRIES_MAX:
        raise _NotWhole(f"it has {count:,} globals, more than the {_ENTRIES_MAX:,} that are looked through")
    mutable: dict[int, str] = {}
    for index in range(imported, imported + count):
        code, mutability = reader.byte(), reader.byte()
        start = _INIT.match(binary, reader.position, found[GLOBAL].end)
        if start is None or mutability > 1:
            raise _NotWhole(f"its global {index} is declared in a way that this node cannot read")
        reader.position = start.end()
        if mutability:
            mutable[index] = _name_type(code, index)
    if len(mutable) > SLOTS_MAX:
        raise _NotWhole(f"it has {len(mutable):,} mutable globals, more than {SLOTS_MAX:,}")
    prefix = _find_prefix(binary, found.get(EXPORT)) if mutable else ""
    return [GlobalSlot(f"{prefix}{index}", index, kind) for index, kind in mutable.items()]


def _name_type(code: int, index: int) -> str:
    if code not in _TYPES:
        raise _NotWhole(f"its mutable global {index} holds a reference or a vector")
    return _TYPES[code]


def _find_prefix(binary: bytes, export: Section | None) -> str:
    """Return a beginning that no export has, by looking for its bytes anywhere among the exports."""
    start, end = (export.content, export.end) if export else (0, 0)
    for number in range(_PREFIXES_MAX):
        prefix = f"caxton:{number or ''}g"
        if binary.find(prefix.encode(), start, end) < 0:
            return prefix
    raise _NotWhole("its exports use the names that its globals would get")


def _rewrite(binary: bytes, found: dict[int, Section], slots: list[GlobalSlot]) -> Exposed:
    export = found.get(EXPORT)
    reader, count = _open(binary, export)
    total = count + len(slots)
    if total > ITEMS_MAX:
        raise _NotWhole(f"it has {count:,} exports, which leaves none for its globals")
    # Without a section of exports the new one stands right behind the globals, where it belongs.
    start, stop = (export.start, export.end) if export else (found[GLOBAL].end,) * 2
    old = binary[reader.position : stop] if export else b""
    content = b"".join((_number(total), *map(_entry, slots), old))
    view = memoryview(binary)
    section = (bytes([EXPORT]), _number(len(content)), content)
    grown = b"".join((view[:start], *section, view[stop:]))
    return Exposed(grown, tuple(slots), shift=len(grown) - len(binary))


def _entry(slot: GlobalSlot) -> bytes:
    name = slot.name.encode()
    return _number(len(name)) + name + b"\x03" + _number(slot.index)


def _number(value: int) -> bytes:
    """Write an unsigned LEB128 number in its shortest form."""
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
