"""Compression of batches, where it pays.

A batch is compressed alone, after it was gathered and before it is encrypted. Whether that pays depends on
what agents say, so it is found out by trying: a batch that shrinks by less than a fifth goes as it is, and
the next ones are not even tried, twice as many after every disappointment. Credit counts what a batch is
unpacked, or a sender could fill a receiver with zeros for next to nothing.

On a network of one's own it costs more time than it saves (`mesh.compression` is off by default), and the
sizes of packets then tell an eavesdropper something of what is in them: batches hold messages of many agents.

Source: RFC 1951; RFC 8446, section 5.4, on what lengths give away.
"""

from __future__ import annotations

import struct
import zlib

from transport.chunks import KEY_BYTES
from transport.errors import MalformedFrame
from transport.frames import Frame, FrameType
from transport.settings import FRAME_BYTES_MIN

_RAW = struct.Struct(">I")
_LEVEL = 1  # 40 to 80 MB a second; the higher levels cost far more than they gain
_SIZE_MIN = 512
_WORTH = 0.8
_SKIP_MAX = 256


class Packer:
    """Decides for one link which batches are compressed, and does it."""

    __slots__ = ("_skip", "_skipped")

    def __init__(self) -> None:
        self._skip = self._skipped = 0

    def pack(self, payload: bytes) -> bytes | None:
        """Return the payload of a PACKED frame for that of a BATCH, None if it had better go as it is."""
        if len(payload) < _SIZE_MIN:
            return None
        if self._skipped < self._skip:
            self._skipped += 1
            return None
        packed = zlib.compress(payload[KEY_BYTES:], _LEVEL)
        if len(packed) > _WORTH * len(payload):
            self._skip, self._skipped = min(_SKIP_MAX, 2 * self._skip + 1), 0
            return None
        self._skip = self._skipped = 0
        return b"".join((payload[:KEY_BYTES], _RAW.pack(len(payload)), packed))


def unpack(frame: Frame) -> Frame:
    """Return the BATCH that a PACKED frame holds.

    Raises:
        MalformedFrame: It does not unpack to exactly what it says, or that is more than a frame may be.
    """
    payload = frame.payload
    if len(payload) < KEY_BYTES + _RAW.size:
        raise MalformedFrame("a packed batch without its size")
    (size,) = _RAW.unpack_from(payload, KEY_BYTES)
    if size > FRAME_BYTES_MIN:
        raise MalformedFrame(f"a packed batch of {size} bytes; the limit is {FRAME_BYTES_MIN}")
    reader = zlib.decompressobj()
    try:
        rest = reader.decompress(payload[KEY_BYTES + _RAW.size :], size + 1)
    except zlib.error as err:
        raise MalformedFrame(f"a packed batch that does not unpack: {err}") from err
    if KEY_BYTES + len(rest) != size or not reader.eof or reader.unused_data:
        raise MalformedFrame("a packed batch that does not unpack to what it says")
    return Frame(FrameType.BATCH, frame.lane, payload[:KEY_BYTES] + rest)
