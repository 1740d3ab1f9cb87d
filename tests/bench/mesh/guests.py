"""The two agents of the bench, what they are told, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from struct import Struct

_HERE = Path(__file__).parent / "wat"
_FRAMES = Path(__file__).parents[1] / "local_routing" / "wat" / "frames.wat"

CELLS = 704
_REPORT = Struct(f"<{1 + CELLS}I")
_PER_DOUBLING = 32


def guest(name: str) -> bytes:
    """Return the text of a module: `source` or `sink`, and what both share behind it."""
    own, shared = ((_HERE / f"{part}.wat").read_text() for part in (name, "report"))
    return f"(module\n{own}\n{shared}\n{_FRAMES.read_text()})\n".encode()


def content(*, opened: int, step: int, size_bytes: int, due_ns: int = 0) -> bytes:
    """Return JSON that tells a source what to send, and that its messages carry.

    Args:
        opened: Messages that it sends at once.
        step: Messages that it sends for each confirmation, and that the sink confirms; 0: none.
        size_bytes: Of the content, at least 75.
        due_ns: When they are due, nanoseconds since 1970; 0: nobody looks how late they are.
    """
    head = f'{{"open":"{opened:08}","step":"{step:08}","due":"{due_ns:020}","pad":"'
    return f'{head:x<{size_bytes - 2}}"}}'.encode()


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late messages were.

    Attributes:
        handled: Messages that the sink has ever handled.
        cells: How many of those that were timed were how late; see `lateness_ms`.
    """

    handled: int
    cells: tuple[int, ...]

    def since(self, before: Lateness) -> Lateness:
        """Return what has come on top of an earlier answer."""
        cells = tuple(now - then for now, then in zip(self.cells, before.cells, strict=True))
        return Lateness(self.handled - before.handled, cells)

    def __add__(self, other: Lateness) -> Lateness:
        """Return what two sinks have counted."""
        cells = tuple(map(int.__add__, self.cells, other.cells))
        return Lateness(self.handled + other.handled, cells)

    @property
    def count(self) -> int:
        """Return how many messages were timed."""
        return sum(self.cells)

    def percentile_ms(self, share: float) -> float:
        """Return the lateness below which this share of the messages stayed, exact to 3 %."""
        wanted, seen = share * self.count, 0
        for cell, count in enumerate(self.cells):
            seen += count
            if seen > wanted:
                return lateness_ms(cell)
        return lateness_ms(CELLS - 1)


def lateness_ms(cell: int) -> float:
    """Return the upper end of a cell: one for each microsecond up to 32, then 32 for each doubling."""
    if cell < _PER_DOUBLING:
        return (cell + 1) / 1_000
    power, part = divmod(cell, _PER_DOUBLING)
    return (_PER_DOUBLING + part + 1) * 2.0 ** (power - 1) / 1_000


def read_lateness(answer: bytes) -> Lateness:
    """Read what a sink answers."""
    handled, *cells = _REPORT.unpack(answer)
    return Lateness(handled, tuple(cells))


def read_sent(answer: bytes) -> int:
    """Read what a source answers."""
    return int.from_bytes(answer, "little")
