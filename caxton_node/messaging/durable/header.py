"""What is written into a durable message, and read from it. Pure.

    durable    its sender's wish: a boolean
    outbox     written by hosts only: `[origin, after]`, on each way out of the outbox anew. `origin` is the
               node whose outbox has it, `after` the copy that goes before it in the same talk and is not
               known to be handled, or nil

A message to several receivers is a copy for each. A copy is known by sixteen bytes that both sides compute
from the message id and the receiver; one that an operator sends again is another copy.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from msgspec import Struct

from caxton_node.fipa.codec import READ_ERRORS
from caxton_node.fipa.message import HEADERS_MAX, Envelope
from caxton_node.fipa.rules import BrokenRule
from caxton_node.messaging.hops import HOPS

DURABLE = "durable"
OUTBOX = "outbox"
RESENT = "resent"
"""As in `tags.py`, which reads this file."""
COPY_BYTES = 16
ROOM = 4
"""Headers that the host may add: a time to live, `outbox`, `hops`, and the mark of one that is sent again."""

_TRUE = msgspec.msgpack.encode(True)
_encode = msgspec.msgpack.Encoder().encode


class Passage(Struct, frozen=True, gc=False):
    """What a durable message under way carries.

    Attributes:
        copy: Which message, to which receiver.
        origin: The node whose outbox has it.
        after: The copy that must be known before it, if any.
    """

    copy: bytes
    origin: str
    after: bytes | None = None


class _Header(Struct, array_like=True, forbid_unknown_fields=True):
    origin: str
    after: bytes | None = None


_read = msgspec.msgpack.Decoder(_Header).decode


def is_durable(envelope: Envelope) -> bool:
    """Tell whether its sender wants a message to survive."""
    raw = envelope.headers.get(DURABLE) if envelope.headers else None
    return raw is not None and bytes(raw) == _TRUE


def check_durable(envelope: Envelope) -> None:
    """Check the wish of a message that has one.

    Raises:
        BrokenRule: It is no boolean, or there is no room for what the host must add.
    """
    headers = envelope.headers
    raw = headers.get(DURABLE) if headers else None
    if raw is None:
        return
    try:
        wish = msgspec.msgpack.decode(raw, type=bool)
    except READ_ERRORS:
        raise BrokenRule("durable is true or false", "headers") from None
    if wish and len(headers or ()) > HEADERS_MAX - ROOM:
        raise BrokenRule(f"{HEADERS_MAX - ROOM} headers are allowed in a durable message", "headers")


def make_durable(envelope: Envelope) -> None:
    """Let a message of the platform survive."""
    envelope.headers = {**(envelope.headers or {}), DURABLE: msgspec.Raw(_TRUE)}


def copy_of(envelope: Envelope) -> bytes:
    """Return how both sides call a message to its one receiver."""
    receiver = next(iter(envelope.receiver_list()), "")
    resent = (envelope.headers or {}).get(RESENT, b"")
    parts = (envelope.message_id or b"", receiver.encode(), b"\0", bytes(resent))
    return blake2b(b"".join(parts), digest_size=COPY_BYTES).digest()


def passage_of(envelope: Envelope) -> Passage | None:
    """Return what a durable message under way carries; None for any other message."""
    raw = envelope.headers.get(OUTBOX) if envelope.headers else None
    if raw is None:
        return None
    try:
        found = _read(raw)
    except READ_ERRORS:
        return None
    return Passage(copy_of(envelope), found.origin, found.after)


def is_foreign(envelope: Envelope, peer: str) -> bool:
    """Tell whether a message from a peer claims another node's outbox, though no node has passed it on."""
    headers = envelope.headers
    if headers is None or OUTBOX not in headers or HOPS in headers:
        return False
    passage = passage_of(envelope)
    return passage is not None and passage.origin != peer


def with_passage(envelope: Envelope, origin: str, after: bytes | None) -> Envelope:
    """Return a copy of an envelope that is ready to go out."""
    raw = msgspec.Raw(_encode(_Header(origin, after)))
    return msgspec.structs.replace(envelope, headers={**(envelope.headers or {}), OUTBOX: raw})
