"""How hostile modules are written: as text where it can be read, as bytes where it is only large."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgpack

from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.fipa.message import POSITIONS
from caxton_node.runtime import to_binary
from caxton_node.runtime.limits import PAGE_BYTES
from tests.support.guests import tiny

OUTBOX_AT = PAGE_BYTES
WITNESS = "witness"
"""A receiver on the node of the arena that remembers what it gets."""

NOW = '(import "caxton" "now_ns" (func $now (result i64)))'
LOG = '(import "caxton" "log" (func $log (param i32 i32 i32)))'
RANDOM = '(import "caxton" "random" (func $random (param i32 i32)))'
DONE = "(call $handled (i32.const 1)) (i32.const 0)"
SPIN = "(loop $again (br $again)) (i32.const 0)"
TRAP = "unreachable"

MAGIC = b"\0asm\x01\0\0\0"
TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, ELEMENT, CODE, DATA = 1, 2, 3, 4, 5, 6, 7, 9, 10, 11
NOTHING = b"\x60\0\0"
"""The type of a function that takes and gives nothing."""


def number(value: int) -> bytes:
    """Return an unsigned LEB128 number."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def section(kind: int, content: bytes) -> bytes:
    """Return one section of a binary module."""
    return bytes([kind]) + number(len(content)) + content


def vector(count: int, items: bytes) -> bytes:
    """Return so many items as the format writes them."""
    return number(count) + items


def one_function(body: bytes, local_groups: bytes = b"\0") -> bytes:
    """Return a module of one function with this body, which lacks everything else that an agent has."""
    code = local_groups + body + b"\x0b"
    return (
        MAGIC
        + section(TYPE, b"\x01" + NOTHING)
        + section(FUNCTION, b"\x01\0")
        + section(CODE, b"\x01" + number(len(code)) + code)
    )


def with_section(kind: int, content: bytes) -> bytes:
    """Return a complete agent with one more section behind its others."""
    return to_binary(tiny(handle=DONE)) + section(kind, content)


def escape(data: bytes) -> str:
    """Return bytes as the inside of a string of the text format."""
    return "".join(f"\\{byte:02x}" for byte in data)


def pages_for(size: int) -> int:
    """Return how many pages hold the first page and so many bytes behind it."""
    return 2 + size // PAGE_BYTES


def framed(frames: Sequence[bytes]) -> bytes:
    """Return an outbox of these frames."""
    return b"".join(struct.pack("<I", len(frame)) + frame for frame in frames)


def says(outbox: bytes, *, length: int | None = None) -> str:
    """Return an agent that answers its first message with this outbox, and later ones with silence.

    Args:
        outbox: The bytes, frames or not.
        length: What it says their length is, if not the truth.
    """
    return tiny(
        handle=f"""(call $handled (i32.const 1))
          (if (i32.eqz (global.get $said)) (then
            (global.set $said (i32.const 1))
            (call $out (i32.const {OUTBOX_AT}) (i32.const {len(outbox) if length is None else length}))))
          (i32.const 0)""",
        memory=str(pages_for(len(outbox))),
        extra=f"""(global $said (mut i32) (i32.const 0))
          (data (i32.const {OUTBOX_AT}) "{escape(outbox)}")""",
    )


def sends(*frames: bytes) -> str:
    """Return an agent that answers its first message with these frames."""
    return says(framed(frames))


def repeats(frame: bytes, count: int) -> str:
    """Return an agent that answers its first message with one frame, many times over."""
    one = framed([frame])
    size = len(one) * count
    return tiny(
        handle=f"""(local $at i32)
          (call $handled (i32.const 1))
          (if (global.get $said) (then (return (i32.const 0))))
          (global.set $said (i32.const 1))
          (local.set $at (i32.const {OUTBOX_AT}))
          (loop $copy
            (i32.store8 offset={len(one)} (local.get $at) (i32.load8_u (local.get $at)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $copy (i32.lt_u (local.get $at) (i32.const {OUTBOX_AT + size - len(one)}))))
          (call $out (i32.const {OUTBOX_AT}) (i32.const {size}))
          (i32.const 0)""",
        memory=str(pages_for(size)),
        extra=f"""(global $said (mut i32) (i32.const 0))
          (data (i32.const {OUTBOX_AT}) "{escape(one)}")""",
    )


def draft(envelope: Envelope) -> bytes:
    """Return a message as the SDKs write it, without the positions of the host: the router's short way."""
    own = msgpack.unpackb(encode(envelope))[: POSITIONS.index("message_id")]
    return bytes(msgpack.packb(own))


def inform(receivers: str | list[str] | None = WITNESS, content: bytes | None = b"1") -> Envelope:
    """Return a message that is as it should be."""
    return Envelope(Performative.INFORM, None, receivers, content, "talk-1")


def frame(receivers: str | list[str] | None = WITNESS, content: bytes | None = b"1") -> bytes:
    """Return the bytes of such a message."""
    return encode(inform(receivers, content))
