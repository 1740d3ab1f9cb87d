"""Bytes that should be an envelope: they are one, or malformed with a reason; what is read can be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec

from caxton_node.fipa import (
    BrokenRule,
    Envelope,
    MalformedEnvelope,
    Performative,
    decode,
    encode,
)
from caxton_node.fipa import (
    check as check_rules,
)
from caxton_node.fipa.codec import READ_ERRORS, explain, read, salvage
from caxton_node.fipa.message import POSITIONS
from caxton_node.fipa.rules import check_content
from tests.fuzz.source import inflate

BYTES_MAX = 256 * 1024
EXAMPLES = 400


def check(data: bytes) -> None:
    """Take the input, its runs written out, as a frame."""
    frame = inflate(data, BYTES_MAX)
    try:
        envelope = read(frame)
    except READ_ERRORS as error:
        _check_fault(explain(frame, error))
        _check_refused(frame)
    else:
        _check_envelope(envelope)
    encode(salvage(frame))


def _check_refused(frame: bytes) -> None:
    try:
        decode(frame)
    except MalformedEnvelope:
        return
    raise AssertionError("read and decode do not agree")


def _check_fault(fault: MalformedEnvelope) -> None:
    assert fault.reason
    if fault.position is not None:
        assert 0 <= fault.position < len(POSITIONS)
        assert fault.field == POSITIONS[fault.position]
    fault.reason.encode()


def _check_envelope(envelope: Envelope) -> None:
    frame = encode(envelope)
    assert encode(decode(frame)) == frame
    assert all(isinstance(receiver, str) for receiver in envelope.receiver_list())
    for check_what in (check_rules, check_content):
        with suppress(BrokenRule):
            check_what(envelope)


def seeds() -> Iterator[bytes]:
    """Envelopes, and arrays that are nearly some."""
    yield encode(Envelope(Performative.REQUEST, "bob", "agent", b"content", "talk-1", "q-1"))
    yield encode(
        Envelope(
            Performative.INFORM, None, ["a", "b@node-2"], b"", "t", None, "q", 2**53, "o", "json", "utf-8",
            "fipa-request", "other", bytes(16), 5, bytes(25),
            {"hops": msgspec.Raw(b"\x03"), "x": msgspec.Raw(b"\xa1y")},
        )
    )  # fmt: skip
    yield msgspec.msgpack.encode([99, "x"])
    yield msgspec.msgpack.encode([8, None, "a", b""] + [None] * 12 + [{"deep": [[[[[]]]]]}])
    yield b"\x91\xa1\xff"
    yield b"\xdc\x00\x11\x13" + b"\xc0" * 15 + b"\x81\xa1h" + b"\xc1\x0a\x91" + b"\xc0"
