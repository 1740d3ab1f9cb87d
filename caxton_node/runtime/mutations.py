"""Finds the instruction by which a module could change what a memory image does not hold. Pure.

MVP code cannot change a table or drop a segment. With bulk memory or reference types it can, by seven
instructions that most compilers never write. So an operator's permission for either does not cost an agent
its images: its code is read, and refused only if one of them is really there.

The reader is a regular expression that steps over instructions, thousands in one match: 40 ms for a megabyte
of code, forty times as fast as a loop, and a hundredth of what compiling costs. It stops at the first
instruction that it does not know to be harmless; it guesses nothing. `memory.init` is harmless, since it only
reads a segment.
"""

from __future__ import annotations

import re
from functools import lru_cache

from caxton_node.runtime.binary import BrokenModule, Reader, Section
from caxton_node.runtime.opcodes import name_at

NUMBER = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"
"""A LEB128 number of up to 64 bits, signed or not."""

_TYPE = rb"[\x6f\x70\x7b-\x7f]"
_BR_TABLE = 0x0E
# A match keeps the GIL, so it is bounded to a few milliseconds.
_STEPS_MAX = 65_536

_PLAIN = rb"[\x00\x01\x05\x0b\x0f\x1a\x1b\x45-\xc4\xd1]"  # nothing follows: control, numbers, ref.is_null
_INDEXED = rb"[\x02-\x04\x0c\x0d\x10\x12\x20-\x25\x3f-\x42\xd0\xd2]"  # block type, label, index, constant
_TABLES = rb"|".join(rb"%b%b" % (re.escape(bytes([count])), NUMBER * (count + 1)) for count in range(32))
_ALTERNATIVES = (
    _INDEXED + rb"[\x00-\x7f]",  # the first three are nearly all of the code, in the order that is fastest
    _PLAIN + rb"++",
    rb"[\x28-\x3e][\x00-\x7f]{2}",
    _INDEXED + NUMBER,
    rb"[\x11\x13\x28-\x3e]" + NUMBER * 2,  # calls through a table, access to memory
    rb"\x43.{4}|\x44.{8}|\x1c\x01" + _TYPE,  # f32.const, f64.const, select with a type
    rb"\xfc[\x00-\x07]",  # saturating conversions
    rb"\xfc[\x08\x0a]" + NUMBER * 2,  # memory.init, memory.copy
    rb"\xfc[\x0b\x10]" + NUMBER,  # memory.fill, table.size
    rb"\xfd[\x00-\x0b\x5c\x5d]" + NUMBER * 2,  # vectors: access to memory
    rb"\xfd[\x54-\x5b]" + NUMBER * 2 + rb".",  # the same for one lane
    rb"\xfd[\x0c\x0d].{16}",  # constant, shuffle
    rb"\xfd[\x15-\x22].",  # one lane
    rb"\xfd(?:[\x0e-\x14\x23-\x53\x5e-\x7f]|[\x80-\xff][\x01\x02])",  # nothing follows
    rb"\x0e(?:%b)" % _TABLES,  # br_table with few labels
)
_HARMLESS = re.compile(rb"(?:%b){1,%d}+" % (b"|".join(_ALTERNATIVES), _STEPS_MAX), re.DOTALL)


def find_mutation(data: bytes, code: Section, imported: int) -> str | None:
    """Return which function could change a table or drop a segment, or cannot be read, as a clause.

    Args:
        data: The module.
        code: Its code section.
        imported: How many functions come before the first of them.

    Raises:
        BrokenModule: A body overruns the section.
    """
    reader = Reader(data, code.content, code.end)
    for index in range(imported, imported + reader.count()):
        size = reader.number()
        body = Reader(data, reader.position, reader.skip(size))
        stopped = _read_body(data, body, reader.position)
        if stopped is not None:
            what = name_at(data, stopped) or f"an unknown instruction at offset {stopped:#x}"
            return f"its function {index} uses {what}"
    return None


def _read_body(data: bytes, body: Reader, end: int) -> int | None:
    """Return where the first instruction is that is not harmless."""
    _skip_items(data, body, end, NUMBER + _TYPE, body.number())
    while not body.at_end:
        found = _HARMLESS.match(data, body.position, end)
        if found is not None:
            body.position = found.end()
        elif data[body.position] == _BR_TABLE:
            body.byte()
            _skip_items(data, body, end, NUMBER, body.number() + 1)
        else:
            return body.position
    return None


def _skip_items(data: bytes, body: Reader, end: int, item: bytes, count: int) -> None:
    if not count:
        return
    if count > end - body.position:
        raise BrokenModule(f"{count} items at offset {body.position} overrun their function")
    found = _items(item, count).match(data, body.position, end)
    if found is None:
        raise BrokenModule(f"what follows offset {body.position} is not {count} items")
    body.position = found.end()


@lru_cache(maxsize=1024)
def _items(item: bytes, count: int) -> re.Pattern[bytes]:
    """Return what matches so many items; a module has few different counts."""
    return re.compile(rb"(?:%b){%d}+" % (item, count))
