"""Which of two versions came first, or whether neither knew of the other.

Intuition: every node numbers its own writes of an entry. A version carries, per node, the number of that
node's latest write it has seen. If all of mine are at least yours, I have seen all that you have seen:
mine came after. If each of us is ahead somewhere, the two versions were written without knowledge of each
other.

Rule, for clocks a and b, with 0 for a node that is missing:

    a BEFORE b        every number of a is at most that of b, and one is smaller
    a AFTER b         the mirror image
    a EQUAL b         all numbers are equal
    a CONCURRENT b    each has a number that is larger

Rejected: time stamps alone settle every pair, but cannot tell an update from a conflict, and the loser of a
conflict deserves to be counted and shown. One clock for the whole registry makes nearly all pairs concurrent.

Source: Fidge 1988, Mattern 1989; story 026.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec


class Order(StrEnum):
    """How one version relates to another."""

    BEFORE = "before"
    AFTER = "after"
    EQUAL = "equal"
    CONCURRENT = "concurrent"


_Node: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
_Counts: TypeAlias = Annotated[dict[_Node, _Count], msgspec.Meta(max_length=1024)]
"""Bounds for what comes from elsewhere: nobody writes an entry that often, or in so many names."""


class VectorClock(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The history of one entry, as numbers of writes per node; a value that never changes.

    Attributes:
        counts: Node id -> number of that node's latest write, from 1. Treat it as read-only.
    """

    counts: _Counts = {}

    def of(self, node: str) -> int:
        """Return the number of a node's latest write, 0 if it never wrote."""
        return self.counts.get(node, 0)

    def advance(self, node: str) -> VectorClock:
        """Return the clock of a new version that this node writes on top of this one."""
        return VectorClock({**self.counts, node: self.of(node) + 1})

    def join(self, other: VectorClock) -> VectorClock:
        """Return the earliest clock that has seen all that either has seen."""
        nodes = self.counts.keys() | other.counts.keys()
        return VectorClock({node: max(self.of(node), other.of(node)) for node in nodes})

    def compare(self, other: VectorClock) -> Order:
        """Return how this version relates to the other: BEFORE means that this one came first."""
        ahead = any(count > other.of(node) for node, count in self.counts.items())
        behind = any(count > self.of(node) for node, count in other.counts.items())
        match ahead, behind:
            case True, True:
                return Order.CONCURRENT
            case True, False:
                return Order.AFTER
            case False, True:
                return Order.BEFORE
            case _:
                return Order.EQUAL
