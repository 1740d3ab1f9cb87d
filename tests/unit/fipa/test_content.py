from collections.abc import Callable

import pytest

from caxton_node.fipa.content import DEPTH_SURE, fault_in, is_json, is_sound

pytestmark = pytest.mark.story("005")

GOOD = [
    b"", b"null", b"true", b"0", b"-0", b"1.5e-300", b"1e999", b"1" * 5_000, b'""', b'"a"', b" \t\r\n[ ]\n",
    b'{"a":{"b":[1,2,{"c":null}]},"a":2}', '"é☃😀"'.encode(), b'"\\u00e9\\ud83d\\ude00\\n\\/\\\\"',
    b'"\\ud800"', b'"\\ude00\\ud83d x"', b'"\\\\ud800"', b'"\x7f"', b'"\xe2\x80\xa8"',
]  # fmt: skip


@pytest.mark.parametrize("content", GOOD)
def test_what_rfc_8259_allows_is_sound(content: bytes) -> None:
    assert fault_in(content, "json", None) is None
    assert is_sound(content, None, None)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"hello", "content is not JSON: invalid character (byte 0)"),
        (b'{"a": 01}', "content is not JSON: invalid number (byte 7)"),
        (b'{"a": 1,}', "content is not JSON: trailing comma in object (byte 8)"),
        (b'{"a": 1} x', "content is not JSON: trailing characters (byte 9)"),
        (b'{"a": 1', "content is not JSON: it ends too early (byte 7)"),
        (b" ", "content is not JSON: it ends too early (byte 1)"),
        (b'"\\ud800', "content is not JSON: it ends too early (byte 7)"),
        (b'"a\xffb"', "content is not UTF-8: invalid start byte (byte 2)"),
        (b'"\xed\xa0\x80"', "content is not UTF-8: invalid continuation byte (byte 1)"),
        (b"\xff\xfe1\x00", "content is not UTF-8: invalid start byte (byte 0)"),
    ],
)
def test_a_fault_says_what_is_wrong_and_at_which_byte(content: bytes, fault: str) -> None:
    assert fault_in(content, "json", None) == fault
    assert not is_sound(content, "json", None)


@pytest.mark.parametrize("content", [b"hello", b"\xff", b"{", b"[" * 100_000])
def test_the_content_of_another_language_or_encoding_is_opaque(content: bytes) -> None:
    for language, encoding in (("text", None), ("fipa-sl", "utf-8"), (None, "gzip"), ("json", "base64")):
        assert fault_in(content, language, encoding) is None
        assert is_sound(content, language, encoding)


@pytest.mark.parametrize("encoding", [None, "utf-8", "UTF-8", "utf8", "us-ascii"])
def test_an_encoding_that_says_only_utf_8_changes_nothing(encoding: str | None) -> None:
    assert is_json(None, encoding)
    assert is_sound(b"[1]", "json", encoding)
    assert not is_sound(b"[1", "json", encoding)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_taken_to_the_depth_that_is_sure_and_a_bomb_is_refused(
    opening: bytes, closing: bytes
) -> None:
    assert is_sound(opening * DEPTH_SURE + b"1" + closing * DEPTH_SURE, None, None)
    for depth in (5_000, 1_000_000):
        for bomb in (opening * depth, opening * depth + b"1" + closing * depth):
            assert "nests too deeply" in (fault_in(bomb, None, None) or "")
            assert not is_sound(bomb, None, None)


def deep_in_the_stack(calls: int, ask: Callable[[], bool]) -> bool:
    return ask() if not calls else deep_in_the_stack(calls - 1, ask)


def test_the_depth_that_is_sure_is_so_wherever_the_question_is_asked() -> None:
    content = b"[" * DEPTH_SURE + b"]" * DEPTH_SURE
    assert deep_in_the_stack(300, lambda: is_sound(content, None, None))
