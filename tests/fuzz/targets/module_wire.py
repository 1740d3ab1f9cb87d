"""What members ask and answer about modules: read or refused, and never a path, nor anything too large."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from caxton_node.agents.module_wire import (
    PIECE_BYTES_MAX,
    SIZE_CAP,
    Find,
    Held,
    Piece,
    decode_find,
    decode_held,
    decode_piece,
    encode,
)
from caxton_node.fipa.codec import READ_ERRORS

EXAMPLES = 400
_DIGEST = re.compile(rb"[0-9a-f]{64}\Z")


def check(data: bytes) -> None:
    """Read an input as each of them; what was read can be written, and is read as the same again."""
    for decode in (decode_find, decode_held, decode_piece):
        found = _read(decode, data)
        if found is None:
            continue
        assert _read(decode, encode(found)) == found
        match found:
            case Find(sha256):
                assert _DIGEST.match(sha256.encode())
            case Held(_, size):
                assert 0 <= size <= SIZE_CAP
            case Piece(sha256, offset, length):
                assert _DIGEST.match(sha256.encode())
                assert 0 <= offset <= SIZE_CAP
                assert 1 <= length <= PIECE_BYTES_MAX


def _read(decode: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return decode(data)
    except READ_ERRORS:
        return None


def seeds() -> Iterator[bytes]:
    """Give one of each, and some that are almost right."""
    sha256 = "0123456789abcdef" * 4
    yield encode(Find(sha256))
    yield encode(Held(is_here=True, size_bytes=50 * 2**20))
    yield encode(Piece(sha256, 2**20, 2**18))
    yield encode((sha256 + "\n", 0, 1))
    yield encode((sha256, -1, 2**63))
    yield msgspec.msgpack.encode({"sha256": sha256})
