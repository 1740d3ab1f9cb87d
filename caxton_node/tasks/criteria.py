"""What is wanted of a bid, declared in one line each. Pure.

    min:price           less is better            price<=100          must hold, or the bid is out
    max:quality*2       more is better, twice     certified==true     the value is JSON, or text if it is not
                        as important

A term is a member of the bid's JSON object, or one of the platform's own facts about it: `local` (1 if the
contractor is on the initiator's node, else 0) and `answered_ms` (from the call to the bid). A bid cannot set
those.

Source: story 011.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.shown import show

LOCAL: Final = "local"
ANSWERED_MS: Final = "answered_ms"
PREFERENCES_MAX, REQUIREMENTS_MAX = 16, 64
VALUE_CHARS_MAX = 200
NUMBER_MAX = 10**100

_TERM = r"[A-Za-z_][A-Za-z0-9_.-]{0,62}"
_PREFERENCE = re.compile(rf"(min|max):({_TERM})(?:\*(\d+(?:\.\d+)?))?\Z")
_REQUIREMENT = re.compile(rf"({_TERM})\s*(<=|>=|==|!=|<|>)(?!=)\s*(\S.*)\Z")
_STEP = re.compile(rf"({_TERM})=(\d+(?:\.\d+)?)\Z")

_RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}
_EQUALITY = frozenset({"==", "!="})


class Direction(StrEnum):
    """Which way is better."""

    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Preference:
    """One term by which bids are ranked.

    Attributes:
        direction: Whether less or more is better.
        term: Name of the term.
        weight: Its share in the score, relative to the others; more than 0.
    """

    direction: Direction
    term: str
    weight: float = 1.0

    def betters(self, value: float, other: float) -> float:
        """Return by how much a value is better than another; negative if it is worse."""
        return other - value if self.direction is Direction.MIN else value - other


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something without which a bid is out.

    Attributes:
        term: Name of the term.
        relation: One of `<= >= < > == !=`.
        value: What it is compared with: a JSON value.
    """

    term: str
    relation: str
    value: object

    def find_breach(self, terms: Mapping[str, object]) -> str:
        """Say how these terms break it, "" if they do not."""
        if self.term not in terms:
            return f"{self} is broken: it has no {self.term}"
        found = terms[self.term]
        if self.relation not in _EQUALITY and not _are_ordered(found, self.value):
            return f"{self} is broken: {self.term} is {_shown(found)}, which cannot be compared"
        if _RELATIONS[self.relation](found, self.value):
            return ""
        return f"{self} is broken: {self.term} is {_shown(found)}"

    def __str__(self) -> str:
        return f"{self.term}{self.relation}{_shown(self.value)}"


@dataclass(frozen=True, slots=True)
class Criteria:
    """All that is wanted of a bid.

    Attributes:
        preferences: By what bids are ranked; none at all: the earliest is the best.
        requirements: What each must fulfil.
        steps: By how much a further round must better a term, by term; a term without one: by anything.
    """

    preferences: tuple[Preference, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    steps: Mapping[str, float] = field(default_factory=dict)

    @property
    def terms(self) -> tuple[str, ...]:
        """Return the names that are looked at, preferred ones first, each once."""
        named = [each.term for each in self.preferences] + [each.term for each in self.requirements]
        return tuple(dict.fromkeys(named))


def parse_criteria(prefer: Sequence[str], require: Sequence[str], steps: Sequence[str] = ()) -> Criteria:
    """Read declared criteria.

    Args:
        prefer: Such as `min:price` or `max:quality*2`; each term once.
        require: Such as `price<=100`.
        steps: Such as `price=5`: a further round that betters the price by less is the last.

    Raises:
        InvalidArgument: One of them cannot be read, names a term twice, or there are too many.
    """
    if len(prefer) > PREFERENCES_MAX or len(require) > REQUIREMENTS_MAX:
        raise InvalidArgument(
            f"{len(prefer)} preferences and {len(require)} requirements are too many",
            why=f"at most {PREFERENCES_MAX} and {REQUIREMENTS_MAX} are taken",
        )
    preferences = tuple(map(parse_preference, prefer))
    names = [each.term for each in preferences]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise InvalidArgument(f"{twice} is preferred twice", hint="give one preference a weight instead")
    found = dict(map(_parse_step, steps))
    if strange := next((name for name in found if name not in names), ""):
        raise InvalidArgument(
            f"a step for {strange} has no meaning",
            why="only a preferred term can get better",
            hint=f"add --prefer min:{strange} or --prefer max:{strange}",
        )
    return Criteria(preferences, tuple(map(parse_requirement, require)), found)


def parse_preference(text: str) -> Preference:
    """Read `min:price`, `max:quality*2`.

    Raises:
        InvalidArgument: It is neither.
    """
    found = _PREFERENCE.match(text)
    weight = float(found[3] or 1) if found else 0.0
    if not found or not 0 < weight <= 1e6:
        raise InvalidArgument(
            f"{show(text)} is not a preference",
            why="it is min: or max:, the name of a term, and *WEIGHT (more than 0) if it shall count more",
            hint="write for example min:price or max:quality*2",
        )
    return Preference(Direction(found[1]), found[2], weight)


def parse_requirement(text: str) -> Requirement:
    """Read `price<=100`, `certified==true`, `colour!=red`.

    Raises:
        InvalidArgument: It is no comparison of a term with a value.
    """
    found = _REQUIREMENT.match(text.strip())
    value = _parse_value(found[3]) if found else None
    is_scalar = not isinstance(value, dict | list) and len(text) <= VALUE_CHARS_MAX
    if not found or not is_scalar or (found[2] not in _EQUALITY and not _are_ordered(value, value)):
        raise InvalidArgument(
            f"{show(text)} is not a requirement",
            why="it is the name of a term, one of <= >= < > == !=, and a value",
            hint="write for example price<=100 or certified==true",
        )
    return Requirement(found[1], found[2], value)


def number_of(value: object) -> float | None:
    """Return a JSON value as a number, None if it is none or too large to reckon with; true is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -NUMBER_MAX <= value <= NUMBER_MAX else None


def _parse_step(text: str) -> tuple[str, float]:
    found = _STEP.match(text)
    if not found:
        raise InvalidArgument(f"{show(text)} is not a step", hint="write for example price=5")
    return found[1], float(found[2])


def _parse_value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _are_ordered(one: object, other: object) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return True
    return number_of(one) is not None and number_of(other) is not None


def _shown(value: object) -> str:
    return (
        value if isinstance(value, str) and value.isalnum() else show(json.dumps(value, ensure_ascii=False))
    )
