"""Envelopes to bytes and back; what is wrong with bytes that are none, and where.

Decoding is one pass in C that checks every type and bound of `message.py`. The error path is slow on
purpose: it runs once per malformed message and says the position, so that an agent's author can find the
fault.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from caxton_node.core.errors import InvalidMessage
from caxton_node.fipa.message import POSITIONS, Envelope, Instant, Receivers, Text
from caxton_node.fipa.performatives import Performative

encode = msgspec.msgpack.Encoder().encode
"""Return the envelope's bytes: always all seventeen positions."""

read = msgspec.msgpack.Decoder(Envelope).decode
"""Read one envelope, or raise one of `READ_ERRORS`: `decode` without its wrapper, for the router's loop."""


class Draft(Struct, array_like=True, gc=False):
    """What a guest has written of a message: the first thirteen positions, its own name left empty.

    The fields are those of `Envelope`; the act is a plain number here, which costs half.
    """

    performative: Annotated[int, Meta(ge=1, le=len(Performative))]
    sender: None = None
    receivers: Text | Receivers | None = None
    content: bytes | None = None
    conversation_id: Text | None = None
    reply_with: Text | None = None
    in_reply_to: Text | None = None
    reply_by: Instant | None = None
    ontology: Text | None = None
    language: Text | None = None
    encoding: Text | None = None
    protocol: Text | None = None
    reply_to: Text | None = None


read_draft = msgspec.msgpack.Decoder(Draft).decode
"""Read what a guest wrote, or raise one of `READ_ERRORS`, also for an envelope that is more than a draft."""

READ_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_PATH = re.compile(r" - at (?:`key` in )?`\$\[(\d+)\]")
_BYTE = re.compile(r"\(byte (\d+)\)")


class MalformedEnvelope(InvalidMessage):
    """Bytes that are not an envelope; nothing of them was used.

    Args:
        reason: What was expected and what came instead.
        position: Index of the element at fault, or None when the bytes are not even MessagePack.
    """

    code = "MALFORMED_ENVELOPE"

    def __init__(self, reason: str, position: int | None) -> None:
        self.reason = reason
        self.position = position
        self.field = POSITIONS[position] if position is not None and position < len(POSITIONS) else None
        place = f" at position {position} ({self.field})" if self.field else ""
        super().__init__(
            f"malformed envelope{place}",
            why=reason,
            hint="an envelope is a MessagePack array of the seventeen positions of envelope v1",
        )


def decode(frame: bytes) -> Envelope:
    """Read one envelope; missing trailing positions are absent, surplus ones are ignored.

    Raises:
        MalformedEnvelope: The sender's fault; says what and where.
    """
    try:
        return read(frame)
    except READ_ERRORS as err:
        raise explain(frame, err) from err


def explain(frame: bytes, err: Exception) -> MalformedEnvelope:
    """Turn a decoder's complaint into a reason and a position."""
    if isinstance(err, RecursionError):
        return MalformedEnvelope("nested too deeply", POSITIONS.index("headers"))
    text = str(err)
    if isinstance(err, UnicodeDecodeError):
        return MalformedEnvelope(f"text is not UTF-8: {err.reason}", _find_broken_text(frame))
    path = _PATH.search(text)
    if path:
        return MalformedEnvelope(text[: path.start()], int(path[1]))
    if isinstance(err, msgspec.ValidationError):
        return MalformedEnvelope(text, 0 if "at least length" in text else None)
    at = _BYTE.search(text)
    return MalformedEnvelope(text if at else f"{text} (after {len(frame)} bytes)", None)


def _find_broken_text(frame: bytes) -> int | None:
    """Find the first element that does not decode by itself; the C decoder does not say which one it was.

    Returns:
        Its index, or None if the array is broken behind it as well and cannot be taken apart.
    """
    try:
        items = msgspec.msgpack.decode(frame, type=list[msgspec.Raw])
    except READ_ERRORS:
        return None
    for index, item in enumerate(items):
        try:
            msgspec.msgpack.decode(item)
        except READ_ERRORS:
            return index
    return None


def salvage(frame: bytes) -> Envelope:
    """Return what can be known of a malformed envelope: which conversation and request it belongs to."""
    known = Envelope(Performative.NOT_UNDERSTOOD)
    try:
        items = msgspec.msgpack.decode(frame, type=list[msgspec.Raw])
    except READ_ERRORS:
        return known
    for field in ("conversation_id", "reply_with", "protocol"):
        position = POSITIONS.index(field)
        if position < len(items):
            try:
                setattr(known, field, msgspec.msgpack.decode(items[position], type=Text))
            except READ_ERRORS:
                continue
    return known
