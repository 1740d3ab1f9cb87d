"""What FIPA asks of a message beyond its format: one table and the sizes.

The rules refuse only what no receiver could use: a message to nobody, an act that is about a content but has
none, answers directed to what is no agent's name. They do not ask for a conversation id: FIPA does so within
an interaction protocol only, and a one-shot INFORM needs none. A `reply_by` in the past is late, not wrong.

Source: FIPA SC00061G section 2.1, SC00037J (content of each act).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from caxton_node.core.bounds import nests_deeper
from caxton_node.core.errors import InvalidArgument, InvalidMessage
from caxton_node.core.ids import parse_address
from caxton_node.fipa.content import fault_in
from caxton_node.fipa.message import POSITIONS, Envelope
from caxton_node.fipa.performatives import Performative

CONTENT_BYTES_MAX = 1024 * 1024
CONTENT_BYTES_CAP = 10 * 1024 * 1024
HEADERS_BYTES_MAX = 16 * 1024
HEADERS_DEPTH_MAX = 16

NEEDS_CONTENT = frozenset(
    {
        Performative.CFP,
        Performative.CONFIRM,
        Performative.DISCONFIRM,
        Performative.INFORM,
        Performative.INFORM_IF,
        Performative.INFORM_REF,
        Performative.PROPAGATE,
        Performative.PROPOSE,
        Performative.PROXY,
        Performative.QUERY_IF,
        Performative.QUERY_REF,
        Performative.REQUEST,
        Performative.REQUEST_WHEN,
        Performative.REQUEST_WHENEVER,
        Performative.SUBSCRIBE,
    }
)
"""Acts that say or ask something about their content; the others may rest on what they answer."""


class BrokenRule(InvalidMessage):
    """A well-formed envelope that FIPA or a limit does not allow; it was not sent.

    Args:
        reason: Which rule, in words.
        field: Name of the field at fault.
    """

    code = "BROKEN_RULE"

    def __init__(self, reason: str, field: str) -> None:
        self.reason = reason
        self.field = field
        self.position = POSITIONS.index(field)
        super().__init__(f"invalid message at position {self.position} ({field})", why=reason)


class ContentTooLarge(BrokenRule):
    """The content is larger than its sender may send."""

    code = "CONTENT_TOO_LARGE"


def check(envelope: Envelope, content_bytes_max: int = CONTENT_BYTES_MAX) -> None:
    """Check the rules.

    Args:
        envelope: Decoded, so types and text lengths are already right.
        content_bytes_max: Limit of the sender, at most `CONTENT_BYTES_CAP`.

    Raises:
        BrokenRule: The sender's fault; names the field.
        ContentTooLarge: The same, for the one rule that is a limit.
    """
    content = envelope.content
    if content is None:
        if envelope.performative in NEEDS_CONTENT:
            raise BrokenRule(f"{envelope.performative.word} needs a content (it may be empty)", "content")
    elif len(content) > content_bytes_max:
        raise ContentTooLarge(f"content of {len(content)} bytes, {content_bytes_max} are allowed", "content")
    if envelope.receivers is None:
        raise BrokenRule("a message needs a receiver", "receivers")
    if envelope.reply_to is not None:
        _check_reply_to(envelope.reply_to)
    if envelope.headers is not None:
        _check_headers(envelope.headers)


def _check_reply_to(address: str) -> None:
    """Ask for an address: no receiver could answer to anything else, and it would be told, not the sender."""
    try:
        parse_address(address)
    except InvalidArgument as err:
        raise BrokenRule(f"nobody can answer to it: {err.what}", "reply_to") from None


def check_content(envelope: Envelope) -> None:
    """Check that a content is what its language says; only JSON is looked into.

    Raises:
        BrokenRule: The sender's fault; says at which byte.
    """
    reason = fault_in(envelope.content or b"", envelope.language, envelope.encoding)
    if reason is not None:
        raise BrokenRule(reason, "content")


def _check_headers(headers: Mapping[str, msgspec.Raw]) -> None:
    """Keep headers small and flat, so that every node on the way can read what the first one could."""
    values = [bytes(value) for value in headers.values()]
    if sum(map(len, values)) > HEADERS_BYTES_MAX:
        raise BrokenRule(f"headers of more than {HEADERS_BYTES_MAX:,} bytes; use the content", "headers")
    if any(nests_deeper(value, HEADERS_DEPTH_MAX) for value in _objects(values)):
        raise BrokenRule(f"headers nest deeper than {HEADERS_DEPTH_MAX}", "headers")


def _objects(values: Iterable[bytes]) -> Iterable[object]:
    try:
        yield from map(msgspec.msgpack.decode, values)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise BrokenRule(f"a header cannot be read: {err}", "headers") from None
