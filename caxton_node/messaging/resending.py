"""A dead letter on its way once more: which may go, and what is changed in it. Pure.

The message keeps its id, sender, conversation and time, so that a receiver recognises what it has seen
before. This changes:

    resent           header `[how often, when]`: a receiver may want to know, and if the message comes back,
                     whoever looks at it; it travels along, so another node knows it too
    hops, outbox     go: the journey begins anew, and from here
    budget           goes: what the message carried went back when it was given up, and is not paid twice
    reply_by, ttl    go if they have passed: somebody has decided that the message shall be handled now. Kept,
                     they would bring its sender a second timeout at once
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from caxton_node.fipa import Envelope, FailureReason, MalformedEnvelope, decode, encode
from caxton_node.fipa.message import HEADERS_MAX
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging.budget.header import BUDGET
from caxton_node.messaging.durable.header import OUTBOX
from caxton_node.messaging.hops import HOPS
from caxton_node.messaging.letters import TIMES_MAX, KeptLetter, Mark, mark_of
from caxton_node.messaging.tags import RESENT, TTL, expiry_of

BATCH_COUNT_MAX = 256
BATCH_BYTES_MAX = 8 * 1024 * 1024
OF_A_FORMER_JOURNEY = frozenset({HOPS, RESENT, BUDGET, OUTBOX})

_encode = msgspec.msgpack.Encoder().encode


def may_go(letter: KeptLetter, *, by_id: bool) -> bool:
    """Tell whether a letter may be sent again.

    One that was too large has lost its content. What the platform itself said (a FAILURE that found nobody)
    was about a moment that has passed, so only somebody who names it sends it again: otherwise each round
    over all letters would send failures about failures.

    Args:
        letter: Its facts are enough.
        by_id: Somebody named this very letter.
    """
    facts = letter.facts
    return facts.reason != FailureReason.OVERSIZE and (by_id or facts.sender != PLATFORM_SENDER)


def frames_again(letter: KeptLetter, now_unix_ms: int) -> list[bytes]:
    """Return what to route for a letter: one frame for each receiver it names; none if it cannot be read.

    Args:
        letter: With its frame.
        now_unix_ms: Time of the header, and what a deadline is compared with.
    """
    try:
        envelope = decode(letter.frame or b"")
    except MalformedEnvelope:
        return []
    if envelope.reply_by is not None and envelope.reply_by <= now_unix_ms:
        envelope.reply_by = None
    times = max(letter.facts.sent_again, mark_of(envelope).times)
    kept = _kept_headers(envelope, now_unix_ms)
    if len(kept) < HEADERS_MAX:  # a message that is full of its sender's own goes without the mark
        kept[RESENT] = msgspec.Raw(_encode(Mark(min(times + 1, TIMES_MAX), now_unix_ms)))
    envelope.headers = kept
    return list(_copies(envelope))


def batches(letters: Sequence[KeptLetter]) -> Iterator[list[int]]:
    """Divide letters into runs that are read, sent and forgotten together; yields their ids, in order."""
    ids: list[int] = []
    size = 0
    for letter in letters:
        if ids and (len(ids) >= BATCH_COUNT_MAX or size + letter.facts.size_bytes > BATCH_BYTES_MAX):
            yield ids
            ids, size = [], 0
        ids.append(letter.id)
        size += letter.facts.size_bytes
    if ids:
        yield ids


def _kept_headers(envelope: Envelope, now_unix_ms: int) -> dict[str, msgspec.Raw]:
    headers = {
        name: value for name, value in (envelope.headers or {}).items() if name not in OF_A_FORMER_JOURNEY
    }
    if TTL in headers and _has_expired(envelope, now_unix_ms):
        del headers[TTL]
    return headers


def _has_expired(envelope: Envelope, now_unix_ms: int) -> bool:
    try:
        return expiry_of(envelope) <= now_unix_ms
    except ValueError:  # a time to live that nobody can read is over
        return True


def _copies(envelope: Envelope) -> Iterator[bytes]:
    """Yield a copy per receiver, as routing wants it; most letters name one."""
    for receiver in dict.fromkeys(envelope.receiver_list()):
        envelope.receivers = receiver
        yield encode(envelope)
