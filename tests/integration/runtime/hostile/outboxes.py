"""Frames that are no messages: the outbox is whole, what is in it is rubbish."""

from __future__ import annotations

import msgpack

from caxton_node.fipa import encode
from caxton_node.fipa.message import POSITIONS, RECEIVERS_MAX
from tests.integration.runtime.hostile.building import WITNESS, frame, inform, sends
from tests.integration.runtime.hostile.cases import Hostile, told

_DEEP = 10_000
# By position: something of a type that it may not have.
_WRONG: dict[str, object] = {
    "performative": "inform",
    "sender": 7,
    "receivers": {"a": 1},
    "content": "text instead of bytes",
    "conversation_id": b"bytes instead of text",
    "reply_with": [],
    "in_reply_to": 1.5,
    "reply_by": -1,
    "ontology": True,
    "language": b"",
    "encoding": 0,
    "protocol": {},
    "reply_to": ["a", "b"],
    "message_id": b"short",
    "sent_at": 2**60,
    "trace": b"short",
    "headers": [1, 2, 3],
}


def _positions(**values: object) -> list[object]:
    """Return the positions of a good message, some of them replaced."""
    return [values.get(field, good) for field, good in zip(POSITIONS, msgpack.unpackb(frame()), strict=True)]


def _packed(**values: object) -> bytes:
    return bytes(msgpack.packb(_positions(**values)))


def _with_raw_headers(value: bytes) -> bytes:
    """Return a message with one header whose value is these bytes, sound or not."""
    return (
        b"\xdc\x00\x11" + b"".join(msgpack.packb(item) for item in _positions()[:-1]) + b"\x81\xa1h" + value
    )


def _wrong(field: str) -> Hostile:
    return Hostile(
        f"wrong-{field.replace('_', '-')}",
        f"a message whose {field} is {_WRONG[field]!r:.30}",
        lambda: sends(_packed(**{field: _WRONG[field]})),
        told("not-understood", field),
    )


OUTBOXES = [
    Hostile(
        "not-an-envelope", "a frame of plain text", lambda: sends(b"hello there"), told("not-understood")
    ),
    Hostile(
        "truncated",
        "a message without its second half",
        lambda: sends(frame()[: len(frame()) // 2]),
        told("not-understood"),
    ),
    Hostile(
        "a-map-instead",
        "a map where a list belongs",
        lambda: sends(msgpack.packb({"performative": 8})),
        told("not-understood"),
    ),
    Hostile("empty-list", "a message of no positions", lambda: sends(b"\x90"), told("not-understood")),
    Hostile(
        "no-such-act",
        "an act that FIPA has not",
        lambda: sends(_packed(performative=0x7F)),
        told("not-understood", "performative"),
    ),
    *map(_wrong, _WRONG),
    Hostile(
        "no-utf-8",
        "a receiver that is no text",
        lambda: sends(frame().replace(WITNESS.encode(), b"\xff\xfe\xfd" * 2 + b"\xff")),
        told("not-understood", "receivers"),
    ),
    Hostile(
        "long-text",
        "a conversation id of 256 letters",
        lambda: sends(_packed(conversation_id="x" * 256)),
        told("not-understood", "conversation_id"),
    ),
    Hostile(
        "nested-frame",
        "ten thousand lists in one another",
        lambda: sends(b"\x91" * _DEEP + b"\xc0"),
        told("not-understood"),
    ),
    Hostile(
        "nested-header",
        "ten thousand lists in a header",
        lambda: sends(_with_raw_headers(b"\x91" * _DEEP + b"\xc0")),
        told("not-understood", "headers"),
    ),
    Hostile(
        "announced-header",
        "a header that announces 4 billion elements and has none",
        lambda: sends(_with_raw_headers(b"\xdd\xff\xff\xff\xff")),
        told("not-understood"),
    ),
    Hostile(
        "announced-text",
        "a text that announces 4 GiB and has none",
        lambda: sends(b"\x93\x08\xc0\xdb\xff\xff\xff\xff"),
        told("not-understood"),
    ),
    Hostile(
        "announced-map",
        "headers that announce 4 billion entries",
        lambda: sends(_with_raw_headers(b"")[:-3] + b"\xdf\xff\xff\xff\xff"),
        told("not-understood"),
    ),
    Hostile(
        "many-headers",
        "65 headers",
        lambda: sends(_packed(headers={str(n): n for n in range(65)})),
        told("not-understood", "headers"),
    ),
    Hostile(
        "heavy-headers",
        "headers of 20 KB",
        lambda: sends(_packed(headers={"h": "x" * 20_000})),
        told("not-understood", "headers"),
    ),
    Hostile(
        "header-that-is-no-text",
        "a header whose value is no UTF-8",
        lambda: sends(_with_raw_headers(b"\xa2\xff\xfe")),
        told("not-understood", "headers"),
    ),
    Hostile(
        "receivers-without-end",
        "one receiver more than a message may have",
        lambda: sends(frame([f"a{n}" for n in range(RECEIVERS_MAX + 1)])),
        told("not-understood", "receivers"),
    ),
    Hostile(
        "no-receiver", "a message to nobody", lambda: sends(frame(None)), told("not-understood", "receivers")
    ),
    Hostile(
        "no-content",
        "an act about a content that is not there",
        lambda: sends(frame(content=None)),
        told("not-understood", "content"),
    ),
    Hostile(
        "too-much-content",
        "a content of a byte more than it may send",
        lambda: sends(frame(content=bytes(2**20 + 1))),
        told("oversize"),
    ),
    Hostile(
        "nonsense-receiver",
        "a receiver that is no address",
        lambda: sends(frame("../../etc/passwd\0")),
        told("no-such-agent", "is not an agent name"),
    ),
    Hostile(
        "nonsense-node",
        "a node that is no node id",
        lambda: sends(frame("good@-\u202e")),
        told("no-such-agent", "is not a node id"),
    ),
    Hostile(
        "elsewhere",
        "a message to another node than there is",
        lambda: sends(frame("good@nowhere")),
        told("unroutable"),
    ),
    Hostile(
        "surplus-positions",
        "rubbish behind the last position, to a receiver that is not there",
        lambda: sends(b"\xdc\x00\x13" + encode(inform("nobody"))[3:] + b"\xc0\xc0"),
        told("no-such-agent"),
    ),
    Hostile(
        "trailing-bytes",
        "a good message with bytes behind it",
        lambda: sends(frame() + b"\xc0"),
        told("not-understood"),
    ),
]
