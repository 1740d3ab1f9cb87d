"""The lexical half of FIPA's string representation: words, strings and brackets, each with its place.

It reads bytes, because a byte-length string may hold any. Every step moves forward and nothing recurses, so
the time is linear in the text and no nesting can exhaust the stack.

Source: FIPA SC00070I section 2.3 (lexical rules).
"""

from __future__ import annotations

import re
from typing import NoReturn

from caxton_node.core.errors import InvalidMessage
from caxton_node.core.shown import show

NESTING_MAX = 32
BRACKET_BYTES_MAX = 16 * 1024
SHOWN_CHARS = 24
_BLANK = re.compile(rb"[ \t\r\n\f\v]*")
_WORD = re.compile(rb"[^\x00-\x20()]+")
# Possessive: what was read is never given back, or a megabyte of escapes would be a megabyte of saved states.
_LITERAL = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_COUNTED = re.compile(rb'#(\d{1,9})"')


class MalformedText(InvalidMessage):
    """Text that is no message in FIPA's string representation; nothing of it was used.

    Args:
        reason: What was expected and what came instead.
        line: Where, from 1.
        column: Where in the line, in characters from 1.
    """

    code = "MALFORMED_TEXT"

    def __init__(self, reason: str, line: int, column: int) -> None:
        self.reason = reason
        self.line = line
        self.column = column
        super().__init__(
            f"malformed message at line {line}, column {column}",
            why=reason,
            hint='for example (request :receiver (set (agent-identifier :name echo)) :content "1")',
        )


class Scanner:
    """Reads one text from its beginning.

    Args:
        data: The text, UTF-8 but for the bytes in byte-length strings.

    Attributes:
        at: Offset of what is read next.
    """

    def __init__(self, data: bytes) -> None:
        self.at = 0
        self._data = data

    def skip_blank(self) -> int:
        """Go to what comes next and return its offset."""
        blank = _BLANK.match(self._data, self.at)
        self.at = blank.end() if blank else self.at
        return self.at

    def peek(self) -> bytes:
        """Return the next byte that is not blank, or nothing at the end."""
        at = self.skip_blank()
        return self._data[at : at + 1]

    def take(self, mark: bytes, expected: str) -> None:
        """Read one bracket."""
        if self.peek() != mark:
            self.refuse(expected)
        self.at += 1

    def take_word(self, expected: str) -> str:
        """Read a word, number or keyword; a string is none."""
        if self.peek() in {b'"', b"#"}:
            self.refuse(expected)
        found = _WORD.match(self._data, self.at)
        if not found:
            self.refuse(expected)
        text = self.text(found[0])
        self.at = found.end()
        return text

    def take_string(self, expected: str) -> bytes:
        """Read a string in quotes, or one that says its length in bytes: `#5"hello`."""
        mark = self.peek()
        if mark == b"#":
            return self._take_counted()
        if mark != b'"':
            self.refuse(expected)
        found = _LITERAL.match(self._data, self.at)
        if not found:
            self.fail("the string that begins here does not end")
        self.at = found.end()
        return _unescape(found[0][1:-1])

    def take_value(self, expected: str) -> bytes:
        """Read a word or a string."""
        if self.peek() in {b'"', b"#"}:
            return self.take_string(expected)
        return self.take_word(expected).encode()

    def take_expression(self, expected: str) -> bytes:
        """Read a word, a string, or a bracket with all that is in it, which is kept as it is written."""
        mark = self.peek()
        if mark == b":":  # a value was forgotten, and this is the next parameter
            self.refuse(expected)
        if mark != b"(":
            return self.take_value(expected)
        start, depth = self.at, 0
        while True:
            mark = self.peek()
            if mark in {b"(", b")"}:
                depth += 1 if mark == b"(" else -1
                if depth > NESTING_MAX:
                    self.fail(f"brackets nest deeper than {NESTING_MAX}")
                self.at += 1
            else:
                self.take_value("a word, a string or `)`")
            self.bound(start, BRACKET_BYTES_MAX)
            if not depth:
                return self._data[start : self.at]

    def bound(self, start: int, size_max: int) -> None:
        """Refuse what has become longer than anybody needs before much time is spent on it."""
        if self.at - start > size_max:
            self.fail(f"what begins here has more than {size_max:,} bytes", start)

    def _take_counted(self) -> bytes:
        found = _COUNTED.match(self._data, self.at)
        if not found:
            self.fail('a byte-length string begins with #, its length and a quote: #5"hello')
        end = found.end() + int(found[1])
        if end > len(self._data):
            left = len(self._data) - found.end()
            self.fail(f"a string of {int(found[1])} bytes is promised, {left} are left")
        self.at = end
        return self._data[found.end() : end]

    def text(self, data: bytes, at: int | None = None) -> str:
        """Decode a value that must be text."""
        try:
            return data.decode()
        except UnicodeDecodeError as err:
            self.fail(f"text is not UTF-8: {err.reason}", at)

    def refuse(self, expected: str) -> NoReturn:
        """Say what should have come here, and what did."""
        found = _WORD.match(self._data, self.at)
        came = found[0] if found else self._data[self.at : self.at + 1]
        shown = show(came[: SHOWN_CHARS * 4].decode(errors="replace"), SHOWN_CHARS)
        self.fail(f"expected {expected}, not {f'`{shown}`' if came else 'the end'}")

    def fail(self, reason: str, at: int | None = None) -> NoReturn:
        """Give up.

        Args:
            reason: What is wrong.
            at: Where, if not here.

        Raises:
            MalformedText: Always.
        """
        before = self._data[: self.at if at is None else at]
        line_start = before.rfind(b"\n") + 1
        column = len(before[line_start:].decode(errors="replace")) + 1
        raise MalformedText(reason, before.count(b"\n") + 1, column)


def _unescape(data: bytes) -> bytes:
    """Take the backslash from quotes and backslashes, in C: a content may hold millions of them."""
    return b"\\".join(part.replace(b'\\"', b'"') for part in data.split(b"\\\\"))
