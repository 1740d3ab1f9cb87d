"""Traces: what became of messages of conversations that are followed, one span for each message and receiver.

Whether a conversation is followed is decided when it begins, before any span exists: every hundredth one of
guests, and those that people begin, as long as they begin fewer than a hundred in a second. The decision
travels in the flags of the trace, so that other nodes follow the same conversations. All messages of a
conversation have its trace id.

Source: W3C Trace Context (the meaning of trace id, span id and flags); story 002.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from time import time_ns

from msgspec import Struct

from caxton_node.core.ids import DEFAULT_TENANT
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative

SAMPLED = 1
SPANS_MAX = 20_000
SPANS_PER_S = 5_000
BEGUN_PER_S = 100
TRACE_ID_BYTES = 16


class Span(Struct, gc=False):
    """One message on its way to one receiver.

    Attributes:
        trace_id: Of its conversation, 16 bytes.
        message_id: 16 bytes; the lower half is the span id.
        conversation_id: Or None.
        performative: What it does.
        sender: `name@node`.
        receiver: `name@node`.
        reply_with: What its answer is to name, or None.
        in_reply_to: What it answers, or None.
        sent_us: When it was sent, unix microseconds of its sender's node.
        routed_us: When this node put it where it belongs; later, if it came from another node or was parked.
        taken_us: When its receiver took it from its mailbox; 0: not yet.
        ended_us: When it was done with; 0: not yet.
        outcome: What became of it: "queued" until it is done with.
        instance: Who handled it, `name#version.n@node`.
    """

    trace_id: bytes
    message_id: bytes
    conversation_id: str | None
    performative: Performative
    sender: str
    receiver: str
    reply_with: str | None
    in_reply_to: str | None
    sent_us: int
    routed_us: int = 0
    taken_us: int = 0
    ended_us: int = 0
    outcome: str = "queued"
    instance: str = ""


class Traces:
    """The latest spans of this node; any thread may begin and end one.

    Args:
        share: Part of the conversations of guests that is followed, 0 to 1.
        spans_max: Spans kept.

    Attributes:
        forgotten: Spans that were not made since there were too many in their second.
    """

    def __init__(self, share: float = 0.01, spans_max: int = SPANS_MAX) -> None:
        self._every = round(1 / share) if share > 0 else 0
        self._begun = 0
        self._spans: deque[Span] = deque(maxlen=spans_max)
        self._lock = Lock()
        self._quota = _Quota(SPANS_PER_S)
        self._people = _Quota(BEGUN_PER_S)
        self.forgotten = 0

    def follows_next(self) -> bool:
        """Decide whether a conversation that a guest begins is followed."""
        if not self._every:
            return False
        self._begun = begun = self._begun + 1
        return begun % self._every == 0

    def follows_person(self, now_us: int) -> bool:
        """Decide whether a conversation that a client begins is followed."""
        with self._lock:
            return self._people.take(now_us)

    def begin(self, envelope: Envelope, receiver: str) -> Span | None:
        """Make the span of a stamped message; None when there are too many."""
        now_us = envelope.sent_at or 0
        with self._lock:
            if not self._quota.take(now_us):
                self.forgotten += 1
                return None
        trace, message_id = envelope.trace or b"", envelope.message_id or b""
        span = Span(
            trace[:TRACE_ID_BYTES],
            message_id,
            envelope.conversation_id,
            Performative(envelope.performative),
            envelope.sender or "",
            receiver,
            envelope.reply_with,
            envelope.in_reply_to,
            now_us,
            time_ns() // 1000,
        )
        self._spans.append(span)
        return span

    def end(self, envelope: Envelope, receiver: str, outcome: str, now_us: int) -> None:
        """Write what became of a stamped message that was given up, which may never have led anywhere."""
        span = self._find_unended(envelope.message_id or b"", receiver) or self.begin(envelope, receiver)
        if span is not None:
            span.outcome, span.ended_us = outcome, now_us

    def _find_unended(self, message_id: bytes, receiver: str) -> Span | None:
        """Return the latest span of a message to an agent, which may be said without its node."""
        name = _bare(receiver)
        for span in reversed(list(self._spans)):
            if span.message_id == message_id and not span.ended_us and _bare(span.receiver) == name:
                return span
        return None

    def find(self, key: bytes | str) -> list[Span]:
        """List the spans of a trace, oldest first.

        Args:
            key: A conversation id, or sixteen bytes: a trace id, or the id of one of its messages.
        """
        spans = list(self._spans)
        if isinstance(key, bytes):
            ids = {key} | {span.trace_id for span in spans if span.message_id == key}
            found = [span for span in spans if span.trace_id in ids]
        else:
            found = [span for span in spans if span.conversation_id == key]
        return sorted(found, key=lambda span: (span.sent_us, span.message_id))


def _bare(address: str) -> str:
    return address.partition("@")[0].removeprefix(f"{DEFAULT_TENANT}/")


class _Quota:
    """So many in a second."""

    __slots__ = ("_left", "_per_s", "_second")

    def __init__(self, per_s: int) -> None:
        self._per_s = self._left = per_s
        self._second = 0

    def take(self, now_us: int) -> bool:
        second = now_us // 1_000_000
        if second != self._second:
            self._second, self._left = second, self._per_s
        self._left -= 1
        return self._left >= 0
