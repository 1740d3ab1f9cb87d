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
ID = b"\xc4\x10"
_TIME = b"\xcf"
_TRACE = b"\xc4\x19"
UNFOLLOWED = b"\x00\xc0"
"""Trace flags of a conversation that is not followed, and no headers."""
FIXARRAY = 0x90
EMPTY = 0xC0
"""What a guest writes for its own name."""
NILS = {FIXARRAY + count: _NIL * (GUEST_POSITIONS - count) for count in range(3, GUEST_POSITIONS + 1)}
"""The positions that a guest left out, by the first byte of a frame that may be copied."""


class Heads(dict[int, bytes]):
    """How the envelopes of one sender begin, by act; made when they are first needed.

    Args:
        sender: `name@node`.
    """

    __slots__ = ("_sender",)

    def __init__(self, sender: str) -> None:
        super().__init__()
        self._sender = sender

    def __missing__(self, act: int) -> bytes:
        """Make the beginning of an act."""
        head = self[act] = _HEAD + bytes((act,)) + msgspec.msgpack.encode(self._sender)
        return head


def letterhead(now_us: int, first: int) -> tuple[bytes, bytes]:
    """Return what the messages of one turn share.

    Args:
        now_us: Unix microseconds.
        first: Number of the first message, as `Stamps.take` gives it.

    Returns:
        The first twelve bytes of every message id, behind which its counter stands; and what stands between
        the message id and the trace id.
    """
    return first.to_bytes(16, "big")[:12], _TIME + now_us.to_bytes(8, "big") + _TRACE
