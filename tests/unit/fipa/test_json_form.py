import json

import msgspec
import pytest

from caxton_node.core.errors import InvalidMessage
from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.json_form import KEYS, MalformedJson, read_json, write_json
from caxton_node.fipa.message import POSITIONS
from tests.unit.fipa.test_codec import FULL

pytestmark = pytest.mark.story("005")


def read(**keys: object) -> Envelope:
    """Read an INFORM with these keys."""
    return read_json(json.dumps({"performative": "inform", **keys}).encode())


def test_every_position_of_an_envelope_has_its_key() -> None:
    written = json.loads(write_json(FULL))
    assert [key for key in written if key != "content_base64"] == [
        name for name in POSITIONS if name != "content"
    ]
    assert written["performative"] == "request"
    assert written["receivers"] == ["answerer", "other@node-2"]
    assert written["reply_by"] == "2023-11-14T22:13:20.000Z"
    assert written["sent_at"] == "2023-11-14T22:13:20.000000Z"
    assert written["message_id"] == bytes(range(16)).hex()
    assert written["headers"] == {"site": "here", "n": 3}
    assert read_json(write_json(FULL)) == FULL


def test_absent_fields_are_left_out() -> None:
    assert write_json(Envelope(Performative.CANCEL)) == b'{"performative":"cancel"}'
    assert read_json(b'{"performative":"cancel"}') == Envelope(Performative.CANCEL)


def test_null_is_absent_for_every_key_but_the_content() -> None:
    keys = dict.fromkeys(set(KEYS) - {"performative", "content"})
    assert read(**keys) == Envelope(Performative.INFORM)
    assert read(content=None).content == b"null"


@pytest.mark.parametrize("act", Performative)
def test_every_act_is_read_in_both_spellings_and_written_as_fipa_does(act: Performative) -> None:
    for word in (act.word, act.name, act.name.lower(), act.word.upper()):
        assert read_json(json.dumps({"performative": word}).encode()).performative is act
    assert json.loads(write_json(Envelope(act))) == {"performative": act.word}


@pytest.mark.parametrize(
    ("content", "language", "encoding", "key", "value"),
    [
        (b'{"a":1}', None, None, "content", {"a": 1}),
        (b"null", "json", None, "content", None),
        (b"7", "json", "UTF-8", "content", 7),
        (b"", None, None, "content_text", ""),
        (b" 7", None, None, "content_text", " 7"),
        (b"{broken", None, None, "content_text", "{broken"),
        (b"7", "text", None, "content_text", "7"),
        (b"7", "json", "gzip", "content_text", "7"),
        (b'"\\ud800"', None, None, "content_text", '"\\ud800"'),
        (b'1,"x":2', None, None, "content_text", '1,"x":2'),
        (b"\xff", None, None, "content_base64", "/w=="),
        (b'"\xff"', None, None, "content_base64", "Iv8i"),
        (b"[" * 800 + b"]" * 800, None, None, "content_text", "[" * 800 + "]" * 800),
    ],
)
def test_the_content_stands_under_the_one_key_that_gives_it_back(
    content: bytes, language: str | None, encoding: str | None, key: str, value: object
) -> None:
    message = Envelope(Performative.INFORM, content=content, language=language, encoding=encoding)
    written = json.loads(write_json(message))
    assert {name: found for name, found in written.items() if name.startswith("content")} == {key: value}
    assert read_json(write_json(message)) == message


@pytest.mark.parametrize(
    "content", [b'{"a": 1.50, "a" : 1E2}', b"1" * 400, b"-0.0", b"[1e999]", b'{"a":\n1}']
)
def test_json_content_is_carried_as_it_is_written(content: bytes) -> None:
    message = Envelope(Performative.INFORM, content=content)
    assert content in write_json(message)
    assert read_json(write_json(message)) == message


def test_a_list_longer_than_the_depth_that_is_sure_is_carried_as_a_value() -> None:
    content = json.dumps([{"n": n} for n in range(1_000)]).encode()
    assert "content" in json.loads(write_json(Envelope(Performative.INFORM, content=content)))


def test_one_receiver_may_be_a_text_a_list_or_receiver() -> None:
    for keys in ({"receivers": "a"}, {"receivers": ["a"]}, {"receiver": "a"}, {"receiver": ["a"]}):
        assert read(**keys).receivers == "a"
    assert read(receiver=["a", "b"]).receivers == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "unix_ms"),
    [
        (1_795_608_000_000, 1_795_608_000_000),
        ("2026-11-25T12:00:00Z", 1_795_608_000_000),
        ("2026-11-25t12:00:00.1234567z", 1_795_608_000_123),
        ("2026-11-25 14:30:00.5+02:30", 1_795_608_000_500),
        ("2026-11-25T04:00:00-08:00", 1_795_608_000_000),
        (0, 0),
        (2**53, 2**53),
    ],
)
def test_a_deadline_is_a_time_of_rfc_3339_or_unix_milliseconds(value: object, unix_ms: int) -> None:
    assert read(reply_by=value).reply_by == unix_ms


def test_a_deadline_after_the_year_9999_is_written_as_a_number() -> None:
    message = Envelope(Performative.CFP, reply_by=253_402_300_800_000)
    assert json.loads(write_json(message))["reply_by"] == 253_402_300_800_000
    assert read_json(write_json(message)) == message


def test_headers_that_json_cannot_hold_stand_apart() -> None:
    values = {"text": "x", "bytes": b"\x01", "map": {1: 2}, "list": [1.5, None], "nan": float("nan")}
    headers = {name: msgspec.Raw(msgspec.msgpack.encode(value)) for name, value in values.items()}
    headers["unreadable"] = msgspec.Raw(b"\x81\x80\x01")
    message = Envelope(Performative.INFORM, headers=headers)
    written = json.loads(write_json(message))
    assert written["headers"] == {"text": "x", "list": [1.5, None]}
    assert set(written["headers_msgpack"]) == {"bytes", "map", "nan", "unreadable"}
    assert read_json(write_json(message)) == message


def test_a_fault_names_the_key_and_is_an_invalid_message() -> None:
    with pytest.raises(MalformedJson) as caught:
        read(conversation_id=7)
    assert (caught.value.field, "got `int`" in caught.value.reason) == ("conversation_id", True)
    assert isinstance(caught.value, InvalidMessage)
    assert "at conversation_id" in str(caught.value)


def test_a_body_beyond_all_bounds_is_not_read() -> None:
    with pytest.raises(MalformedJson, match="are read"):
        read_json(b" " * (62 * 1024 * 1024))
