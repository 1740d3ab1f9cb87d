"""Batches are compressed where it pays, and what does not unpack to what it says is refused."""

from __future__ import annotations

import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport import Settings
from transport.decoder import FrameDecoder
from transport.errors import MalformedFrame
from transport.frames import Frame, FrameType, decode_batch, encode_batch
from transport.packing import Packer, unpack
from transport.session import Session
from transport.window import SendWindow

pytestmark = pytest.mark.story("019")
TEXT = b'{"kind":"reading","sensor":"outside","value":17}' * 20


def packed(payload: bytes) -> Frame:
    return Frame(FrameType.PACKED, 1, payload)


def test_what_shrinks_comes_back_whole() -> None:
    payload = encode_batch(7, [TEXT, b"", TEXT])
    small = Packer().pack(payload)
    assert small is not None
    assert len(small) < len(payload) / 5
    assert unpack(packed(small)) == Frame(FrameType.BATCH, 1, payload)


def test_what_is_small_or_does_not_shrink_goes_as_it_is_and_is_tried_less_and_less() -> None:
    packer, noise = Packer(), encode_batch(1, [os.urandom(2_000)])
    assert packer.pack(encode_batch(1, [b"hi"])) is None
    tried = 0
    for _ in range(1_000):
        before = packer._skipped
        assert packer.pack(noise) is None
        tried += packer._skipped <= before
    assert 8 <= tried <= 14, "after 1, 3, 7, ... 256, 256 that were not tried"
    for _ in range(257):
        found = packer.pack(encode_batch(1, [TEXT]))
        if found is not None:
            break
    assert found is not None, "it finds out that things have changed"
    assert packer.pack(encode_batch(1, [TEXT])) is not None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"12345678\0\0\0",
        b"12345678" + (2**31).to_bytes(4, "big") + zlib.compress(bytes(100)),
        b"12345678" + (90).to_bytes(4, "big") + zlib.compress(bytes(100)),
        b"12345678" + (109).to_bytes(4, "big") + zlib.compress(bytes(100)),
        b"12345678" + (108).to_bytes(4, "big") + zlib.compress(bytes(100))[:-1],
        b"12345678" + (108).to_bytes(4, "big") + zlib.compress(bytes(100)) + b"x",
        b"12345678" + (108).to_bytes(4, "big") + b"no zlib at all",
        b"12345678" + (108).to_bytes(4, "big") + zlib.compress(bytes(50_000_000)),
    ],
)
def test_what_does_not_unpack_to_what_it_says_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedFrame):
        unpack(packed(payload))


@given(st.binary(max_size=200))
def test_whatever_comes_is_refused_or_is_what_it_says(payload: bytes) -> None:
    try:
        found = unpack(packed(payload))
    except MalformedFrame:
        return
    assert len(found.payload) == int.from_bytes(payload[8:12], "big")


def test_credit_counts_what_a_batch_is_unpacked() -> None:
    session, window = Session(1, Settings()), SendWindow(2_500)
    for _ in range(3):
        session.push(0, [TEXT])
        (frames,) = session.take_frames(window, 10_000, Packer()).values() or ([],)
        for frame in FrameDecoder(10_000).feed(b"".join(frames)):
            assert frame.type == FrameType.PACKED
            assert decode_batch(unpack(frame).payload)[1] == [TEXT]
    assert window.room == 2_500 - 2 * unpack(frame).size, "the third waits for more credit"
    assert session.has_mail
