"""What is known of a dead letter without opening it, and how some are chosen among many. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import msgspec

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import Address, parse_address
from caxton_node.fipa import Envelope, MalformedEnvelope, decode
from caxton_node.fipa.codec import READ_ERRORS, salvage
from caxton_node.fipa.message import UNIX_MAX
from caxton_node.messaging.dead_letters import DeadLetter
from caxton_node.messaging.tags import RESENT

TIMES_MAX = 2**31 - 1


class Mark(msgspec.Struct, array_like=True, frozen=True):
    """How often a message was sent again, and when last."""

    times: Annotated[int, msgspec.Meta(ge=0, le=TIMES_MAX)]
    at_unix_ms: Annotated[int, msgspec.Meta(ge=0, le=UNIX_MAX)]


NEVER = Mark(0, 0)
_read_mark = msgspec.msgpack.Decoder(Mark).decode


class Facts(msgspec.Struct, frozen=True):
    """One dead letter from outside.

    Attributes:
        at_unix_us: When it was given up.
        reason: One word; kept ones may have words of another version of this program.
        detail: One sentence.
        receiver: As addressed.
        receiver_name: `tenant/name` of it, or the address itself if it is none.
        sender: `name@node`; empty when nobody is known.
        sender_name: `tenant/name` of it.
        performative: Its FIPA word.
        conversation_id: Empty when it has none.
        message_id: 16 bytes; empty when it has none. Letters about one message share it.
        size_bytes: Of the envelope.
        sent_again: How often somebody has sent it again.
        sent_again_unix_ms: When last; 0: never.
    """

    at_unix_us: int
    reason: str
    detail: str
    receiver: str
    receiver_name: str
    sender: str
    sender_name: str
    performative: str
    conversation_id: str
    message_id: bytes
    size_bytes: int
    sent_again: int = 0
    sent_again_unix_ms: int = 0


class KeptLetter(msgspec.Struct, frozen=True):
    """A dead letter that this node keeps.

    Attributes:
        id: What people type; never given twice on one node.
        facts: What is known of it.
        frame: The envelope's bytes; None where only facts were asked for.
    """

    id: int
    facts: Facts
    frame: bytes | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """Which letters are meant; what is left out does not choose.

    Attributes:
        ids: Their numbers.
        reason: One word.
        receiver: The name, and the node where the address was pinned to one.
        sender: As `receiver`.
        conversation_id: Of the message.
        since_unix_us: Given up at that time or later.
    """

    ids: Sequence[int] = ()
    reason: str = ""
    receiver: Address | None = None
    sender: Address | None = None
    conversation_id: str = ""
    since_unix_us: int = 0


def facts_of(letter: DeadLetter) -> Facts:
    """Read what is known of a letter."""
    envelope = open_frame(letter.frame)
    mark = mark_of(envelope)
    sender = envelope.sender or ""
    return Facts(
        at_unix_us=letter.at_unix_us,
        reason=letter.reason.value,
        detail=letter.detail,
        receiver=letter.receiver,
        receiver_name=_name(letter.receiver),
        sender=sender,
        sender_name=_name(sender),
        performative=envelope.performative.word,
        conversation_id=envelope.conversation_id or "",
        message_id=envelope.message_id or b"",
        size_bytes=len(letter.frame),
        sent_again=mark.times,
        sent_again_unix_ms=mark.at_unix_ms,
    )


def open_frame(frame: bytes) -> Envelope:
    """Return the envelope, or what can be known of one that another version of this program wrote."""
    try:
        return decode(frame)
    except MalformedEnvelope:
        return salvage(frame)


def mark_of(envelope: Envelope) -> Mark:
    """Return how often a message was sent again; what a guest wrote there instead means never."""
    try:
        return _read_mark(envelope.headers[RESENT]) if envelope.headers else NEVER
    except (KeyError, *READ_ERRORS):
        return NEVER


@lru_cache(1024)
def _name(address: str) -> str:
    try:
        return parse_address(address).name
    except InvalidArgument:
        return address
