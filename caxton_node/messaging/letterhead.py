"""What the host writes into the messages of one turn, without encoding them anew.

A guest writes the first thirteen positions of an envelope and leaves the second, its name, empty. What the
host adds stands at the front (the act again, the sender) and at the end (id, time, trace), so the middle is
copied as it is:

    dc 0011  act  sender | the guest's bytes from position 2 on | nil...  id  time  trace  nil

Encoding the decoded struct costs twice as much. A frame of any other shape is encoded.
"""

from __future__ import annotations

import msgspec

from caxton_node.fipa.message import POSITIONS

GUEST_POSITIONS = POSITIONS.index("message_id")
_HEAD = b"\xdc\x00\x11"
_NIL = b"\xc0"
_ID = b"\xc4\x10"
_TIME = b"\xcf"
_TRACE = b"\xc4\x19"
UNFOLLOWED = b"\x00\xc0"
"""Trace flags of a conversation that is not followed, and no headers."""
FIXARRAY = 0x90
SHORTEST, LONGEST = FIXARRAY + 3, FIXARRAY + GUEST_POSITIONS
"""First bytes of frames that may be copied: arrays of three to thirteen positions."""
EMPTY = 0xC0


def head_of(act: int, sender: str) -> bytes:
    """Return how the envelopes of a sender begin, by act."""
    return _HEAD + bytes((act,)) + msgspec.msgpack.encode(sender)


NILS = tuple(_NIL * max(LONGEST - first_byte, 0) for first_byte in range(256))
"""The positions that a guest left out, by the first byte of its frame."""


def letterhead(now_us: int, first: int) -> tuple[bytes, bytes, bytes]:
    """Return what the messages of one turn share at their ends.

    Args:
        now_us: Unix microseconds.
        first: Number of the first message, as `Stamps.take` gives it.

    Returns:
        What stands before a message's counter; what stands between the counter and the trace id; and bytes 8
        to 12 of every message id, which begin the span id that the counter ends.
    """
    prefix = first.to_bytes(16, "big")[:12]
    return _ID + prefix, _TIME + now_us.to_bytes(8, "big") + _TRACE, prefix[8:]
