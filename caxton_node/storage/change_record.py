"""The bytes of the change log: one record for each group of writes that was committed.

    segment   b"CAXTCHG1", u64 after, u64 opened_unix_us, u8 begins, u32 crc, then records
    record    u32 length, u32 crc, body
    body      u64 sequence, u64 at_unix_us, then a MessagePack array [sql, parameters] for each statement

Numbers are big-endian. `after` is the sequence before the first record; `begins` says that the segment does
not go on where the one before it ended. A record that is cut short or fails its checksum ends its segment:
whatever follows was written by nobody who lived to tell.
"""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgpack

MAGIC = b"CAXTCHG1"
_HEAD = struct.Struct(">8sQQB")
_FRAME = struct.Struct(">II")
_BODY = struct.Struct(">QQ")
_CRC = struct.Struct(">I")
HEADER_BYTES = _HEAD.size + _CRC.size


@dataclass(frozen=True, slots=True)
class SegmentHead:
    """What a segment says of itself.

    Attributes:
        after: Sequence of the last group before it.
        opened_unix_us: When it was begun.
        begins: It starts a chain: what happened between the segment before it and this one is not known.
    """

    after: int
    opened_unix_us: int
    begins: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One group of writes.

    Attributes:
        sequence: Its number; they run without a gap within a chain.
        at_unix_us: When it was committed; never before the one in front of it.
        packed: Its statements as they stand in the record.
        end: Where its record ends in the segment.
    """

    sequence: int
    at_unix_us: int
    packed: bytes
    end: int

    def statements(self) -> Iterator[tuple[str, Sequence[object] | Mapping[str, object]]]:
        """Yield the statements in the order in which they were run."""
        unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=0)
        unpacker.feed(self.packed)
        yield from unpacker


def encode_head(head: SegmentHead) -> bytes:
    """Return the bytes at the front of a segment."""
    front = _HEAD.pack(MAGIC, head.after, head.opened_unix_us, head.begins)
    return front + _CRC.pack(zlib.crc32(front))


def decode_head(data: bytes) -> SegmentHead | None:
    """Return the head of a segment, None if there is none that is whole."""
    if len(data) < HEADER_BYTES or data[: len(MAGIC)] != MAGIC:
        return None
    (crc,) = _CRC.unpack_from(data, _HEAD.size)
    if zlib.crc32(data[: _HEAD.size]) != crc:
        return None
    _, after, opened_unix_us, begins = _HEAD.unpack_from(data)
    return SegmentHead(after, opened_unix_us, bool(begins))


def encode_change(sequence: int, at_unix_us: int, statements: Sequence[tuple[str, object]]) -> bytes:
    """Return the record of one group.

    Raises:
        sqlite3.ProgrammingError: A parameter is of a type that SQLite would not have taken either.
    """
    body = _BODY.pack(sequence, at_unix_us) + b"".join(map(_pack, statements))
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


def decode_changes(data: bytes) -> Iterator[Change]:
    """Yield the records of a segment, its head included in `data`; ends at the first that is not whole."""
    at = HEADER_BYTES
    while at + _FRAME.size <= len(data):
        length, crc = _FRAME.unpack_from(data, at)
        start, at = at + _FRAME.size, at + _FRAME.size + length
        body = data[start:at]
        if length < _BODY.size or len(body) < length or zlib.crc32(body) != crc:
            return
        sequence, at_unix_us = _BODY.unpack_from(body)
        yield Change(sequence, at_unix_us, body[_BODY.size :], at)


def _pack(statement: tuple[str, object]) -> bytes:
    return msgpack.packb(statement, default=_plain)  # type: ignore[no-any-return]  # msgpack's stubs say Any


def _plain(value: object) -> object:
    """Return what SQLite stores for a value that is no plain one: bytes of buffers, else what it adapts."""
    if isinstance(value, Mapping):
        return dict(value)
    try:
        return bytes(memoryview(value))  # type: ignore[arg-type]  # whatever is no buffer raises
    except TypeError:
        return sqlite3.adapt(value, sqlite3.PrepareProtocol)  # raises where SQLite would
