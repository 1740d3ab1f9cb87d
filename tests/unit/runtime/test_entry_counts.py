"""How many imports and exports a module may have."""

from __future__ import annotations

import pytest

from caxton_node.core.errors import InvalidModule
from caxton_node.runtime import Engine, to_binary
from caxton_node.runtime.binary import EXPORT, IMPORT, BrokenModule, Reader, sections
from caxton_node.runtime.exports import ENTRIES_MAX, check_counts
from tests.integration.runtime.hostile.building import MAGIC, NOTHING, TYPE, number, section, vector
from tests.support.guests import tiny

pytestmark = pytest.mark.story("016")
NOW = b"\x06caxton\x06now_ns\0\0"


def exporting(count: int) -> bytes:
    """Return a complete agent with so many exports."""
    binary = to_binary(tiny())
    found = next(item for item in sections(binary) if item.kind == EXPORT)
    reader = Reader(binary, found.content, found.end)
    own = reader.count()
    more = b"".join(b"\x05%05d\0\0" % at for at in range(count - own))
    content = vector(count, binary[reader.position : found.end] + more)
    return binary[: found.start] + section(EXPORT, content) + binary[found.end :]


def importing(count: int) -> bytes:
    """Return a module that imports the same function so often."""
    types = section(TYPE, vector(1, b"\x60\0\x01\x7e"))
    return MAGIC + types + section(IMPORT, vector(count, NOW * count))


def test_an_agent_may_export_as_much_as_is_taken_and_no_more(engine: Engine):
    assert len(engine.compile(exporting(ENTRIES_MAX)).exports) == ENTRIES_MAX
    with pytest.raises(InvalidModule, match="has 2,001 exports") as refused:
        engine.compile(exporting(ENTRIES_MAX + 1))
    assert refused.value.why == "at most 2,000 are taken"


def test_so_it_is_with_imports(engine: Engine):
    with pytest.raises(InvalidModule, match="does not export memory"):  # the imports are fine
        engine.compile(importing(ENTRIES_MAX))
    with pytest.raises(InvalidModule, match="has 2,001 imports"):
        engine.compile(importing(ENTRIES_MAX + 1))


def test_what_a_section_says_is_enough_and_its_entries_are_not_looked_at():
    boast = MAGIC + section(TYPE, vector(1, NOTHING)) + section(EXPORT, number(900_000))
    with pytest.raises(InvalidModule, match="has 900,000 exports"):
        check_counts(boast)


def test_a_number_beyond_what_the_format_allows_is_for_the_compiler_to_refuse(engine: Engine):
    boast = MAGIC + section(EXPORT, number(2**32 - 1))
    with pytest.raises(BrokenModule):
        check_counts(boast)
    with pytest.raises(InvalidModule, match="not valid"):
        engine.compile(boast)
