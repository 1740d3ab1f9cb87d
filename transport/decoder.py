"""From a stream of bytes to frames, wherever the stream is cut."""

from __future__ import annotations

from collections.abc import Iterator

from transport.errors import MalformedFrame
from transport.frames import HEADER, HEADER_BYTES, Frame, FrameType

_KNOWN = frozenset(int(kind) for kind in FrameType)


class FrameDecoder:
    """Cuts one stream into frames; one for each QUIC stream, one for a whole TCP connection.

    A frame that spans many reads is kept as the list of its pieces and joined once, so a large frame in small
    pieces costs what it weighs and not its square.

    Args:
        frame_bytes_max: Largest payload that is accepted; more is refused before a byte of it is kept.
    """

    __slots__ = ("_frame_bytes_max", "_held", "_need", "_pieces")

    def __init__(self, frame_bytes_max: int) -> None:
        self._frame_bytes_max = frame_bytes_max
        self._pieces: list[bytes] = []
        self._held = 0
        self._need = HEADER_BYTES

    @property
    def held(self) -> int:
        """Return how many bytes of an unfinished frame are kept."""
        return self._held

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes as they come and yield the frames that they complete, in order.

        Raises:
            MalformedFrame: A frame is too large or of a type that is not known; the frames before it have
                been yielded, and the decoder is of no further use.
        """
        if self._pieces:
            self._pieces.append(data)
            self._held += len(data)
            if self._held < self._need:
                return
            data = b"".join(self._pieces)
            self._pieces = []
        at, end = 0, len(data)
        need = HEADER_BYTES
        while end - at >= HEADER_BYTES:
            length, kind, lane = HEADER.unpack_from(data, at)
            self._check(length, kind)
            need = HEADER_BYTES + length
            if end - at < need:
                break
            yield Frame(kind, lane, data[at + HEADER_BYTES : at + need])
            at += need
            need = HEADER_BYTES
        self._held, self._need = end - at, need
        if at < end:
            self._pieces = [data[at:]]

    def _check(self, length: int, kind: int) -> None:
        if length > self._frame_bytes_max:
            raise MalformedFrame(f"a frame of {length} bytes; the limit is {self._frame_bytes_max}")
        if kind not in _KNOWN:
            raise MalformedFrame(f"a frame of unknown type {kind}")
