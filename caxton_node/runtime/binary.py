"""Reads just enough of a binary module to say where things are. Pure; trusts no number in it.

    module    magic, version, then sections: id u8, size leb, content
    code      section 10: count, then per function: size leb, body

Used after validation has failed, to turn "at offset 0x1f" into a function with a name, and before compiling,
to give mutable globals a name (`exposing.py`). Source: WebAssembly core specification, binary format.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

CUSTOM, TYPE, IMPORT, FUNCTION, MEMORY, GLOBAL, EXPORT, CODE, DATA, DATA_COUNT = (
    0,
    1,
    2,
    3,
    5,
    6,
    7,
    10,
    11,
    12,
)
SECTION_NAMES = (
    "custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code",
    "data", "data-count", "tag",
)  # fmt: skip
ITEMS_MAX = 1_000_000
# Real modules have up to some hundred, most of them custom. Three bytes make an empty one, so without a bound
# the largest module that is taken costs half a minute and gigabytes here, though it is valid.
SECTIONS_MAX = 10_000
NAMES_MAX = 20_000
"""Names of functions that are read; the largest real modules have about as many."""


class BrokenModule(ValueError):
    """The bytes end or overrun where the format says otherwise."""


class Section(NamedTuple):
    """A section: `start` is its id byte, its content is `content` to `end`."""

    kind: int
    start: int
    content: int
    end: int

    @property
    def name(self) -> str:
        """Return the specification's name of the section."""
        return SECTION_NAMES[self.kind] if self.kind < len(SECTION_NAMES) else f"unknown ({self.kind})"


class Reader:
    """A cursor over a module that cannot leave its bounds."""

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self._data = data
        self._end = min(end, len(data))
        self.position = position

    @property
    def at_end(self) -> bool:
        """Return whether all bytes are read."""
        return self.position >= self._end

    def byte(self) -> int:
        """Read one byte."""
        if self.at_end:
            raise BrokenModule(f"the module ends at offset {self.position}")
        self.position += 1
        return self._data[self.position - 1]

    def number(self) -> int:
        """Read an unsigned LEB128 number of at most 32 bits."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 28:
                raise BrokenModule(f"a number at offset {self.position} is too long")

    def count(self) -> int:
        """Read how many items follow."""
        value = self.number()
        if value > ITEMS_MAX:
            raise BrokenModule(f"{value} items at offset {self.position}")
        return value

    def skip(self, length: int) -> int:
        """Step over bytes and return where they end."""
        if self.position + length > self._end:
            raise BrokenModule(f"{length} bytes at offset {self.position} overrun their section")
        self.position += length
        return self.position

    def text(self) -> str:
        """Read a length and that many bytes of UTF-8."""
        length = self.number()
        end = self.skip(length)
        return self._data[end - length : end].decode("utf-8", "replace")


def sections(data: bytes) -> Iterator[Section]:
    """Walk the sections in the order of the file.

    Raises:
        BrokenModule: A section overruns the file, or there are more than `SECTIONS_MAX`.
    """
    reader = Reader(data, 8, len(data))
    for _ in range(SECTIONS_MAX):
        if reader.at_end:
            return
        start = reader.position
        kind = reader.byte()
        size = reader.number()
        content = reader.position
        yield Section(kind, start, content, reader.skip(size))
    if not reader.at_end:
        raise BrokenModule(f"it has more than {SECTIONS_MAX:,} sections")


class Layout:
    """Where things are in one module, for the words of an error."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._sections = list(sections(data))

    def find_section(self, offset: int) -> Section | None:
        """Return the section that holds an offset."""
        return next((item for item in self._sections if item.start <= offset < item.end), None)

    def without_data(self) -> tuple[bytes, int, int]:
        """Return the module without data, where its data count stood, and how many bytes that had.

        Data follow the code, so only the data count moves offsets inside the code.
        """
        kept, cut, length = [self.data[:8]], len(self.data), 0
        for item in self._sections:
            if item.kind == DATA_COUNT:
                cut, length = item.start, item.end - item.start
            elif item.kind != DATA:
                kept.append(self.data[item.start : item.end])
        return b"".join(kept), cut, length

    def find_function(self, offset: int) -> int | None:
        """Return the index of the function whose body holds an offset."""
        reader = self._open(CODE)
        imported = len(self._imported_types())
        for index in range(reader.count() if reader else 0):
            assert reader
            if offset < reader.skip(reader.number()):
                return imported + index
        return None

    def find_type(self, offset: int) -> int | None:
        """Return the index of the function type that holds an offset."""
        reader = self._open(TYPE)
        found = None
        for index in range(reader.count() if reader else 0):
            assert reader
            if reader.position > offset:
                break
            found = index
            if reader.byte() != 0x60:
                break
            reader.skip(reader.number())
            reader.skip(reader.number())
        return found

    def find_user(self, type_index: int) -> int | None:
        """Return the first function that has a type."""
        reader = self._open(FUNCTION)
        types = self._imported_types() + ([reader.number() for _ in range(reader.count())] if reader else [])
        return types.index(type_index) if type_index in types else None

    def name_of(self, function: int) -> str:
        """Return a function's name from the name section, else an export's, else nothing."""
        return self.debug_names().get(function) or self.export_names().get(function, "")

    def _open(self, kind: int) -> Reader | None:
        found = next((item for item in self._sections if item.kind == kind), None)
        return Reader(self.data, found.content, found.end) if found else None

    def _imported_types(self) -> list[int]:
        """List the type indices of the imported functions, which come first in the index space."""
        reader = self._open(IMPORT)
        types = []
        for _ in range(reader.count() if reader else 0):
            assert reader
            reader.text(), reader.text()
            kind = reader.byte()
            if kind == 0:
                types.append(reader.number())
            else:
                _skip_import(reader, kind)
        return types

    def export_names(self) -> dict[int, str]:
        """Return the names of exported functions by index."""
        reader = self._open(EXPORT)
        names: dict[int, str] = {}
        for _ in range(reader.count() if reader else 0):
            assert reader
            name, kind, index = reader.text(), reader.byte(), reader.number()
            if kind == 0:
                names.setdefault(index, name)
        return names

    def debug_names(self) -> dict[int, str]:
        """Return the names of functions by index from the name section, at most `NAMES_MAX`."""
        for item in self._sections:
            if item.kind == CUSTOM:
                reader = Reader(self.data, item.content, item.end)
                # Engines pass over broken names, and they must not hide what is wrong with the module.
                with suppress(BrokenModule):
                    if reader.text() == "name":
                        return _function_names(reader)
        return {}


def _skip_import(reader: Reader, kind: int) -> None:
    """Step over the description of an imported table (1), memory (2), global (3) or tag (4)."""
    if kind in {1, 3, 4}:
        reader.byte()
    if kind in {1, 2}:
        has_maximum = reader.byte() & 1
        reader.number()
        if has_maximum:
            reader.number()
    else:
        reader.number()


def _function_names(reader: Reader) -> dict[int, str]:
    while not reader.at_end:
        kind, size = reader.byte(), reader.number()
        if kind == 1:
            return {reader.number(): reader.text() for _ in range(min(reader.count(), NAMES_MAX))}
        reader.skip(size)
    return {}
