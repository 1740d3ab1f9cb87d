from __future__ import annotations

import pytest

from transport import EndReason
from transport.chunks import Assembler, split, split_size
from transport.decoder import FrameDecoder
from transport.errors import MalformedFrame
from transport.faults import read_reason
from transport.frames import (
    CONTROL_LANE,
    HEADER,
    REQUEST_LANE,
    RESPONSE_LANE,
    Credit,
    Frame,
    FrameType,
    check_lane,
    decode_batch,
    decode_credit,
    decode_number,
    decode_request,
    decode_response,
    encode_batch,
    encode_credit,
    encode_frame,
    encode_number,
    encode_request,
    encode_response,
)
from transport.messages import (
    Greeting,
    decode_farewell,
    decode_greeting,
    encode_farewell,
    encode_greeting,
)

pytestmark = pytest.mark.story("019")
FRAMES = [
    Frame(FrameType.PING, CONTROL_LANE, b"12345678"),
    Frame(FrameType.BATCH, 3, encode_batch(7, [b"one", b"", b"three"])),
    Frame(FrameType.CREDIT, CONTROL_LANE, b""),
    Frame(FrameType.RESPONSE, 253, bytes(300)),
]
STREAM = b"".join(encode_frame(FrameType(frame.type), frame.lane, frame.payload) for frame in FRAMES)


def test_a_frame_is_a_length_a_type_a_lane_and_its_payload() -> None:
    assert encode_frame(FrameType.PING, 255, b"abc") == b"\x00\x00\x00\x03\x06\xffabc"


def test_a_batch_carries_envelopes_as_they_are() -> None:
    payload = encode_batch(258, [b"abc", b"", b"de"])
    assert payload == bytes.fromhex("0000000000000102 00000003 00000003 00000000 00000002") + b"abcde"
    assert decode_batch(payload) == (258, [b"abc", b"", b"de"])


@pytest.mark.parametrize("cut", [0, 5, 11, 12, 15, 16, 27])
def test_a_batch_that_is_cut_is_refused(cut: int) -> None:
    with pytest.raises(MalformedFrame):
        decode_batch(encode_batch(1, [b"abc", b"", b"de"])[:cut])


def test_a_batch_with_trailing_bytes_is_refused() -> None:
    with pytest.raises(MalformedFrame, match="does not fill"):
        decode_batch(encode_batch(1, [b"abc"]) + b"x")


def test_a_batch_that_promises_more_envelopes_than_it_has_bytes_is_refused_before_it_is_believed() -> None:
    with pytest.raises(MalformedFrame):
        decode_batch(bytes(8) + b"\xff\xff\xff\xff")


def test_the_decoder_takes_a_whole_stream() -> None:
    decoder = FrameDecoder(1000)
    assert list(decoder.feed(STREAM)) == FRAMES
    assert decoder.held == 0


def test_the_decoder_takes_a_stream_byte_by_byte() -> None:
    decoder = FrameDecoder(1000)
    assert [frame for at in range(len(STREAM)) for frame in decoder.feed(STREAM[at : at + 1])] == FRAMES
    assert decoder.held == 0


def test_the_decoder_keeps_trailing_bytes_for_later() -> None:
    decoder = FrameDecoder(1000)
    assert list(decoder.feed(STREAM + STREAM[:9])) == FRAMES
    assert decoder.held == 9
    assert list(decoder.feed(STREAM[9:])) == FRAMES


def test_a_frame_over_the_limit_is_refused_by_its_header_alone_after_those_before_it() -> None:
    decoder = FrameDecoder(300)
    frames = decoder.feed(STREAM + HEADER.pack(301, FrameType.PING, 0))
    assert [next(frames) for _ in FRAMES] == FRAMES
    with pytest.raises(MalformedFrame, match="301 bytes; the limit is 300"):
        next(frames)


def test_a_frame_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(MalformedFrame, match="type 99"):
        list(FrameDecoder(300).feed(HEADER.pack(0, 99, 0)))


@pytest.mark.parametrize(
    ("kind", "lane", "fits"),
    [
        (FrameType.BATCH, 3, True),
        (FrameType.CHUNK, 3, True),
        (FrameType.REQUEST, REQUEST_LANE, True),
        (FrameType.CHUNK, REQUEST_LANE, True),
        (FrameType.RESPONSE, RESPONSE_LANE, True),
        (FrameType.BATCH, 4, False),
        (FrameType.CHUNK, 4, False),
        (FrameType.CHUNK, 16, False),
        (FrameType.CHUNK, CONTROL_LANE, False),
        (FrameType.REQUEST, 0, False),
        (FrameType.REQUEST, RESPONSE_LANE, False),
        (FrameType.RESPONSE, REQUEST_LANE, False),
        (FrameType.BATCH, REQUEST_LANE, False),
    ],
)
def test_content_is_taken_on_the_lanes_of_its_kind_alone(kind: FrameType, lane: int, fits: bool) -> None:
    frame = Frame(kind, lane, bytes(8))
    if fits:
        check_lane(frame, 4)
    else:
        with pytest.raises(MalformedFrame, match=f"type {kind.value} on lane {lane}"):
            check_lane(frame, 4)


def test_a_credit_comes_back_as_it_was_written() -> None:
    credit = Credit(2**40, 7, (1, 0, 2**50))
    (frame,) = FrameDecoder(300).feed(encode_credit(credit))
    assert decode_credit(frame.payload) == credit


@pytest.mark.parametrize(
    "payload", [b"", bytes(16), bytes(16) + b"\x01", bytes(16) + b"\x00x", bytes(16) + b"\x11" + bytes(136)]
)
def test_a_credit_of_the_wrong_size_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode_credit(payload)


def test_a_ping_comes_back_as_it_was_written_and_has_eight_bytes() -> None:
    (frame,) = FrameDecoder(300).feed(encode_number(FrameType.PONG, 77))
    assert decode_number(frame.payload) == 77
    with pytest.raises(MalformedFrame):
        decode_number(b"short")


def test_a_request_comes_back_as_it_was_written() -> None:
    assert decode_request(encode_request(9, "registry.pull", b"page")) == (9, "registry.pull", b"page")
    with pytest.raises(ValueError, match="too long"):
        encode_request(9, "m" * 256, b"")


@pytest.mark.parametrize("payload", [b"", bytes(8), bytes(8) + b"\x05abc", bytes(8) + b"\x01\xff"])
def test_a_request_without_a_method_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode_request(payload)


def test_a_response_says_whether_it_is_a_refusal() -> None:
    assert decode_response(encode_response(3, b"ok", refused=False)) == (3, False, b"ok")
    assert decode_response(encode_response(3, b"no", refused=True)) == (3, True, b"no")
    for payload in (b"", bytes(8), bytes(8) + b"\x02"):
        with pytest.raises(MalformedFrame):
            decode_response(payload)


@pytest.mark.parametrize("size", [8, 9, 99, 100, 101, 191, 192, 193, 1000])
def test_a_payload_in_pieces_is_put_together_again(size: int) -> None:
    payload = bytes(number % 251 for number in range(size))
    data = b"".join(split(FrameType.REQUEST, REQUEST_LANE, payload, 100))
    assert len(data) == split_size(size, 100)
    assembler = Assembler(1000, 1000)
    joined = [assembler.join(frame) for frame in FrameDecoder(100).feed(data)]
    assert joined[-1] == Frame(FrameType.REQUEST, REQUEST_LANE, payload)
    assert joined[:-1] == [None] * (len(joined) - 1)


def test_pieces_of_two_lanes_do_not_mix() -> None:
    assembler = Assembler(1000, 1000)
    first = [*FrameDecoder(100).feed(b"".join(split(FrameType.BATCH, 0, bytes(150), 100)))]
    second = [*FrameDecoder(100).feed(b"".join(split(FrameType.BATCH, 1, b"\x01" * 150, 100)))]
    assert assembler.join(first[0]) is None
    assert assembler.join(second[0]) is None
    assert assembler.join(second[1]) == Frame(FrameType.BATCH, 1, b"\x01" * 150)
    assert assembler.join(first[1]) == Frame(FrameType.BATCH, 0, bytes(150))


def test_pieces_of_two_payloads_on_one_lane_are_refused() -> None:
    assembler = Assembler(1000, 1000)
    assembler.join(Frame(FrameType.CHUNK, 0, b"key-aaaa" + b"x"))
    with pytest.raises(MalformedFrame, match="two payloads"):
        assembler.join(Frame(FrameType.BATCH, 0, b"key-bbbb" + b"y"))
    assembler.join(Frame(FrameType.CHUNK, REQUEST_LANE, b"key-aaaa" + b"x"))
    with pytest.raises(MalformedFrame, match="two payloads"):
        assembler.join(Frame(FrameType.CHUNK, REQUEST_LANE, b"key-bbbb" + b"y"))
    with pytest.raises(MalformedFrame):
        Assembler(1000, 1000).join(Frame(FrameType.CHUNK, 0, b"short"))


def test_a_small_request_overtakes_a_large_one_on_its_lane() -> None:
    assembler = Assembler(1000, 1000)
    small = Frame(FrameType.REQUEST, REQUEST_LANE, b"key-bbbb" + b"small")
    assert assembler.join(Frame(FrameType.CHUNK, REQUEST_LANE, b"key-aaaa" + b"first ")) is None
    assert assembler.join(small) == small
    last = assembler.join(Frame(FrameType.REQUEST, REQUEST_LANE, b"key-aaaa" + b"last"))
    assert last == Frame(FrameType.REQUEST, REQUEST_LANE, b"key-aaaafirst last")


def test_a_payload_in_pieces_over_the_limit_of_its_lane_is_refused() -> None:
    assembler = Assembler(20, 40)
    piece = b"key-aaaa" + bytes(10)
    assembler.join(Frame(FrameType.CHUNK, REQUEST_LANE, piece))
    assembler.join(Frame(FrameType.CHUNK, REQUEST_LANE, piece))
    assembler.join(Frame(FrameType.CHUNK, 0, piece))
    with pytest.raises(MalformedFrame, match="over 20 bytes"):
        assembler.join(Frame(FrameType.BATCH, 0, piece))


GREETING = Greeting(
    version=1,
    cluster="home",
    node_id="node-a",
    epoch=3,
    session=1,
    first=[1, 1, 5, 1],
    window_bytes=131072,
    bulk_window_bytes=131072,
    frame_bytes_max=2**20,
)


def test_a_greeting_comes_back_as_it_was_written() -> None:
    (frame,) = FrameDecoder(1000).feed(encode_greeting(FrameType.HELLO, GREETING))
    assert decode_greeting(frame.payload) == GREETING


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\xa4home", b"\xa4\xff\xff\xff\xff"),
        (b"\x94\x01\x01\x05\x01", b"\x90"),
        (b"\x94\x01\x01\x05\x01", b"\x94\x01\x01\xa1x\x01"),
        (b"\x94\x01\x01\x05\x01", b"\x94\x01\x01\x05\x00"),
        (b"\xce\x00\x02\x00\x00", b"\xce\x00\x00\x00\x00"),
        (b"\xce\x00\x10\x00\x00", b"\xce\x00\x00\x10\x00"),
    ],
    ids=["cluster", "no lanes", "lane", "batch zero", "window", "frame size"],
)
def test_a_greeting_with_a_wrong_field_is_refused(old: bytes, new: bytes) -> None:
    data = encode_greeting(FrameType.HELLO, GREETING)[6:]
    assert old in data
    with pytest.raises(MalformedFrame, match="cannot be read"):
        decode_greeting(data.replace(old, new))


def test_a_longer_greeting_of_a_later_version_can_be_read() -> None:
    data = encode_greeting(FrameType.HELLO, GREETING)[6:]
    assert data[0] == 0x9D
    assert decode_greeting(b"\x9e" + data[1:] + b"\xa3new") == GREETING


def test_a_farewell_gives_its_reason_even_when_it_cannot_be_read() -> None:
    (frame,) = FrameDecoder(1000).feed(encode_farewell(EndReason.IDLE, "x" * 500))
    assert decode_farewell(frame.payload) == (EndReason.IDLE, "x" * 200)
    assert decode_farewell(b"garbage")[0] is EndReason.PROTOCOL
    assert read_reason("a word of tomorrow") is EndReason.LOST
