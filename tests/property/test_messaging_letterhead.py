"""What the host writes round a guest's bytes is what encoding the stamped message would have written."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.fipa import Envelope, Performative, decode
from caxton_node.fipa.codec import MalformedEnvelope
from caxton_node.fipa.protocols import PROTOCOLS
from tests.support.post_office import NODE, PostOffice, empty

import msgspec  # isort: skip

pytestmark = pytest.mark.story("005")

words = st.text(min_size=1, max_size=20)
maybe = st.none() | words
rests = st.tuples(
    st.binary(max_size=40),
    maybe,
    maybe,
    maybe,
    st.none(),
    maybe,
    st.just("text"),
    maybe,
    maybe.filter(lambda word: word not in PROTOCOLS),  # which would judge the act
    st.none(),
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(Performative), rests, st.integers(0, 10), st.booleans())
def test_a_copied_message_is_the_encoded_one(
    act: Performative, rest: tuple[object, ...], shorter: int, wordy: bool
) -> None:
    positions = [int(act), None, "b", *rest]
    while shorter and len(positions) > 10 and positions[-1] is None:
        positions.pop()
        shorter -= 1
    frame = msgspec.msgpack.encode(positions)
    if wordy:  # the same array with a longer head, which is not copied but encoded
        frame = b"\xdc" + len(positions).to_bytes(2, "big") + frame[1:]

    async def send() -> list[Envelope]:
        office = PostOffice()
        office.open("a")
        box = office.open("b")
        office.router.accept(f"a#1.1@{NODE}", [frame])
        return empty(box)

    got = asyncio.run(send())
    try:
        said = decode(frame)
    except MalformedEnvelope:
        assert got == []
        return
    (arrived,) = got
    assert arrived.sender == f"a@{NODE}"
    assert len(arrived.message_id or b"") == 16
    assert (arrived.trace or b"")[16:24] == (arrived.message_id or b"")[8:]
    said.sender, said.message_id = arrived.sender, arrived.message_id
    said.sent_at, said.trace = arrived.sent_at, arrived.trace
    assert arrived == said
