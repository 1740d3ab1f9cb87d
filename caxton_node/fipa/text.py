r"""Messages as text for people: FIPA's string representation, written in one form and read in many.

    (request :sender (agent-identifier :name buyer@n1)
      :receiver (set (agent-identifier :name mason)) :content "{\"task\": \"wall\"}" :reply-with r1)

Written: parameters in FIPA's order, words where the grammar allows one, else strings in quotes. A string with
a backslash in it, or with bytes that are no text, says its length instead (`#9"C:\walls\`), since FIPA's
readers do not agree on what a backslash before anything but a quote means.

Read: keywords and acts in any case, parameters in any order, receivers also without the set or as bare names.
What the node has no place for (addresses and resolvers of an agent) is read over. Header `n` is the parameter
`:X-n`; other characters than those of a word are written as in URLs, `%20`.

Source: FIPA SC00070I.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from caxton_node.fipa.grammar import KEYWORDS, Reading
from caxton_node.fipa.headers import header_text
from caxton_node.fipa.instants import write_fipa
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.rules import CONTENT_BYTES_CAP
from caxton_node.fipa.scanner import MalformedText, Scanner

__all__ = ["KEYWORDS", "MalformedText", "read_text", "write_parts", "write_text"]

TEXT_BYTES_MAX = 2 * CONTENT_BYTES_CAP + 1024 * 1024  # a content of quotes only, and the rest
_WORD = re.compile(r"[A-Za-z_!$&*./<=>?~^][\x21\x23-\x27\x2a-\x5b\x5d-\x7e]*")
_BEYOND_A_NAME = re.compile(rb"[^A-Za-z0-9._~-]")


def write_text(envelope: Envelope, *, indent: bool = False) -> bytes:
    """Write a message; the host's own fields (id, time, trace) have no place in this form.

    Args:
        envelope: Any envelope.
        indent: One parameter a line, for terminals; else all is in one line, but for what strings contain.
    """
    return (b"\n  " if indent else b" ").join(write_parts(envelope)) + b")"


def write_parts(envelope: Envelope) -> list[bytes]:
    """Write a message without its last bracket: the act, then each parameter by itself."""
    return [f"({envelope.performative.word}".encode(), *_parameters(envelope)]


def read_text(data: bytes | str, now_unix_ms: int | None = None) -> Envelope:
    """Read one message.

    Args:
        data: The text, at most `TEXT_BYTES_MAX`.
        now_unix_ms: What a relative `:reply-by` counts from; None refuses one.

    Raises:
        MalformedText: It is no message; says where and why. Rules and addresses are not checked.
    """
    try:
        scanner = Scanner(data.encode() if isinstance(data, str) else data)
    except UnicodeEncodeError as err:
        raise MalformedText(f"the text holds half a character: {err.reason}", 1, err.start + 1) from err
    if len(data) > TEXT_BYTES_MAX:
        scanner.fail(f"a text of {len(data):,} bytes, {TEXT_BYTES_MAX:,} are read")
    return Reading(scanner, now_unix_ms).take_message()


# -- writing ------------------------------------------------------------------------------------------------


def _parameters(envelope: Envelope) -> Iterator[bytes]:
    for keyword, field in KEYWORDS.items():
        value = getattr(envelope, field)
        if value is not None:
            yield keyword.encode() + b" " + _write_value(field, value)
    for name, raw in sorted((envelope.headers or {}).items()):
        yield b":X-" + _write_name(name) + b" " + _write_string(header_text(raw).encode())


def _write_value(field: str, value: Any) -> bytes:  # noqa: ANN401  whatever a field holds
    match field:
        case "sender":
            return _write_agent(value)
        case "receivers" | "reply_to":
            names = [value] if isinstance(value, str) else value
            return b"(set " + b" ".join(map(_write_agent, names)) + b")"
        case "content":
            return _write_string(value)
        case "reply_by":
            return write_fipa(value).encode()
        case _:
            return _write_expression(value)


def _write_agent(name: str) -> bytes:
    return b"(agent-identifier :name " + _write_expression(name) + b")"


def _write_expression(text: str) -> bytes:
    return text.encode() if _WORD.fullmatch(text) else _write_string(text.encode())


def _write_string(data: bytes) -> bytes:
    if b"\\" in data or not _is_text(data):
        return b'#%d"%s' % (len(data), data)
    return b'"' + data.replace(b'"', b'\\"') + b'"'


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _write_name(name: str) -> bytes:
    return _BEYOND_A_NAME.sub(lambda found: b"%%%02X" % found[0][0], name.encode())
