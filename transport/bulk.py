"""Requests and answers on their way out: small ones pass, large ones go piece by piece.

A module of 50 MiB must not hold up a question of 50 bytes, nor a batch. So bulk has a small window of its
own, large payloads go one after the other in pieces, and whatever fits one piece overtakes them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from transport.chunks import KEY_BYTES, split
from transport.errors import BacklogFull
from transport.frames import HEADER_BYTES, FrameType, encode_frame
from transport.window import SendWindow


@dataclass(slots=True, eq=False)
class _Large:
    """A payload that goes piece by piece."""

    lane: int
    key: bytes
    size: int
    pieces: Iterator[bytes]
    begun: bool = False


class BulkQueue:
    """What waits to be sent on the request stream of one link.

    Args:
        piece_bytes_max: Size of a piece; smaller payloads travel whole.
        bytes_max: Bound of everything that waits.
    """

    def __init__(self, piece_bytes_max: int, bytes_max: int) -> None:
        self._piece_bytes_max = piece_bytes_max
        self._bytes_max = bytes_max
        self._small: deque[bytes] = deque()
        self._large: deque[_Large] = deque()
        self._piece: bytes | None = None
        self.held_bytes = 0

    def push(self, kind: FrameType, lane: int, payload: bytes) -> None:
        """Take a request or an answer.

        Raises:
            BacklogFull: The bound would be passed; nothing was taken.
        """
        if self.held_bytes + len(payload) > self._bytes_max:
            raise BacklogFull(f"{self.held_bytes} bytes of requests and answers are waiting already")
        if len(payload) <= self._piece_bytes_max:
            self._small.append(encode_frame(kind, lane, payload))
        else:
            pieces = split(kind, lane, payload, self._piece_bytes_max)
            self._large.append(_Large(lane, payload[:KEY_BYTES], len(payload), pieces))
        self.held_bytes += len(payload)

    def take_frames(self, window: SendWindow) -> list[bytes]:
        """Return what may be sent now: small ones first, then the next pieces of the oldest large one."""
        frames: list[bytes] = []
        while self._small and window.allows(len(self._small[0])):
            frame = self._small.popleft()
            self.held_bytes -= len(frame) - HEADER_BYTES
            window.spend(len(frame))
            frames.append(frame)
        if self._small:
            return frames
        while (piece := self._next_piece()) is not None and window.allows(len(piece)):
            self._piece = None
            window.spend(len(piece))
            frames.append(piece)
        return frames

    def discard(self, lane: int, key: bytes) -> None:
        """Drop a payload that nobody wants any more, if no piece of it has left."""
        for frame in [each for each in self._small if each[5] == lane and each.startswith(key, HEADER_BYTES)]:
            self._small.remove(frame)
            self.held_bytes -= len(frame) - HEADER_BYTES
        for large in [
            each for each in self._large if each.lane == lane and each.key == key and not each.begun
        ]:
            self._large.remove(large)
            self.held_bytes -= large.size

    def clear(self) -> None:
        """Forget everything: a new link begins with nothing half sent."""
        self._small.clear()
        self._large.clear()
        self._piece = None
        self.held_bytes = 0

    def _next_piece(self) -> bytes | None:
        """Return the next piece without taking it, dropping large payloads that are finished."""
        while self._piece is None and self._large:
            first = self._large[0]
            self._piece = next(first.pieces, None)
            first.begun = True
            if self._piece is None:
                self._large.popleft()
                self.held_bytes -= first.size
        return self._piece
