"""Large payloads travel in pieces: any number of CHUNKs, then the frame itself with the last piece.

Every payload that may be large begins with eight bytes that name it (a sequence or a request id). Each piece
repeats them, so the receiver tells the last piece from a small request that overtook, and notices a sender
that mixes two large ones. One lane carries one large payload at a time; that bounds what a receiver keeps.
"""

from __future__ import annotations

from collections.abc import Iterator

from transport.errors import MalformedFrame
from transport.frames import HEADER_BYTES, LANES_MAX, Frame, FrameType, encode_frame

KEY_BYTES = 8


def split(kind: FrameType, lane: int, payload: bytes, piece_bytes_max: int) -> Iterator[bytes]:
    """Yield the frames that carry a payload: one when it fits, else chunks and a last piece."""
    if len(payload) <= piece_bytes_max:
        yield encode_frame(kind, lane, payload)
        return
    key, step = payload[:KEY_BYTES], piece_bytes_max - KEY_BYTES
    view = memoryview(payload)
    last = KEY_BYTES + (len(payload) - KEY_BYTES - 1) // step * step
    for at in range(KEY_BYTES, last, step):
        yield encode_frame(FrameType.CHUNK, lane, key + view[at : at + step])
    yield encode_frame(kind, lane, key + view[last:])


def split_size(payload_bytes: int, piece_bytes_max: int) -> int:
    """Return how many bytes `split` yields for a payload of this size."""
    if payload_bytes <= piece_bytes_max:
        return HEADER_BYTES + payload_bytes
    step = piece_bytes_max - KEY_BYTES
    pieces = -(-(payload_bytes - KEY_BYTES) // step)
    return payload_bytes - KEY_BYTES + pieces * (HEADER_BYTES + KEY_BYTES)


class Assembler:
    """Puts the pieces of one link together again.

    Args:
        batch_bytes_max: Largest payload on a lane for batches.
        bulk_bytes_max: Largest payload on a lane for requests or answers.
    """

    __slots__ = ("_batch_bytes_max", "_bulk_bytes_max", "_parts")

    def __init__(self, batch_bytes_max: int, bulk_bytes_max: int) -> None:
        self._batch_bytes_max = batch_bytes_max
        self._bulk_bytes_max = bulk_bytes_max
        self._parts: dict[int, _Parts] = {}

    def join(self, frame: Frame) -> Frame | None:
        """Return the frame with its earlier pieces put before it, or None when more pieces must come.

        Raises:
            MalformedFrame: Pieces of two payloads are mixed, or the whole is over the limit of its lane.
        """
        if frame.type == FrameType.CHUNK:
            self._keep(frame)
            return None
        parts = self._parts.get(frame.lane) if self._parts else None
        if parts is None:
            return frame
        if frame.lane >= LANES_MAX and not frame.payload.startswith(parts.key):
            return frame  # whole in itself: small requests overtake a large one, batches never do
        del self._parts[frame.lane]
        parts.add(frame.payload, self._limit(frame.lane))
        return Frame(frame.type, frame.lane, parts.whole())

    def _keep(self, frame: Frame) -> None:
        parts = self._parts.get(frame.lane)
        if parts is None:
            parts = self._parts[frame.lane] = _Parts(frame.payload[:KEY_BYTES])
        parts.add(frame.payload, self._limit(frame.lane))

    def _limit(self, lane: int) -> int:
        return self._batch_bytes_max if lane < LANES_MAX else self._bulk_bytes_max


class _Parts:
    """The pieces of one payload so far."""

    __slots__ = ("key", "pieces", "size")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.pieces = [key]
        self.size = len(key)

    def add(self, payload: bytes, limit: int) -> None:
        if len(payload) < KEY_BYTES or payload[:KEY_BYTES] != self.key:
            raise MalformedFrame("pieces of two payloads on one lane")
        self.pieces.append(payload[KEY_BYTES:])
        self.size += len(payload) - KEY_BYTES
        if self.size > limit:
            raise MalformedFrame(f"a payload in pieces is over {limit} bytes")

    def whole(self) -> bytes:
        return b"".join(self.pieces)
