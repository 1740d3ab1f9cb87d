"""The bytes of the mesh: u32 length, u8 type, u8 lane, payload. The same on QUIC and on TCP.

    HELLO WELCOME GOAWAY    greeting, answer, farewell (messages.py)
    BATCH                   u64 sequence, u32 count, count x u32 length, the envelopes as they are
    PACKED                  u64 sequence, u32 bytes of the BATCH payload, its rest compressed (packing.py)
    CHUNK                   u64 key, a piece of what is too large to travel in one frame (chunks.py)
    CREDIT                  u64 batch bytes granted, u64 bulk bytes granted, u8 count, count x u64 last seen
    PING PONG               u64, returned as it came
    REQUEST                 u64 id, u8 length, method, payload
    RESPONSE                u64 id, u8 status, payload or the text of the refusal

`length` counts the payload alone. Envelopes are opaque here: a table of lengths, then the bytes one after
another, so neither side looks into an envelope and a broken one cannot break its batch.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum
from itertools import accumulate, pairwise
from typing import NamedTuple

from transport.errors import MalformedFrame

HEADER = struct.Struct(">IBB")
HEADER_BYTES = HEADER.size
LANES_MAX = 16
RESPONSE_LANE = 253
REQUEST_LANE = 254
CONTROL_LANE = 255
_BATCH = struct.Struct(">QI")
_CREDIT = struct.Struct(">QQB")
_KEY = struct.Struct(">Q")


class FrameType(IntEnum):
    """What a frame is; the numbers are the wire's."""

    HELLO = 1
    WELCOME = 2
    BATCH = 3
    CREDIT = 4
    GOAWAY = 5
    PING = 6
    PONG = 7
    CHUNK = 8
    REQUEST = 9
    RESPONSE = 10
    PACKED = 11


class Frame(NamedTuple):
    """One frame as it came: a plain number as type, so that the hot path builds no enum."""

    type: int
    lane: int
    payload: bytes

    @property
    def size(self) -> int:
        """Return how many bytes it took on the wire."""
        return HEADER_BYTES + len(self.payload)


_BATCH_KINDS = frozenset((FrameType.BATCH, FrameType.CHUNK))
_BULK_KINDS = {
    REQUEST_LANE: frozenset((FrameType.REQUEST, FrameType.CHUNK)),
    RESPONSE_LANE: frozenset((FrameType.RESPONSE, FrameType.CHUNK)),
}


def check_lane(frame: Frame, lanes: int) -> None:
    """Make sure that a frame with content, unpacked, is on a lane that there is and that is for its kind.

    What a receiver puts together is bounded by lane, so it must not take as many lanes as a byte can name.

    Args:
        frame: As it came.
        lanes: How many lanes for batches there are.

    Raises:
        MalformedFrame: It is not.
    """
    kinds = _BATCH_KINDS if frame.lane < lanes else _BULK_KINDS.get(frame.lane, ())
    if frame.type not in kinds:
        raise MalformedFrame(f"a frame of type {frame.type} on lane {frame.lane}")


class Credit(NamedTuple):
    """What the receiver grants on this link, as totals since its beginning, and what it has received.

    Attributes:
        batch_bytes: Bytes of batches that may have been sent.
        bulk_bytes: Bytes of requests and answers that may have been sent.
        sequences: The last batch received on each lane.
    """

    batch_bytes: int
    bulk_bytes: int
    sequences: tuple[int, ...]


def encode_frame(kind: FrameType, lane: int, payload: bytes) -> bytes:
    """Put a header before a payload."""
    return HEADER.pack(len(payload), kind, lane) + payload


def encode_batch(sequence: int, envelopes: Sequence[bytes]) -> bytes:
    """Write the payload of a BATCH; the envelopes' bytes are copied, never looked at."""
    count = len(envelopes)
    lengths = struct.pack(f">{count}I", *map(len, envelopes))
    return b"".join((_BATCH.pack(sequence, count), lengths, *envelopes))


def decode_batch(payload: bytes) -> tuple[int, list[bytes]]:
    """Read the payload of a BATCH.

    Returns:
        (sequence, envelopes in order).

    Raises:
        MalformedFrame: The lengths and the payload do not agree.
    """
    try:
        sequence, count = _BATCH.unpack_from(payload)
        lengths = struct.unpack_from(f">{count}I", payload, _BATCH.size)
    except struct.error as err:
        raise MalformedFrame("a batch is shorter than its table") from err
    edges = list(accumulate(lengths, initial=_BATCH.size + 4 * count))
    if edges[-1] != len(payload):
        raise MalformedFrame("a batch does not fill its frame")
    return sequence, [payload[start:stop] for start, stop in pairwise(edges)]


def encode_credit(credit: Credit) -> bytes:
    """Write a whole CREDIT frame."""
    count = len(credit.sequences)
    head = _CREDIT.pack(credit.batch_bytes, credit.bulk_bytes, count)
    payload = head + struct.pack(f">{count}Q", *credit.sequences)
    return encode_frame(FrameType.CREDIT, CONTROL_LANE, payload)


def decode_credit(payload: bytes) -> Credit:
    """Read the payload of a CREDIT.

    Raises:
        MalformedFrame: It is too short, too long, or speaks of more lanes than there can be.
    """
    try:
        batch_bytes, bulk_bytes, count = _CREDIT.unpack_from(payload)
        sequences = struct.unpack_from(f">{count}Q", payload, _CREDIT.size)
    except struct.error as err:
        raise MalformedFrame("a credit is shorter than its table") from err
    if count > LANES_MAX or len(payload) != _CREDIT.size + 8 * count:
        raise MalformedFrame("a credit has the wrong size")
    return Credit(batch_bytes, bulk_bytes, sequences)


def encode_number(kind: FrameType, number: int) -> bytes:
    """Write a whole PING or PONG."""
    return encode_frame(kind, CONTROL_LANE, _KEY.pack(number))


def decode_number(payload: bytes) -> int:
    """Read the payload of a PING or PONG.

    Raises:
        MalformedFrame: It is not eight bytes.
    """
    if len(payload) != _KEY.size:
        raise MalformedFrame("a ping is not eight bytes long")
    return int(_KEY.unpack(payload)[0])


def encode_request(number: int, method: str, payload: bytes) -> bytes:
    """Write the payload of a REQUEST.

    Raises:
        ValueError: The method's name is longer than 255 bytes.
    """
    name = method.encode()
    if len(name) > 255:
        raise ValueError(f"the method name {method!r} is too long")
    return b"".join((_KEY.pack(number), bytes((len(name),)), name, payload))


def decode_request(payload: bytes) -> tuple[int, str, bytes]:
    """Read the payload of a REQUEST.

    Returns:
        (id, method, payload).

    Raises:
        MalformedFrame: It is too short or its method is no text.
    """
    if len(payload) < 9 or len(payload) < 9 + payload[8]:
        raise MalformedFrame("a request is shorter than its method")
    end = 9 + payload[8]
    try:
        return _KEY.unpack_from(payload)[0], payload[9:end].decode(), payload[end:]
    except UnicodeDecodeError as err:
        raise MalformedFrame("a method is no text") from err


def encode_response(number: int, payload: bytes, *, refused: bool) -> bytes:
    """Write the payload of a RESPONSE; a refused one carries the text of the refusal."""
    return b"".join((_KEY.pack(number), b"\x01" if refused else b"\x00", payload))


def decode_response(payload: bytes) -> tuple[int, bool, bytes]:
    """Read the payload of a RESPONSE.

    Returns:
        (id, whether it is a refusal, payload or text).

    Raises:
        MalformedFrame: It is too short or its status is not known.
    """
    if len(payload) < 9 or payload[8] > 1:
        raise MalformedFrame("a response without a status")
    return _KEY.unpack_from(payload)[0], payload[8] == 1, payload[9:]
