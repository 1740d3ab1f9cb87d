"""Agents that pretend to be somebody else: what a message says about itself is the host's to write.

The content of each message is what it claims, so that the witness can compare.
"""

from __future__ import annotations

import msgspec

from caxton_node.fipa import Envelope, Performative, decode, encode
from tests.integration.runtime.hostile.building import WITNESS, sends
from tests.integration.runtime.hostile.cases import End, Hostile, How
from tests.support.agents import NODE

_HOST_OWNS = ("sender", "message_id", "sent_at", "trace", "headers")
_FAILED = b'{"reason":"trapped","detail":"","message_id":"","receiver":""}'


def find_overruled(found: Envelope) -> list[str]:
    """Name what a message claimed about itself and does not say any more."""
    claimed = decode(found.content or b"")
    return [
        name
        for name in _HOST_OWNS
        if getattr(claimed, name) is not None and getattr(claimed, name) != getattr(found, name)
    ]


def _claim(
    name: str, tries: str, *overruled: str, act: Performative = Performative.INFORM, **values: object
) -> Hostile:
    def make() -> str:
        envelope = Envelope(
            act, receivers=WITNESS, content=_FAILED, conversation_id="talk-1", language="msgpack"
        )
        for field, value in values.items():
            setattr(envelope, field, value)
        envelope.content = encode(envelope)
        return sends(encode(envelope))

    return Hostile(name, tries, make, End(How.OVERRULED, ", ".join(overruled)))


IMPOSTORS = [
    _claim(
        "claims-to-be-the-platform",
        "sends a FAILURE in the name of ams",
        "sender",
        sender="ams",
        act=Performative.FAILURE,
    ),
    _claim("claims-to-be-another", "sends in the name of the good agent", "sender", sender=f"good@{NODE}"),
    _claim(
        "claims-another-node",
        "sends in its own name from another node",
        "sender",
        sender="claims-another-node@n2",
    ),
    _claim("claims-an-id", "chooses the id of its message", "message_id", message_id=bytes(16)),
    _claim("claims-another-time", "sends from the year 2255", "sent_at", sent_at=2**53),
    _claim("claims-a-span", "pretends to be the span that others are part of", "trace", trace=b"\xff" * 25),
    _claim(
        "claims-fewer-hops",
        "makes the host forget how often a message was passed on",
        "headers",
        headers={"hops": msgspec.Raw(b"\xd0\x80")},
    ),
    _claim(
        "claims-everything",
        "all of that at once",
        "sender",
        "message_id",
        "sent_at",
        "trace",
        "headers",
        sender="ams",
        message_id=bytes(16),
        sent_at=0,
        trace=bytes(25),
        headers={"hops": msgspec.Raw(b"\x00")},
    ),
]
