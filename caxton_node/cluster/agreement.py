"""The book of who counts: one line for each node, and lines that merge in any order. Pure.

A line says whether the node counts and at which *turn* that was written; whoever changes a line raises its
turn. Of two lines the higher turn holds, at the same turn the one that strikes off: a total order, as claims
have in `swim`, so merging is taking the maximum and it does not matter who tells whom, how often, or in
which order.

Rejected: one version for the whole set. Two members that note different leaves in the same second would
write different sets under one number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
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
        settled: It has counted for so long that everybody must know.
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

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def counted(self) -> frozenset[str]:
        """Return the nodes that count; safe on any thread."""
        return self._counted

    @property
    def settled(self) -> frozenset[str]:
        """Return the nodes that have counted for long enough; safe on any thread."""
        return self._settled

    @property
    def digest(self) -> bytes:
        """Return eight bytes that are equal when two books say the same of who counts."""
        lines = sorted((node, line.turn, line.counts) for node, line in self._lines.items())
        return blake2b(msgpack.packb(lines), digest_size=DIGEST_BYTES).digest()

    def lines(self) -> dict[str, Line]:
        """Return a copy of all lines."""
        return dict(self._lines)

    def count(self, nodes: Iterable[str]) -> dict[str, Line]:
        """Let nodes count; return the lines that are new."""
        return self._write(nodes, counts=True)

    def strike(self, nodes: Iterable[str]) -> dict[str, Line]:
        """Let nodes count no more; return the lines that are new."""
        return self._write((node for node in nodes if node in self._lines), counts=False)

    def settle(self, nodes: Iterable[str]) -> None:
        """Note that nodes have counted for long enough."""
        ripe = list(nodes)
        if ripe:
            self._lines.update({node: self._lines[node]._replace(settled=True) for node in ripe})
            self._sum_up()

    def merge(self, lines: Mapping[str, Line], *, trusting: bool = False) -> dict[str, Line]:
        """Take over the lines that supersede this book's; return those.

        Args:
            lines: Of another book.
            trusting: Believe what the other calls settled; only a node that knows nothing itself may.
        """
        changed = {node: line for node, line in lines.items() if _supersedes(line, self._lines.get(node))}
        if not changed:
            return {}
        for node, line in changed.items():
            held = self._lines.pop(node, None)
            if held is None and len(self._lines) >= LINES_MAX:
                continue
            was_settled = held is not None and held.counts and held.settled
            self._lines[node] = line._replace(
                settled=line.counts and (was_settled or (trusting and line.settled))
            )
        self._trim()
        return changed

    def _write(self, nodes: Iterable[str], *, counts: bool) -> dict[str, Line]:
        written: dict[str, Line] = {}
        for node in nodes:
            held = self._lines.get(node, Line(0, counts=False))
            if held.counts is not counts:
                self._lines.pop(node, None)  # the latest stand last, so that the oldest are trimmed first
                written[node] = self._lines[node] = Line(min(held.turn + 1, TURN_MAX), counts)
        if written:
            self._trim()
        return written

    def _trim(self) -> None:
        struck = [node for node, line in self._lines.items() if not line.counts]
        for node in struck[: max(0, len(struck) - STRUCK_MAX)]:
            del self._lines[node]
        self._sum_up()

    def _sum_up(self) -> None:
        counted = [(node, line.settled) for node, line in self._lines.items() if line.counts]
        self._counted = frozenset(node for node, _ in counted)
        self._settled = frozenset(node for node, settled in counted if settled)


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
