"""The book of who counts: one line for each node, and lines that merge in any order. Pure.

A line says whether the node counts and at which *turn* that was written; whoever changes a line gives it a
turn above all that are in its book, so that later changes have higher ones (Lamport's clock). Of two lines
of a node the higher turn holds, at the same turn the one that strikes off: a total order, as claims have in
`swim`, so merging is taking the maximum and it does not matter who tells whom, how often, or in which order.

Of the nodes that are struck off a book keeps the latest, by turn and then by id. All books so drop the same
ones; a book that is older than all of these may bring a node back that had gone by then.

Rejected: one version for the whole set. Two members that note different leaves in the same second would
write different sets under one number. Dropping in the order in which a node heard: books that dropped
different lines never agree again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from heapq import nsmallest
from typing import NamedTuple

import msgpack

from caxton_node.core.errors import InputError
from caxton_node.core.ids import check_node_id

TURN_MAX = 2**31 - 1
LINES_MAX = 20_480
STRUCK_MAX = 4096
DIGEST_BYTES = 8


class MalformedBook(InputError):
    """Lines of a book of members cannot be read; none of them was used."""

    code = "MALFORMED_MEMBER_BOOK"


class Line(NamedTuple):
    """Whether one node counts.

    Attributes:
        turn: How often this has been changed.
        counts: It is one of those of whom more than half make a majority.
        settled: It may be relied on alone: it was written so long ago that everybody must know, or it strikes
            off on the word of the node itself or of an operator.
    """

    turn: int
    counts: bool
    settled: bool = False


class Book:
    """The lines of one node's copy.

    Args:
        lines: What was kept.
    """

    def __init__(self, lines: Mapping[str, Line] | None = None) -> None:
        self._lines: dict[str, Line] = dict(lines or {})
        self._sum_up()

    @classmethod
    def of_founder(cls, node: str) -> Book:
        """Return the book with which a cluster begins: its founder counts."""
        return cls({node: Line(1, counts=True, settled=True)})

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def counted(self) -> frozenset[str]:
        """Return the nodes that count; safe on any thread."""
        return self._counted

    @property
    def settled(self) -> frozenset[str]:
        """Return the nodes that counted before changes that not everybody need know; safe on any thread."""
        return self._settled

    @property
    def unsettled(self) -> frozenset[str]:
        """Return the nodes whose lines not everybody need know yet."""
        return frozenset(node for node, line in self._lines.items() if not line.settled)

    @property
    def digest(self) -> bytes:
        """Return eight bytes that are equal when two books say the same of who counts."""
        lines = sorted((node, line.turn, line.counts) for node, line in self._lines.items())
        return blake2b(msgpack.packb(lines), digest_size=DIGEST_BYTES).digest()

    def lines(self) -> dict[str, Line]:
        """Return a copy of all lines."""
        return dict(self._lines)

    def find(self, node: str) -> Line | None:
        """Return the line of a node, None if there is none."""
        return self._lines.get(node)

    def count(self, nodes: Iterable[str], *, settled: bool = False) -> dict[str, Line]:
        """Let nodes count, at a new turn even if they do; return the lines that are new."""
        return self._write(nodes, counts=True, settled=settled)

    def strike(self, nodes: Iterable[str], *, settled: bool) -> dict[str, Line]:
        """Let nodes count no more; return the lines that are new.

        Args:
            nodes: Those that do not count are passed over.
            settled: It holds at once, since the node itself or an operator says so.
        """
        return self._write(self._counted.intersection(nodes), counts=False, settled=settled)

    def settle(self, nodes: Iterable[str]) -> None:
        """Note that everybody must know these lines by now."""
        ripe = self.unsettled.intersection(nodes)
        if ripe:
            self._lines.update({node: self._lines[node]._replace(settled=True) for node in ripe})
            self._sum_up()

    def merge(self, lines: Mapping[str, Line]) -> dict[str, Line]:
        """Take over the lines that supersede this book's; return those.

        What another book calls settled is believed, also of a line that both have: everybody must know it
        then, and all have to use one and the same former set.
        """
        changed = {node: line for node, line in lines.items() if _supersedes(line, self._lines.get(node))}
        settled = [
            node for node, line in lines.items() if line.settled and _is_same(line, self._lines.get(node))
        ]
        for node, line in changed.items():
            held = self._lines.get(node)
            if held is not None or len(self._lines) < LINES_MAX:
                self._lines[node] = line._replace(settled=_is_settled(line, held))
        if changed:
            self._trim()
        self.settle(settled)
        return {node: line for node, line in changed.items() if node in self._lines}

    def _write(self, nodes: Iterable[str], *, counts: bool, settled: bool) -> dict[str, Line]:
        line = Line(min(self._turn + 1, TURN_MAX), counts, settled)
        held = self._lines
        written = {node: line._replace(settled=_is_settled(line, held.get(node))) for node in nodes}
        if written:
            self._lines |= written
            self._trim()
        return written

    def _trim(self) -> None:
        struck = [(line.turn, node) for node, line in self._lines.items() if not line.counts]
        for _, node in nsmallest(len(struck) - STRUCK_MAX, struck):
            del self._lines[node]
        self._sum_up()

    def _sum_up(self) -> None:
        self._turn = max((line.turn for line in self._lines.values()), default=0)
        self._counted = frozenset(node for node, line in self._lines.items() if line.counts)
        # Who is to count only lately did not before; who is struck off only lately did.
        self._settled = frozenset(node for node, line in self._lines.items() if line.counts is line.settled)


def encode(lines: Mapping[str, Line]) -> bytes:
    """Return lines for the wire: a MessagePack array of `[node, turn, counts, settled]`."""
    packed: bytes = msgpack.packb([[node, *line] for node, line in lines.items()])
    return packed


def decode(data: bytes) -> dict[str, Line]:
    """Read lines from the wire.

    Raises:
        MalformedBook: They are not what `encode` writes.
    """
    try:
        rows = msgpack.unpackb(data)
        lines = {check_node_id(node): _line(*rest) for node, *rest in rows}
    except (ValueError, TypeError, InputError, msgpack.UnpackException) as err:
        raise MalformedBook("lines of a book of members cannot be read", why=str(err)) from err
    if len(lines) > LINES_MAX:
        raise MalformedBook(f"a book of {len(lines):,} members is too long", why=f"{LINES_MAX:,} is the most")
    return lines


def _line(turn: object, counts: object, settled: object) -> Line:
    if isinstance(turn, bool) or not isinstance(turn, int) or not 0 < turn <= TURN_MAX:
        raise ValueError(f"{turn!r} is no turn")
    if not isinstance(counts, bool) or not isinstance(settled, bool):
        raise TypeError("a line says yes or no")
    return Line(turn, counts, settled)


def _supersedes(line: Line, held: Line | None) -> bool:
    return held is None or (line.turn, not line.counts) > (held.turn, not held.counts)


def _is_same(line: Line, held: Line | None) -> bool:
    return held is not None and line[:2] == held[:2]


def _is_settled(line: Line, held: Line | None) -> bool:
    """Tell whether a line that takes the place of another may be relied on alone."""
    if line.settled or held is None:
        return line.settled
    return held.settled if held.counts is line.counts else line.counts and not held.settled
