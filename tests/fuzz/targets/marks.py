"""Marks and questions of fences: read or refused, within bounds; a node keeps no more than it may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.codec import READ_ERRORS
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging import marks
from caxton_node.messaging.marks import LANES_CAP, Mark, Marks, Question, decode_mark, decode_question, encode

EXAMPLES = 300


def check(data: bytes) -> None:
    """Read an input as each of them, and let it come as a mark from the platform and from somebody else."""
    for decode in (decode_mark, decode_question):
        found = _read(decode, data)
        if found is None:
            continue
        assert _read(decode, encode(found)) == found
        match found:
            case Mark(_, number, lane, lanes):
                assert number >= 0
                assert 0 <= lane < LANES_CAP
                assert 1 <= lanes <= LANES_CAP
            case Question():
                assert 0 < found.within_s <= 60
    came = Marks()
    came.take(Envelope(Performative.INFORM, "guest@n1", "marks~0@n2", data))
    assert not came._seen
    for _ in range(3):
        came.take(Envelope(Performative.INFORM, PLATFORM_SENDER, "marks~0@n2", data))
    assert len(came._seen) <= min(1, marks.SEEN_MAX)


def _read(decode: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return decode(data)
    except READ_ERRORS:
        return None


def seeds() -> Iterator[bytes]:
    """Give one of each, and some that are almost right."""
    yield encode(Mark("n1", 7, 3, 4))
    yield encode(Question("default/x", 7, ["n3"], ["n1"], 0.5))
    yield encode(("n1", -1, 0, 0))
    yield encode(("default/x", 7, [], [], float("nan")))
