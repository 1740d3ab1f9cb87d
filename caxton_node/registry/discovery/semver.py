"""Versions of capabilities, and ranges of them as npm and cargo write them.

    1.2.3  =1.2.3     that one                ^1.2.3   what does not break 1.2.3: >=1.2.3 <2
    1  1.2  1.x  1.*  any that begins so      ~1.2.3   the same minor version: >=1.2.3 <1.3
    >=1.2 <2          both                    1.2 - 1.4   from the first to the last, both included
    ^1 || ^2          either                  *        any

`^` keeps the leftmost number that is not zero: ^0.2.3 is >=0.2.3 <0.3. A pre-release is in a range only if
the range names a pre-release of the same three numbers, so that nobody gets 2.0.0-rc.1 for >=1. Build
metadata does not count.

Source: semver.org 2.0.0, sections 9 to 11; the grammar of node-semver.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.shown import show

VERSION_CHARS_MAX = 64
RANGE_CHARS_MAX = 256
CACHED = 4096

_NUMBER = r"(0|[1-9]\d{0,14})"
_TAIL = r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_FULL = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}{_TAIL}", re.ASCII)
_SHORT = re.compile(rf"{_NUMBER}(?:\.{_NUMBER})?", re.ASCII)
_PART = rf"{_NUMBER}(?:\.({_NUMBER[1:-1]}|[xX*])(?:\.({_NUMBER[1:-1]}|[xX*]){_TAIL})?)?"
_COMPARATOR = re.compile(rf"(\^|~|>=|<=|>|<|=)?\s*(?:{_PART}|[xX*])", re.ASCII)
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")

_Rank = tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A version.

    Attributes:
        numbers: Major, minor and patch.
        pre: Identifiers of a pre-release, empty for a release.
        order: What it is compared by.
    """

    numbers: tuple[int, int, int]
    pre: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[tuple[int, int, int], int, _Rank]:
        """Return what orders versions: a pre-release comes before its release, numbers before words."""
        return self.numbers, 0 if self.pre else 1, tuple(map(_rank, self.pre))

    def __str__(self) -> str:
        numbers = ".".join(map(str, self.numbers))
        return f"{numbers}-{'.'.join(self.pre)}" if self.pre else numbers


def _rank(identifier: str) -> tuple[int, int, str]:
    return (0, int(identifier), "") if identifier.isdigit() else (1, 0, identifier)


@lru_cache(CACHED)
def find_version(text: str) -> Version | None:
    """Read a version; `1` and `1.2` stand for 1.0.0 and 1.2.0. None if it is none."""
    if len(text) > VERSION_CHARS_MAX:
        return None
    if full := _FULL.fullmatch(text):
        major, minor, patch, pre = full.groups()
        identifiers = tuple(pre.split(".")) if pre else ()
        if any(part.isdigit() and part != "0" and part.startswith("0") for part in identifiers):
            return None
        return Version((int(major), int(minor), int(patch)), identifiers)
    if short := _SHORT.fullmatch(text):
        return Version((int(short[1]), int(short[2] or 0), 0))
    return None


def read_version(text: str) -> Version:
    """Read a version; `1` and `1.2` stand for 1.0.0 and 1.2.0.

    Raises:
        InvalidArgument: It is none.
    """
    version = find_version(text)
    if version is None:
        raise InvalidArgument(
            f"{show(text)} is not a version",
            why="it is three numbers, as semver.org says: 1.2.3, 1.2.3-rc.1; 1.2 stands for 1.2.0",
            hint="for example 1.0.0",
        )
    return version


@dataclass(frozen=True, slots=True)
class Span:
    """All versions from one, up to another.

    Attributes:
        low: The first, None if there is none.
        high: The end, None if there is none.
        low_included: Whether the first itself is in it.
        high_included: Whether the end itself is in it.
    """

    low: Version | None = None
    high: Version | None = None
    low_included: bool = True
    high_included: bool = False

    def holds(self, version: Version) -> bool:
        """Tell whether a version lies in it, pre-release or not."""
        order = version.order
        if self.low is not None and (
            order < self.low.order or (order == self.low.order and not self.low_included)
        ):
            return False
        return self.high is None or (
            order < self.high.order or (order == self.high.order and self.high_included)
        )

    def names_pre_release_of(self, version: Version) -> bool:
        """Tell whether one of its ends is a pre-release of the same three numbers."""
        ends = (self.low, self.high)
        return any(end is not None and bool(end.pre) and end.numbers == version.numbers for end in ends)


@dataclass(frozen=True, slots=True)
class Range:
    """Which versions somebody can use: those that lie in every span of at least one set."""

    sets: tuple[tuple[Span, ...], ...]

    def __contains__(self, version: Version) -> bool:
        return any(_is_in(version, spans) for spans in self.sets)


def _is_in(version: Version, spans: tuple[Span, ...]) -> bool:
    if not all(span.holds(version) for span in spans):
        return False
    return not version.pre or any(span.names_pre_release_of(version) for span in spans)


@lru_cache(CACHED)
def read_range(text: str) -> Range:
    """Read a range of versions.

    Raises:
        InvalidArgument: It is none.
    """
    if len(text) > RANGE_CHARS_MAX:
        raise _refuse(text)
    return Range(tuple(_read_set(part.strip(), text) for part in text.split("||")))


def _read_set(part: str, text: str) -> tuple[Span, ...]:
    if hyphen := _HYPHEN.fullmatch(part):
        low, high = (_read_comparator(end, text, plain=True) for end in hyphen.groups())
        return (Span(low.low, high.high, high_included=high.high_included),)
    spans: list[Span] = []
    at = 0
    while at < len(part):
        found = _COMPARATOR.match(part, at)
        if found is None or (found.end() < len(part) and part[found.end()] not in " ,<>=^~"):
            raise _refuse(text)
        spans.append(_read_comparator(found[0], text))
        at = found.end()
        while at < len(part) and part[at] in " ,":
            at += 1
    return tuple(spans) or (Span(),)


def _read_comparator(text: str, whole: str, *, plain: bool = False) -> Span:
    found = _COMPARATOR.fullmatch(text)
    if found is None or (plain and found[1]):
        raise _refuse(whole)
    sign, *parts, pre = found.groups()
    numbers = [int(part) for part in _given(parts)]
    if pre and len(numbers) < 3:
        raise _refuse(whole)
    low = Version(_padded(numbers), tuple(pre.split(".")) if pre else ())
    return _span(sign or "=", numbers, low)


def _given(parts: list[str | None]) -> list[str]:
    """Return the numbers up to the first that is left open."""
    given: list[str] = []
    for part in parts:
        if part is None or part in "xX*":
            break
        given.append(part)
    return given


def _span(sign: str, numbers: list[int], low: Version) -> Span:
    """Return the versions that a comparator means; `numbers` says how much of the version was written."""
    if not numbers:
        return Span() if sign in {"=", "^", "~", ">=", "<="} else Span(None, Version((0, 0, 0), ("0",)))
    whole = len(numbers) == 3
    match sign:
        case "^":
            return Span(low, _next(numbers, _first_kept(numbers)))
        case "~":
            return Span(low, _next(numbers, min(1, len(numbers) - 1)))
        case ">=":
            return Span(low)
        case ">":
            beyond = Version(_next(numbers, len(numbers) - 1).numbers)
            return Span(low, low_included=False) if whole else Span(beyond)
        case "<":
            return Span(None, low if whole else Version(low.numbers, ("0",)))
        case "<=":
            after = Span(None, low, high_included=True)
            return after if whole else Span(None, _next(numbers, len(numbers) - 1))
        case _:
            return (
                Span(low, low, high_included=True) if whole else Span(low, _next(numbers, len(numbers) - 1))
            )


def _first_kept(numbers: list[int]) -> int:
    """Return the index of the number that `^` keeps: the first that is not zero, else the last given."""
    return next((index for index, number in enumerate(numbers) if number), len(numbers) - 1)


def _next(numbers: list[int], index: int) -> Version:
    """Return where the versions end that agree up to `index`: before the first pre-release of the next."""
    raised = [*numbers[:index], numbers[index] + 1]
    return Version(_padded(raised), ("0",))


def _padded(numbers: list[int]) -> tuple[int, int, int]:
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return major, minor, patch


def _refuse(text: str) -> InvalidArgument:
    return InvalidArgument(
        f"{show(text)} is not a range of versions",
        why="it is made of comparators such as ^1.2, ~1.2.3, >=1 <2, 1.x, joined by || where either will do",
        hint='for example "^1.2"',
    )
