"""When a bound on a number, a length or a count follows from the bounds of another schema. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Words = Mapping[str, Any]
Follows = Callable[[Words, Words], bool]


def _at_least(word: str) -> Follows:
    """Return the rule of a smallest length or count."""
    return lambda wide, narrow: _number(narrow.get(word), 0) >= _number(wide[word], float("inf"))


def _at_most(word: str) -> Follows:
    """Return the rule of a greatest length or count."""
    return lambda wide, narrow: _number(narrow.get(word), float("inf")) <= _number(wide[word], -1)


def _low(wide: Words, narrow: Words) -> bool:
    """Tell whether a lower bound follows, however it is written."""
    return _is_number(wide, "exclusiveMinimum") and _lower(narrow) >= _lower(wide)


def _high(wide: Words, narrow: Words) -> bool:
    """Tell whether an upper bound follows, however it is written."""
    return _is_number(wide, "exclusiveMaximum") and _upper(narrow) <= _upper(wide)


def _lower(schema: Words) -> tuple[float, bool]:
    """Return the lower bound and whether it is excluded: of two with one number, the excluding is tighter."""
    included = (_number(schema.get("minimum"), float("-inf")), False)
    return max(
        included, (_number(schema.get("exclusiveMinimum"), float("-inf")), "exclusiveMinimum" in schema)
    )


def _upper(schema: Words) -> tuple[float, bool]:
    """Return the upper bound and whether it is included: so that the tighter one is the smaller."""
    included = (_number(schema.get("maximum"), float("inf")), True)
    return min(
        included, (_number(schema.get("exclusiveMaximum"), float("inf")), "exclusiveMaximum" not in schema)
    )


def _number(value: object, otherwise: float) -> float:
    """Return a number; a bound that is written as in draft 4, as a flag, counts as none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _is_number(schema: Words, word: str) -> bool:
    return not isinstance(schema.get(word), bool)


RANGES: Mapping[str, Follows] = {
    "minimum": _low,
    "exclusiveMinimum": _low,
    "maximum": _high,
    "exclusiveMaximum": _high,
    "minLength": _at_least("minLength"),
    "maxLength": _at_most("maxLength"),
    "minItems": _at_least("minItems"),
    "maxItems": _at_most("maxItems"),
    "minProperties": _at_least("minProperties"),
    "maxProperties": _at_most("maxProperties"),
}
