"""The greeting, its answer and the farewell: MessagePack arrays that may grow at their end.

HELLO and WELCOME carry the same facts about who sends them. `received` is only in WELCOME: what the sender of
the HELLO need not send again. The dialler tells the same in its first CREDIT, which also says that it keeps
this link.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from transport.errors import MalformedFrame
from transport.faults import EndReason, read_reason
from transport.frames import CONTROL_LANE, LANES_MAX, FrameType, encode_frame
from transport.settings import FRAME_BYTES_MIN

PROTOCOL_VERSION = 1
_Count = Annotated[int, Meta(ge=0, le=2**62)]
_FrameSize = Annotated[int, Meta(ge=FRAME_BYTES_MIN, le=2**31)]
_Window = Annotated[int, Meta(ge=FRAME_BYTES_MIN, le=2**31)]  # or a frame could wait for ever
_Sequences = Annotated[list[_Count], Meta(min_length=1, max_length=LANES_MAX)]
_Number = Annotated[int, Meta(ge=1, le=2**62)]  # batches count from one
_First = Annotated[list[_Number], Meta(min_length=1, max_length=LANES_MAX)]


class Greeting(msgspec.Struct, array_like=True, frozen=True):
    """What one side tells of itself before anything else.

    Attributes:
        version: Of this protocol; both sides must speak the same.
        cluster: The cluster's name.
        node_id: Must be what the certificate says.
        epoch: Boot counter of the node: a higher one is a new process that remembers nothing.
        session: Number of the sender's session with this peer; a higher one starts its sequences anew.
        first: For each lane the lowest sequence that may still come.
        window_bytes: Batch bytes that may be sent to it unhandled.
        bulk_window_bytes: The same for requests and answers.
        frame_bytes_max: Largest frame that it accepts.
        received: In WELCOME: the last sequence received on each lane of the dialler's session, None when
            there was no such session.
        granted_bytes: Batch bytes that may be sent before it grants more: less than the window while it
            keeps much of what came before; None is the whole window.
        sent_at_us: The sender's wall clock, microseconds since 1970; 0 from a node that does not tell.
        unpacks: Whether it understands compressed batches.
    """

    version: _Count
    cluster: str
    node_id: str
    epoch: _Count
    session: _Count
    first: _First
    window_bytes: _Window
    bulk_window_bytes: _Window
    frame_bytes_max: _FrameSize
    received: _Sequences | None = None
    granted_bytes: _Count | None = None
    sent_at_us: _Count = 0
    unpacks: bool = False


class Farewell(msgspec.Struct, array_like=True, frozen=True):
    """Why a side closes the link."""

    reason: str
    detail: str = ""


_GREETING = msgspec.msgpack.Decoder(Greeting)
_FAREWELL = msgspec.msgpack.Decoder(Farewell)
_encode = msgspec.msgpack.Encoder().encode


def encode_greeting(kind: FrameType, greeting: Greeting) -> bytes:
    """Write a whole HELLO or WELCOME."""
    return encode_frame(kind, CONTROL_LANE, _encode(greeting))


def decode_greeting(payload: bytes) -> Greeting:
    """Read a HELLO or WELCOME.

    Raises:
        MalformedFrame: A field is missing, of the wrong type or out of range.
    """
    try:
        return _GREETING.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise MalformedFrame(f"a greeting that cannot be read: {err}") from err


def clock_skew_s(greeting: Greeting, now_us: int) -> float | None:
    """Return by how much the sender's clock is ahead of ours.

    The time on the way is part of it, so it is good to about half a round trip: enough to see the minutes
    that make certificates fail.

    Args:
        greeting: As it has just come.
        now_us: Our wall clock, microseconds since 1970.

    Returns:
        Seconds, negative when the sender's clock is behind; None when it did not tell.
    """
    return (greeting.sent_at_us - now_us) / 1e6 if greeting.sent_at_us else None


def encode_farewell(reason: EndReason, detail: str) -> bytes:
    """Write a whole GOAWAY."""
    return encode_frame(FrameType.GOAWAY, CONTROL_LANE, _encode(Farewell(reason.value, detail[:200])))


def decode_farewell(payload: bytes) -> tuple[EndReason, str]:
    """Read a GOAWAY; one that cannot be read still ends the link, so it is a reason too.

    Returns:
        (reason, detail).
    """
    try:
        farewell = _FAREWELL.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return EndReason.PROTOCOL, "a farewell that cannot be read"
    return read_reason(farewell.reason), farewell.detail[:200]
