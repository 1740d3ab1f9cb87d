"""Pages of a SQLite file, read without SQLite: for what it refuses to touch.

Only what a salvage needs: the rows of a leaf, the children of an inner page, the pages that are free.
Whatever does not look right is None; nothing here raises for what is in a page.

Source: https://www.sqlite.org/fileformat2.html, sections 1.3 to 1.6 and 2.1.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

Value = None | int | float | str | bytes

_HEAD_BYTES = 100
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class Kind(IntEnum):
    """What a page is, by its first byte."""

    INDEX_INNER = 2
    TABLE_INNER = 5
    INDEX_LEAF = 10
    TABLE_LEAF = 13


@dataclass(frozen=True, slots=True)
class Cell:
    """One row.

    Attributes:
        rowid: Its number; None in an index and in a table without row numbers.
        values: As stored.
    """

    rowid: int | None
    values: tuple[Value, ...]


class Pages:
    """The pages of one file.

    Args:
        data: The whole file.
        page_bytes: Size of a page, where the file's own head cannot tell.
    """

    def __init__(self, data: bytes, page_bytes: int = 4096) -> None:
        self._data = data
        is_headed = data.startswith(b"SQLite format 3\0") and len(data) >= _HEAD_BYTES
        size = int.from_bytes(data[16:18]) if is_headed else page_bytes
        self._size = 65_536 if size == 1 else max(512, size)
        self._usable = self._size - (data[20] if is_headed else 0)
        self._trunk = int.from_bytes(data[32:36]) if is_headed else 0
        self.count = len(data) // self._size

    def kind(self, number: int) -> Kind | None:
        """Return what a page is, None if it is no page of a tree."""
        page = self._page(number)
        start = _HEAD_BYTES if number == 1 else 0
        if page is None or page[start] not in set(Kind):
            return None
        return Kind(page[start])

    def free(self) -> set[int]:
        """Return the pages that are in no tree."""
        found: set[int] = set()
        trunk = self._trunk
        while trunk and trunk not in found and (page := self._page(trunk)) is not None:
            found.add(trunk)
            count = min(int.from_bytes(page[4:8]), self._usable // 4 - 2)
            found.update(struct.unpack_from(f">{count}I", page, 8))
            trunk = int.from_bytes(page[:4])
        return found

    def tree(self, root: int) -> set[int]:
        """Return the pages of a tree, as far as they can be reached from its root."""
        found: set[int] = set()
        waiting = [root]
        while waiting:
            number = waiting.pop()
            if number not in found and self.kind(number) is not None:
                found.add(number)
                waiting += self._children(number)
        return found

    def cells(self, number: int) -> list[Cell] | None:
        """Return the rows of a page; None if it holds none, or is damaged."""
        kind = self.kind(number)
        if kind is None or kind is Kind.TABLE_INNER:
            return None
        found = [self._cell(number, kind, at) for at in self._pointers(number)]
        return None if None in found else [cell for cell in found if cell is not None]

    def _page(self, number: int) -> bytes | None:
        if not 1 <= number <= self.count:
            return None
        return self._data[(number - 1) * self._size : number * self._size]

    def _pointers(self, number: int) -> Sequence[int]:
        page, start = self._page(number), _HEAD_BYTES if number == 1 else 0
        assert page is not None
        count = int.from_bytes(page[start + 3 : start + 5])
        first = start + (8 if page[start] in {Kind.INDEX_LEAF, Kind.TABLE_LEAF} else 12)
        if first + 2 * count > self._usable:
            return [self._size]  # a place where no cell can be
        return struct.unpack_from(f">{count}H", page, first)

    def _children(self, number: int) -> list[int]:
        page, start = self._page(number), _HEAD_BYTES if number == 1 else 0
        if page is None or page[start] not in {Kind.INDEX_INNER, Kind.TABLE_INNER}:
            return []
        places = [*self._pointers(number), start + 8]
        return [int.from_bytes(page[at : at + 4]) for at in places if at + 4 <= self._usable]

    def _cell(self, number: int, kind: Kind, at: int) -> Cell | None:
        page = self._page(number)
        if page is None or at >= self._usable:
            return None
        at += 4 if kind is Kind.INDEX_INNER else 0
        rowid = None
        try:
            size, at = _varint(page, at)
            if kind is Kind.TABLE_LEAF:
                rowid, at = _varint(page, at)
            payload = self._payload(page, at, size, is_table=kind is Kind.TABLE_LEAF)
            values = None if payload is None else _record(payload)
        except (IndexError, struct.error, UnicodeDecodeError):
            return None
        return None if values is None else Cell(_signed(rowid), values)

    def _payload(self, page: bytes, at: int, size: int, *, is_table: bool) -> bytes | None:
        """Return the bytes of a row, those on overflow pages included."""
        usable = self._usable
        most = usable - 35 if is_table else (usable - 12) * 64 // 255 - 23
        if size > len(self._data):
            return None
        if size <= most:
            return page[at : at + size] if at + size <= usable else None
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        local = local if local <= most else least
        parts, following = [page[at : at + local]], int.from_bytes(page[at + local : at + local + 4])
        rest = size - local
        while rest > 0 and (overflow := self._page(following)) is not None:
            parts.append(overflow[4 : 4 + min(rest, usable - 4)])
            following, rest = int.from_bytes(overflow[:4]), rest - (usable - 4)
        return b"".join(parts) if rest <= 0 else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(8):
        byte = data[at + count]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + count + 1
    return value << 8 | data[at + 8], at + 9


def _signed(value: int | None) -> int | None:
    return value - 2**64 if value is not None and value >= 2**63 else value


def _record(payload: bytes) -> tuple[Value, ...] | None:
    """Return the values of a row, None if its parts do not fill it exactly."""
    head, at = _varint(payload, 0)
    body, values = head, []
    while at < head:
        serial, at = _varint(payload, at)
        found = _value(payload, body, serial)
        if found is None:
            return None
        values.append(found[0])
        body = found[1]
    return tuple(values) if at == head and body == len(payload) else None


def _value(payload: bytes, at: int, serial: int) -> tuple[Value, int] | None:
    if serial in {0, 8, 9}:
        return {0: None, 8: 0, 9: 1}[serial], at
    size, read = _form(serial)
    if read is None or at + size > len(payload):
        return None
    return read(payload[at : at + size]), at + size


def _form(serial: int) -> tuple[int, Callable[[bytes], Value] | None]:
    """Return how many bytes a value has, and what makes it of them."""
    if serial in _INTEGER_BYTES:
        return _INTEGER_BYTES[serial], lambda data: int.from_bytes(data, signed=True)
    if serial == 7:
        return 8, lambda data: float(struct.unpack(">d", data)[0])
    if serial >= 12:
        return (serial - 12) // 2, (lambda data: data.decode()) if serial % 2 else bytes
    return 0, None
