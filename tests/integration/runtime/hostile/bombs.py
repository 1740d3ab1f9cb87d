"""Modules that are small, valid, and dear to compile: minutes and gigabytes for some hundred kilobytes.

They are compiled as a node does it, in a child process with limits, and never run.
"""

from __future__ import annotations

from tests.integration.runtime.hostile.building import (
    CODE,
    DATA,
    ELEMENT,
    FUNCTION,
    MAGIC,
    MEMORY,
    NOTHING,
    TABLE,
    TYPE,
    one_function,
    section,
    vector,
)
from tests.integration.runtime.hostile.cases import Hostile, refused

_MANY = 100_000
# Time, memory, or a compiler that falls over for want of it: which comes first depends on the machine.
_BEYOND = refused("module", "COMPILE_LIMIT_EXCEEDED")


def _functions(count: int) -> bytes:
    return (
        MAGIC
        + section(TYPE, vector(1, NOTHING))
        + section(FUNCTION, vector(count, b"\0" * count))
        + section(CODE, vector(count, b"\x02\0\x0b" * count))
    )


def _data_segments(count: int) -> bytes:
    empty = b"\0\x41\0\x0b\0"
    return MAGIC + section(MEMORY, b"\x01\0\x01") + section(DATA, vector(count, empty * count))


def _elements(count: int) -> bytes:
    items = b"\0\x41\0\x0b" + vector(count, b"\0" * count)
    return (
        MAGIC
        + section(TYPE, vector(1, NOTHING))
        + section(FUNCTION, b"\x01\0")
        + section(TABLE, b"\x01\x70\0\x01")
        + section(ELEMENT, vector(1, items))
        + section(CODE, b"\x01\x02\0\x0b")
    )


def _nested(opening: bytes) -> bytes:
    return one_function(opening * _MANY + b"\x0b" * _MANY)


BOMBS = [
    Hostile("functions-400000", "400,000 functions that do nothing", lambda: _functions(400_000), _BEYOND),
    Hostile(
        "text-of-functions",
        "4 MB of text that is 700,000 functions",
        lambda: b"(module" + b"(func)" * 700_000 + b")",
        refused("text"),
    ),
    Hostile("nested-loops", "100,000 loops in one another", lambda: _nested(b"\x03\x40"), _BEYOND),
    Hostile("nested-ifs", "100,000 conditions in one another", lambda: _nested(b"\x41\0\x04\x40"), _BEYOND),
    Hostile("data-segments", "100,000 data segments of nothing", lambda: _data_segments(_MANY), _BEYOND),
    Hostile("elements", "a million elements for a table of one", lambda: _elements(1_000_000), _BEYOND),
]
