import msgspec
import pytest

from caxton_node.fipa import Envelope, MalformedEnvelope, Performative, decode, encode
from caxton_node.fipa.codec import salvage
from caxton_node.fipa.message import POSITIONS

pytestmark = pytest.mark.story("005")

FULL = Envelope(
    Performative.REQUEST,
    "asker@node-1",
    ["answerer", "other@node-2"],
    b"\x00\xffcontent",
    "talk-1",
    "question-1",
    "before-1",
    1_700_000_000_000,
    "things",
    "json",
    "utf-8",
    "fipa-request",
    "desk@node-1",
    bytes(range(16)),
    1_700_000_000_000_000,
    bytes(25),
    {"site": msgspec.Raw(b"\xa4here"), "n": msgspec.Raw(b"\x03")},
)


def pack(*items: object) -> bytes:
    return msgspec.msgpack.encode(items)


def test_the_seventeen_positions_stand_in_the_order_of_the_design() -> None:
    assert POSITIONS == (
        "performative", "sender", "receivers", "content", "conversation_id", "reply_with", "in_reply_to",
        "reply_by", "ontology", "language", "encoding", "protocol", "reply_to", "message_id", "sent_at",
        "trace", "headers",
    )  # fmt: skip


def test_a_full_envelope_is_a_plain_msgpack_array_of_its_fields() -> None:
    items = msgspec.msgpack.decode(encode(FULL))
    assert items == [0x13, *(getattr(FULL, name) for name in POSITIONS[1:-1]), {"site": "here", "n": 3}]


def test_every_field_survives_the_wire() -> None:
    assert decode(encode(FULL)) == FULL


@pytest.mark.parametrize("length", range(1, 18))
def test_missing_trailing_positions_are_absent(length: int) -> None:
    read = decode(pack(*msgspec.msgpack.decode(encode(FULL))[:length]))
    for position, name in enumerate(POSITIONS):
        assert getattr(read, name) == (getattr(FULL, name) if position < length else None)


def test_nil_means_absent_everywhere_but_in_the_performative() -> None:
    assert decode(pack(0x08, *[None] * 16)) == Envelope(Performative.INFORM)


def test_a_longer_array_is_accepted_and_the_surplus_ignored() -> None:
    assert decode(pack(*msgspec.msgpack.decode(encode(FULL)), "v1.1", {"x": 1})) == FULL


def test_receivers_may_be_one_address_or_several() -> None:
    assert decode(pack(8, None, "one")).receiver_list() == ["one"]
    assert decode(pack(8, None, ["one", "two"])).receiver_list() == ["one", "two"]
    assert decode(pack(8)).receiver_list() == []


@pytest.mark.parametrize(
    ("items", "position", "field", "words"),
    [
        ([], 0, "performative", "at least length 1"),
        ([0], 0, "performative", "enum value 0"),
        ([23], 0, "performative", "enum value 23"),
        (["inform"], 0, "performative", "got `str`"),
        ([True], 0, "performative", "got `bool`"),
        ([8, 5], 1, "sender", "got `int`"),
        ([8, ""], 1, "sender", "length >= 1"),
        ([8, None, []], 2, "receivers", "length >= 1"),
        ([8, None, ["a", 7]], 2, "receivers", "got `int`"),
        ([8, None, ["a"] * 257], 2, "receivers", "length <= 256"),
        ([8, None, "a", "text"], 3, "content", "got `str`"),
        ([8, None, "a", b"", "c" * 256], 4, "conversation_id", "length <= 255"),
        ([8, None, "a", b"", None, 1], 5, "reply_with", "got `int`"),
        ([8, *[None] * 6, -1], 7, "reply_by", ">= 0"),
        ([8, *[None] * 6, 2**54], 7, "reply_by", "<="),
        ([8, *[None] * 12, b"short"], 13, "message_id", "length >= 16"),
        ([8, *[None] * 14, bytes(26)], 15, "trace", "length <= 25"),
        ([8, *[None] * 15, [1]], 16, "headers", "got `array`"),
        ([8, *[None] * 15, {1: 2}], 16, "headers", "got `int`"),
        ([8, *[None] * 15, {str(n): n for n in range(65)}], 16, "headers", "length <= 64"),
    ],
)
def test_a_wrong_element_is_named_with_position_field_and_reason(
    items: list[object], position: int, field: str, words: str
) -> None:
    with pytest.raises(MalformedEnvelope) as caught:
        decode(pack(*items))
    assert (caught.value.position, caught.value.field) == (position, field)
    assert words in caught.value.reason
    assert f"position {position} ({field})" in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (b"", "truncated (after 0 bytes)"),
        (b"\xc1", "byte 0"),
        (encode(FULL)[:-1], "truncated"),
        (encode(FULL) + b"\x00", "trailing characters"),
        (b"\x05", "got `int`"),
        (b"\x80", "got `object`"),
        (b"not msgpack at all", "got `int`"),
        (b"\xdd\xff\xff\xff\xff\x08", "truncated"),
    ],
)
def test_bytes_that_are_no_array_are_malformed_without_a_position(frame: bytes, words: str) -> None:
    with pytest.raises(MalformedEnvelope) as caught:
        decode(frame)
    assert caught.value.position is None
    assert words in caught.value.reason


def test_text_that_is_not_utf8_is_named_with_its_position() -> None:
    with pytest.raises(MalformedEnvelope) as caught:
        decode(b"\x93\x08\xa1a\xa2\xff\xfe")
    assert (caught.value.position, caught.value.field) == (2, "receivers")


def test_text_that_is_not_utf8_before_a_cut_is_malformed_without_a_position() -> None:
    with pytest.raises(MalformedEnvelope) as caught:
        decode(b"\x93\x08\xa1\xff\xa2x")
    assert (caught.value.position, "UTF-8" in caught.value.reason) == (None, True)


def test_headers_nested_without_end_are_malformed_and_do_not_break_the_reader() -> None:
    with pytest.raises(MalformedEnvelope) as caught:
        decode(pack(8, *[None] * 15)[:-15] + b"\xc0" * 15 + b"\x81\xa1h" + b"\x91" * 100_000 + b"\xc0")
    assert caught.value.field == "headers" or caught.value.position is None


def test_what_can_be_known_of_a_malformed_envelope_is_its_conversation_and_request() -> None:
    known = salvage(
        pack(99, None, 5, None, "talk-1", "question-1", None, None, None, None, None, "fipa-request")
    )
    assert (known.conversation_id, known.reply_with, known.protocol) == (
        "talk-1",
        "question-1",
        "fipa-request",
    )
    assert salvage(b"\xc1") == Envelope(Performative.NOT_UNDERSTOOD)
    assert salvage(pack(99, None, None, None, 17, "question-1")).reply_with == "question-1"
