"""Large pages travel compressed: entries repeat their field names and their nodes, and shrink to a fifth.

The first byte tells which it is: zlib begins with 0x78, a page of MessagePack with an array. Level 1, since a
node that fetches everything should not keep the other's loop busy for it: some 2 ms for 256 KiB.
"""

from __future__ import annotations

import zlib

WORTH_BYTES = 2048
_LEVEL = 1
_ZLIB = 0x78


def compress(page: bytes) -> bytes:
    """Return a page compressed, or as it is when that does not pay."""
    if len(page) < WORTH_BYTES:
        return page
    packed = zlib.compress(page, _LEVEL)
    return packed if len(packed) < len(page) else page


def decompress(page: bytes, bytes_max: int) -> bytes:
    """Return a page as it was before `compress`.

    Raises:
        ValueError: It cannot be read, or is larger than `bytes_max` when unpacked.
    """
    if page[:1] != bytes((_ZLIB,)):
        return page
    reader = zlib.decompressobj()
    try:
        whole = reader.decompress(page, bytes_max)
    except zlib.error as err:
        raise ValueError(str(err)) from err
    if not reader.eof:
        raise ValueError(f"it is cut short, or larger than {bytes_max:,} bytes")
    return whole
