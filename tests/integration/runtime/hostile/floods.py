"""More messages than anybody can take, in one call."""

from __future__ import annotations

from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.fipa.message import RECEIVERS_MAX
from caxton_node.runtime import Limits
from tests.integration.runtime.hostile.building import (
    DONE,
    OUTBOX_AT,
    WITNESS,
    draft,
    frame,
    inform,
    pages_for,
    repeats,
    sends,
)
from tests.integration.runtime.hostile.cases import Hostile, told, trapped
from tests.support.guests import tiny

_RICH = Limits(fuel_per_message=10**9, wall_time_s=60.0, batch_max=1)
_BIG = 9 * 2**20
_FLOOD = 20_000


def _small_frames(count: int) -> str:
    """Return an agent whose outbox is so many frames of one byte."""
    return tiny(
        handle=f"""(local $at i32) (local.set $at (i32.const {OUTBOX_AT}))
          (loop $next
            (i32.store (local.get $at) (i32.const 1))
            (local.set $at (i32.add (local.get $at) (i32.const 5)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const {OUTBOX_AT + 5 * count}))))
          (call $out (i32.const {OUTBOX_AT}) (i32.const {5 * count})) {DONE}""",
        memory=str(pages_for(5 * count)),
    )


def _refusal(receiver: str) -> bytes:
    """Return a message that no platform agent answers."""
    return draft(Envelope(Performative.REFUSE, None, receiver, b"1", "talk-1"))


def _spellings(receiver: str) -> list[str]:
    """Write one address in as many ways as a message has room for."""
    return [f"{receiver}#{number}" for number in range(RECEIVERS_MAX)]


FLOODS = [
    Hostile(
        "frames-65537",
        "one frame more than a call may send",
        lambda: _small_frames(65_537),
        trapped("abi", "at most 65,536"),
        _RICH,
    ),
    Hostile(
        "frames-of-one-byte",
        "9 MB of one-byte frames",
        lambda: _small_frames(_BIG // 5),
        trapped("abi", "at most 65,536"),
        _RICH,
    ),
    Hostile(
        "flood-to-an-inbox-on-the-loop",
        "20,000 messages to a client",
        lambda: repeats(draft(inform(WITNESS)), _FLOOD),
        told("mailbox-full"),
        _RICH,
    ),
    Hostile(
        "flood-to-the-directory",
        "20,000 messages to df",
        lambda: repeats(_refusal("df"), _FLOOD),
        told("mailbox-full"),
        _RICH,
    ),
    Hostile(
        "flood-to-itself",
        "2,000 messages to itself",
        lambda: repeats(_refusal("flood-to-itself"), 2_000),
        told("loop"),
        _RICH,
    ),
    Hostile(
        "flood-to-nobody",
        "5,000 messages to nobody",
        lambda: repeats(frame("nobody"), 5_000),
        told("no-such-agent"),
        _RICH,
    ),
    Hostile(
        "flood-to-nowhere",
        "5,000 messages to a node that is not there",
        lambda: repeats(frame("good@nowhere"), 5_000),
        told("unroutable"),
        _RICH,
    ),
    Hostile(
        "flood-of-rubbish",
        "5,000 frames that are no messages",
        lambda: repeats(b"rubbish", 5_000),
        told("not-understood"),
        _RICH,
    ),
    Hostile(
        "fan-out",
        "20 messages to 256 spellings of nobody each",
        lambda: repeats(frame(_spellings("nobody")), 20),
        told("no-such-agent"),
        _RICH,
    ),
    Hostile(
        "rubbish-to-the-directory",
        "a request to df that nests a thousand deep",
        lambda: sends(
            encode(Envelope(Performative.REQUEST, None, "df", b"[" * 1000, "talk-1", language="text"))
        ),
        told("not-understood", "content"),
    ),
    Hostile(
        "registers-too-much",
        "65 capabilities where 64 are allowed",
        lambda: sends(encode(Envelope(Performative.REQUEST, None, "df", _registration(65, b""), "talk-1"))),
        told("not-understood", "content"),
    ),
    Hostile(
        "registers-a-huge-schema",
        "a capability whose schema has 100 KB",
        lambda: sends(
            encode(Envelope(Performative.REQUEST, None, "df", _registration(1, b"x" * 100_000), "talk-1"))
        ),
        told("too-much", "8,192 are taken"),
    ),
]


def _registration(count: int, padding: bytes) -> bytes:
    one = b'{"name":"c%d","schema":{"a":"' + padding + b'"}}'
    return b'{"action":"register","capabilities":[' + b",".join(one % n for n in range(count)) + b"]}"
