"""Turns fuzzed bytes into choices, the same everywhere: under atheris, under hypothesis, and from a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_RUN = re.compile(rb"\xc1(.)(.)", re.DOTALL)
_RUN_BITS_MAX = 24


class Source:
    """A cursor over the input; behind its end every choice is the first one and every number is 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        """Return whether there is nothing left to choose by."""
        return self._at >= len(self._data)

    def number(self, length: int = 1) -> int:
        """Read an unsigned number of so many bytes, little-endian."""
        return int.from_bytes(self.take(length), "little")

    def pick(self, options: Sequence[T]) -> T:
        """Choose by one byte."""
        return options[self.number() % len(options)]

    def take(self, length: int) -> bytes:
        """Read bytes, fewer at the end."""
        taken = self._data[self._at : self._at + length]
        self._at += length
        return taken

    def rest(self) -> bytes:
        """Read everything that is left."""
        return self.take(len(self._data))


def inflate(data: bytes, size_max: int) -> bytes:
    """Write out runs: 0xc1, an exponent of two, and the byte to repeat. So short inputs stand for megabytes.

    0xc1 is the byte that neither MessagePack nor UTF-8 has a use for.
    """
    left = size_max

    def write(found: re.Match[bytes]) -> bytes:
        nonlocal left
        length = min(left, 1 << found[1][0] % _RUN_BITS_MAX)
        left -= length
        return found[2] * length

    return _RUN.sub(write, data)[:size_max]
