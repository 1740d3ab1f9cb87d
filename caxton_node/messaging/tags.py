"""What is special about a single message while it waits: most have nothing, and cost nothing here."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from caxton_node.fipa.message import Envelope
from caxton_node.fipa.rules import BrokenRule
from caxton_node.messaging.budget.header import Grant, grant_of
from caxton_node.messaging.durable.header import Passage, passage_of
from caxton_node.messaging.traces import Span

TTL = "ttl"
"""Header: milliseconds after which nobody may handle the message, from when it was sent."""
SHADOW = "shadow"
"""Header, written by hosts only: the instance that a copy is meant for."""
RESENT = "resent"
"""Header, written by hosts only: how often a dead letter was sent again, and when last."""
TTL_MS_MAX = 30 * 86_400_000


class Tag(Struct, gc=False):
    """What is special about one message. A tagged message is a run of its own.

    Attributes:
        expires_ms: Unix milliseconds after which nobody may handle it; 0: never.
        span: Its entry among the traces, if it is traced.
        grant: What it carries of a budget.
        passage: What it carries as a durable message.
    """

    expires_ms: int = 0
    span: Span | None = None
    grant: Grant | None = None
    passage: Passage | None = None

    @property
    def lone(self) -> bool:
        """Tell whether it must be handled in a turn of its own, so that it is known what came of it alone."""
        return self.grant is not None or self.passage is not None


def tag_of(envelope: Envelope, span: Span | None = None) -> Tag | None:
    """Return the tag of a stamped message, None if it needs none."""
    headers = envelope.headers
    if not headers:
        return Tag(0, span) if span is not None else None
    expires_ms, grant, passage = expiry_of(envelope), grant_of(envelope), passage_of(envelope)
    is_special = expires_ms or grant is not None or passage is not None or span is not None
    return Tag(expires_ms, span, grant, passage) if is_special else None


def expiry_of(envelope: Envelope) -> int:
    """Return when a stamped message expires, unix milliseconds; 0 when it does not.

    A time that cannot be read is none; whoever takes messages from agents tells them (`read_ttl`).
    """
    raw = (envelope.headers or {}).get(TTL)
    if raw is None:
        return 0
    try:
        return (envelope.sent_at or 0) // 1000 + read_ttl(raw)
    except ValueError:
        return 0


def check_ttl(envelope: Envelope) -> None:
    """Check the time to live of a message that has one.

    Raises:
        BrokenRule: It is none; says what it should be.
    """
    raw = (envelope.headers or {}).get(TTL)
    if raw is not None:
        try:
            read_ttl(raw)
        except ValueError as err:
            raise BrokenRule(str(err), "headers") from None


def read_ttl(raw: msgspec.Raw) -> int:
    """Read a time to live.

    Raises:
        ValueError: It is none; says what it should be.
    """
    try:
        ttl_ms = msgspec.msgpack.decode(raw, type=int)
    except (msgspec.DecodeError, UnicodeDecodeError):
        ttl_ms = 0
    if not 1 <= ttl_ms <= TTL_MS_MAX:
        raise ValueError(f"ttl is a whole number of milliseconds from 1 to {TTL_MS_MAX:,}")
    return ttl_ms
