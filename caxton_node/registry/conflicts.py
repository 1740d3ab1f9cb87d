"""Which versions of entries lost to one whose writer did not know of them: the rows of the partition report.

    A writes X = 1   |   B writes X = 2        neither knows of the other
            A and B meet: X = 2 everywhere     the version of A is overruled, and that is told

A row holds what people ask afterwards: what was lost, who had written it and when, what holds instead, and
what this node did about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from caxton_node.core.shown import show
from caxton_node.registry.entry import Entry
from caxton_node.registry.hlc import stamp_us
from caxton_node.registry.overruled import Overruled
from caxton_node.registry.values import UnreadableValue, ValueReader, is_shallow

SUMMARY_CHARS_MAX = 200
WITHDRAWN = "withdrawn"
DIGEST_BYTES = 8


class Said(NamedTuple):
    """What a version says.

    Attributes:
        digest: Equal for versions that say the same.
        summary: For people.
    """

    digest: str
    summary: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an entry, as the report knows it.

    Attributes:
        stamp: When it was written, as the registry orders versions.
        origin: Node that wrote it.
        digest: Of what it says; empty if it took the entry back.
        summary: The same for people.
    """

    stamp: int
    origin: str
    digest: str
    summary: str

    @property
    def unix_ms(self) -> int:
        """Return when it was written, milliseconds since 1970."""
        return stamp_us(self.stamp) // 1000


@dataclass(frozen=True, slots=True)
class Conflict:
    """A version that was overruled.

    Attributes:
        kind: Kind of the entry.
        key: Its key.
        loser: The version that is gone.
        winner: The version that holds instead.
        noticed_unix_ms: When this node noticed.
        action: What this node did about it; empty for nothing.
    """

    kind: str
    key: str
    loser: Version
    winner: Version
    noticed_unix_ms: int
    action: str = ""

    @property
    def id(self) -> tuple[str, str, int, str]:
        """Return what is the same on every node that noticed it."""
        return self.kind, self.key, self.loser.stamp, self.loser.origin

    @property
    def place(self) -> tuple[int, str, str, str]:
        """Return its place in a report: the latest write first, then by kind, key and writer."""
        return -self.loser.stamp, self.kind, self.key, self.loser.origin


Reader = Callable[[bytes], Said]
"""Tells what the value of an entry of some kind says."""


class Describer:
    """Puts versions into words; kinds whose values have a meaning to somebody are read by him."""

    def __init__(self) -> None:
        self._readers: dict[str, Reader] = {}

    def teach(self, kind: str, reader: Reader) -> None:
        """Let the values of a kind be read so; a reader raises `UnreadableValue` for what it cannot."""
        self._readers[kind] = reader

    def conflict_of(self, overruled: Overruled, now_unix_ms: int) -> Conflict | None:
        """Return the row of a conflict; None if both versions say the same."""
        loser, winner = self.version_of(overruled.loser), self.version_of(overruled.winner)
        if loser.digest == winner.digest:
            return None
        return Conflict(overruled.loser.kind, overruled.loser.key, loser, winner, now_unix_ms)

    def version_of(self, entry: Entry) -> Version:
        """Return a version in words."""
        said = Said("", WITHDRAWN) if entry.deleted else self._read(entry)
        return Version(entry.stamp, entry.origin, said.digest, show(said.summary, SUMMARY_CHARS_MAX))

    def _read(self, entry: Entry) -> Said:
        try:
            return self._readers.get(entry.kind, said_in_general)(entry.value)
        except UnreadableValue:
            return said_in_general(entry.value)


def said_in_general(value: bytes) -> Said:
    """Say what can be said of any value: its fields if it is a map, else how long it is."""
    digest = blake2b(value, digest_size=DIGEST_BYTES).hexdigest()
    try:
        fields = _ANYTHING.read(value)
    except UnreadableValue:
        fields = None
    if not isinstance(fields, Mapping):
        return Said(digest, f"{len(value):,} bytes")
    text = ", ".join(f"{name}={field}" for name, field in fields.items())
    return Said(digest, show(text, SUMMARY_CHARS_MAX - 3))  # with the dots


_ANYTHING: ValueReader[object] = ValueReader(object, fits=is_shallow)
