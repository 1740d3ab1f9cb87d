"""Any message survives text and JSON; any text is a message or malformed; JSON content is what JSON is."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.content import fault_in, is_sound
from caxton_node.fipa.instants import (
    MS_PER_S,
    US_PER_S,
    read_fipa,
    read_rfc3339,
    write_fipa,
    write_rfc3339,
)
from caxton_node.fipa.json_form import MalformedJson, read_json, write_json
from caxton_node.fipa.message import UNIX_MAX
from caxton_node.fipa.text import MalformedText, read_text, write_text

pytestmark = pytest.mark.story("005")

# How long it takes proves nothing.
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Texts full of what has a meaning in one form or the other, besides any text at all.
text = st.text(min_size=1, max_size=255) | st.text('ab "\\():#%+-19\n{}[]', min_size=1, max_size=12)
maybe = st.none() | text
instant = st.none() | st.integers(0, UNIX_MAX)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
json_texts = st.builds(
    lambda value, ascii_only, indent: json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(
        errors="replace"
    ),
    json_values,
    st.booleans(),
    st.sampled_from([None, 0, 2]),
)
contents = st.none() | st.binary(max_size=200) | text.map(str.encode) | json_texts
receivers = st.none() | text | st.lists(text, min_size=2, max_size=8)


def as_header(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(value))


def messages(
    headers: st.SearchStrategy[object], *own: st.SearchStrategy[object]
) -> st.SearchStrategy[Envelope]:
    """Return messages as a client may write them, and `own`, what only a host writes."""
    known = st.sampled_from(["json", "text", "fipa-sl"]) | text
    encoding = st.sampled_from(["utf-8", "gzip"]) | text
    return st.builds(
        Envelope,
        st.sampled_from(Performative), maybe, receivers, contents, maybe, maybe, maybe, instant, maybe,
        st.none() | known, st.none() | encoding, maybe, maybe, *(own or (st.none(),) * 3),
        st.none() | st.dictionaries(text, headers, min_size=1, max_size=4),
    )  # fmt: skip


written = messages(st.text().map(as_header))
stamped = messages(
    (json_values | st.binary() | st.lists(st.binary())).map(as_header),
    st.none() | st.binary(min_size=16, max_size=16),
    instant,
    st.none() | st.binary(min_size=25, max_size=25),
)


# -- text ---------------------------------------------------------------------------------------------------


@given(written, st.booleans())
@relaxed
def test_any_message_that_a_client_may_write_survives_its_text(message: Envelope, indent: bool) -> None:
    assert read_text(write_text(message, indent=indent)) == message


@given(stamped)
@relaxed
def test_any_message_at_all_has_a_text_that_is_a_message(message: Envelope) -> None:
    assert read_text(write_text(message)).content == message.content


@given(written, st.data())
@relaxed
def test_a_text_cut_anywhere_is_malformed(message: Envelope, data: st.DataObject) -> None:
    whole = write_text(message)
    with pytest.raises(MalformedText):
        read_text(whole[: data.draw(st.integers(0, len(whole) - 1))])


def fault_of(data: bytes) -> MalformedText | None:
    """Return what is wrong with a text, None if nothing; anything but that is a failure of the test."""
    try:
        read_text(data, 0)
    except MalformedText as err:
        return err
    return None


pieces = st.sampled_from(
    [b"(", b")", b'"', b"\\", b'#3"', b" ", b"\n", b":content", b":receiver", b":X-a", b":reply-by", b"set",
     b"agent-identifier", b":name", b"request", b"+00000000T000001000", b"\xff", b"a", b"7"]
)  # fmt: skip


@given(st.lists(pieces, max_size=40).map(b"".join) | st.binary(max_size=100))
@settings(relaxed, max_examples=300)
def test_any_bytes_are_a_message_or_malformed_at_a_place_within_them(data: bytes) -> None:
    fault = fault_of(data)
    if fault is not None:
        assert fault.reason
        assert 1 <= fault.line <= data.count(b"\n") + 1
        assert 1 <= fault.column <= len(data) + 1


@given(written, st.data())
@relaxed
def test_a_changed_byte_in_a_text_never_does_worse_than_malformed(
    message: Envelope, data: st.DataObject
) -> None:
    changed = bytearray(write_text(message))
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    fault = fault_of(bytes(changed))
    assert fault is None or fault.reason


# -- JSON ---------------------------------------------------------------------------------------------------


@given(stamped)
@relaxed
def test_any_message_survives_json(message: Envelope) -> None:
    data = write_json(message)
    assert read_json(data) == message
    assert json.loads(data)["performative"] == message.performative.word


@given(json_texts)
@settings(relaxed, max_examples=200)
def test_json_content_stands_in_json_as_the_value_that_it_is(content: bytes) -> None:
    message = Envelope(Performative.INFORM, content=content)
    if is_sound(content, None, None):
        assert json.loads(write_json(message))["content"] == json.loads(content)
    else:
        assert json.loads(write_json(message))["content_text"] == content.decode()


@given(st.dictionaries(st.text() | st.sampled_from(["performative", "content", "headers"]), json_values))
@relaxed
def test_an_object_without_an_act_is_malformed_and_says_where(value: dict[str, object]) -> None:
    assume("performative" not in value)
    with pytest.raises(MalformedJson) as caught:
        read_json(json.dumps(value).encode())
    assert caught.value.reason
    field = caught.value.field or ""
    assert any(key.startswith(field) for key in [*value, "performative"])


@given(st.binary(max_size=100) | json_texts)
@relaxed
def test_any_bytes_are_a_json_message_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedJson):
        read_json(data)


# -- content ------------------------------------------------------------------------------------------------


def is_json_to_python(content: bytes) -> bool:
    """Tell what the standard library says, without what it allows beyond RFC 8259 and what it cannot hold."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        json.loads(content.decode(), parse_constant=refuse, parse_int=str, parse_float=str)
    except ValueError:
        return False
    return True


halves = st.text(st.characters(codec=None, categories=["Cs"]) | st.sampled_from('a\\"\n'), max_size=6)
odd_texts = halves.map(lambda found: json.dumps(found).encode())
marks = st.sampled_from(
    [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u", b"d800", b"\\ud83d", b"\\ude00", b"0", b"-",
     b"1", b".", b"e", b"+", b"true", b"null", b"nul", b"NaN", b" ", b"\n", b"\x00", b"\x1f", b"\xff",
     b"\xc3\xa9", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"a"', b"/*"]
)  # fmt: skip
sources = json_texts | odd_texts | st.lists(marks, max_size=12).map(b"".join) | st.binary(max_size=30)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a text of some sort with a few bytes changed, put in or taken out."""
    data = draw(sources)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.just(b"") | marks) + data[at + draw(st.integers(0, 2)) :]
    return data


@given(mutated())
@settings(relaxed, max_examples=2_000)
@example(b'"\\ud800"')
@example(b'"\\\\ud800"')
@example(b'"\\ud800 x"')
@example(b"1" * 5_000)
@example(b"1e999")
@example(b"\xef\xbb\xbf1")
@example(b'{"a":1,"a":2}')
def test_content_is_json_exactly_where_the_standard_library_reads_it(content: bytes) -> None:
    fault = fault_in(content, "json", None)
    assert (fault is None) == (is_json_to_python(content) or not content), fault
    assert is_sound(content, "json", None) == is_sound(content, None, None) == (fault is None)


# -- moments ------------------------------------------------------------------------------------------------


@given(st.integers(0, UNIX_MAX))
@relaxed
def test_any_deadline_survives_fipas_time(unix_ms: int) -> None:
    assert read_fipa(write_fipa(unix_ms), None) == unix_ms


@given(st.integers(0, UNIX_MAX), st.sampled_from([MS_PER_S, US_PER_S]))
@relaxed
def test_any_moment_that_has_a_time_in_rfc_3339_survives_it(unix: int, per_second: int) -> None:
    time = write_rfc3339(unix, per_second)
    assert time is None or read_rfc3339(time, per_second) == unix
