"""Is a content what its language says? JSON is checked; other languages are opaque to the host.

A receiver that reads `json` (and absent means `json`) must not be given half a document: many would trap and
take the messages around it with them. The check is one pass in C that builds no objects. It proves the
grammar of RFC 8259 but not the encoding, so the second look is at UTF-8, which is almost free for ASCII.

What the grammar allows is allowed: numbers of any size, repeated names, escaped halves of surrogate pairs
(JavaScript writes them). Nesting is bounded by what can be read without exhausting the stack: `DEPTH_SURE`
levels are always taken, about twice as many never.

Source: RFC 8259, FIPA SC00061G sections 2.3.1 and 2.4.
"""

from __future__ import annotations

import re

import msgspec

from caxton_node.fipa.message import DEFAULT_LANGUAGE

DEPTH_SURE = 400

_walk = msgspec.json.Decoder(msgspec.Raw).decode
_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_PLAIN_ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "8bit", "7bit"})
_MALFORMED = "JSON is malformed: "
_PASSED = re.compile(r"(trailing characters|invalid character in unicode escape) \(byte (\d+)\)")
_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_HALF = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def is_sound(content: bytes, language: str | None, encoding: str | None) -> bool:
    """Tell whether `fault_in` finds nothing: the same, for the loop that every message passes."""
    if language is not None and language != DEFAULT_LANGUAGE:
        return True
    if encoding is not None or not content:
        return fault_in(content, language, encoding) is None
    try:
        _walk(content)
    except _FAULTS:
        return fault_in(content, language, encoding) is None
    return content.isascii() or _is_utf8(content)


def fault_in(content: bytes, language: str | None, encoding: str | None) -> str | None:
    """Say what is wrong with a content, with the byte where it shows; None if nothing is.

    Args:
        content: The payload; an empty one is no content and never wrong.
        language: As in the envelope; JSON is `json` or absent.
        encoding: As in the envelope; one that is not UTF-8's own makes the content opaque.
    """
    if not content or not is_json(language, encoding):
        return None
    try:
        content.decode()
    except UnicodeDecodeError as err:
        return f"content is not UTF-8: {err.reason} (byte {err.start})"
    complaint = _complaint_about(content)
    if complaint and rb"\u" in content:  # it may be about half of a pair
        complaint = _complaint_about(_mend(content))
    return f"content is not JSON: {_explain(complaint, len(content))}" if complaint else None


def is_json(language: str | None, encoding: str | None) -> bool:
    """Tell whether a content of this language and encoding is to be JSON text."""
    return language in {None, DEFAULT_LANGUAGE} and (encoding is None or encoding.lower() in _PLAIN_ENCODINGS)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _complaint_about(content: bytes) -> str:
    """Return what the decoder says, "" if it reads the content."""
    try:
        _walk(content)
    except RecursionError:
        return f"{_MALFORMED}it nests too deeply ({DEPTH_SURE} levels are sure)"
    except msgspec.DecodeError as err:
        return str(err)
    return ""


def _mend(content: bytes) -> bytes:
    """Write other characters for escaped surrogates, of the same length: the decoder reads no halves."""
    whole = _PAIR.sub(b"x" * 12, content.replace(rb"\\", b"xx"))
    return _HALF.sub(b"x" * 6, whole)


def _explain(text: str, size: int) -> str:
    """Say it without the decoder's own preface, which is on every fault but one."""
    if not text.startswith(_MALFORMED):
        return f"it ends too early (byte {size})"
    passed = _PASSED.search(text)
    if passed:  # for these two it names the byte after the one at fault
        return f"{passed[1]} (byte {int(passed[2]) - 1})"
    return text.removeprefix(_MALFORMED)
