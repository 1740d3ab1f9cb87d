r"""What questions about a schema cost, estimated from its form before anything is compiled. Pure.

Most of a schema costs by its length. Patterns do not: `\p{L}` stands for hundreds of ranges, `.{400}` for
four hundred machines. The engine runs patterns in linear time and refuses one that grows beyond
`validators.REGEX_BYTES_MAX`, but it takes up to some milliseconds until it has found that out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from caxton_node.registry.discovery.schemas import parts_of

BYTES_PER_UNIT = 4.0
"""Of a schema, to make a validator: measured 5 for large ones, less for small ones, see `length_units`."""
COUNT_MAX = 150
"""Copies of a part by which a pattern grows before the engine refuses it."""
GROWTH_MAX = 600
"""What it takes until the engine refuses a pattern that its counts make too large."""
REFERENCE_UNITS = 8

_UNICODE = re.compile(r"\\[pP]")
_WIDE = re.compile(r"\\[WDSs]|\.|\[\^")
_COUNT = re.compile(r"(\d{1,9}),?\}")
_HEAVY = frozenset({"uniqueItems", "contains", "propertyNames", "additionalProperties", "enum", "const"})


@dataclass(frozen=True, slots=True)
class Price:
    """What a schema costs.

    Attributes:
        make: Units to make its validator.
        weight: Units to hold it against a sample of 3,000 bytes, its plain parts left out.
    """

    make: float
    weight: float


def price_of(schema: object, size_bytes: int) -> Price:
    """Estimate what a schema costs.

    Args:
        schema: The schema.
        size_bytes: Its length as JSON.
    """
    patterns = sum(map(pattern_units, patterns_of(schema)))
    references = REFERENCE_UNITS * sum("$ref" in part for part in parts_of(schema))
    heavy = sum(len(_HEAVY & part.keys()) for part in parts_of(schema))
    return Price(make=length_units(size_bytes) + patterns + references, weight=patterns + 100.0 * heavy)


def patterns_of(schema: object) -> Iterator[str]:
    """Go through what may be patterns of a schema."""
    for part in parts_of(schema):
        if isinstance(pattern := part.get("pattern"), str):
            yield pattern
        if isinstance(named := part.get("patternProperties"), Mapping):
            yield from (name for name in named if isinstance(name, str))


def pattern_units(pattern: str) -> float:
    """Estimate what it takes to compile a pattern."""
    wide = 15 * len(_WIDE.findall(pattern))
    counts = sum(min(int(count), COUNT_MAX) for count in _COUNT.findall(pattern))
    growth = counts * (1 + wide) + COUNT_MAX * pattern.count("){")
    return 10 + len(pattern) + wide + min(growth, GROWTH_MAX) + 450 * len(_UNICODE.findall(pattern))


def sample_units(size_bytes: int, *, weight: float, parts: float) -> float:
    """Estimate what it takes to hold a schema against a sample.

    Args:
        size_bytes: Of the sample, as JSON.
        weight: Of the schema.
        parts: Its parts with all references unfolded: each may meet each byte.
    """
    return 3 + size_bytes / 100 + size_bytes * (20 * parts + weight) / 3_000


def length_units(size_bytes: int) -> float:
    """Return what it takes to make a validator of a schema of this length, at least."""
    return 40 + size_bytes / BYTES_PER_UNIT
