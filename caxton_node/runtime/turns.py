"""What the turns of a node have been: plain numbers, so that counting costs next to nothing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from caxton_node.runtime.limits import BATCH_CAP

LATEST = 64
BUCKETS = BATCH_CAP.bit_length() + 1


@dataclass(frozen=True, slots=True)
class TurnCounts:
    """The turns under one strategy, as they were at one moment; a turn without messages is none.

    Attributes:
        turns: How many.
        full: How many of them took as many messages as they might.
        messages: Messages in all of them.
        average: Messages in a turn, over the latest 64; 0 before the first.
        cells: Turns by bit length of their size: cell b counts those below 2**b messages.
    """

    turns: int
    full: int
    messages: int
    average: float
    cells: tuple[int, ...]


class Turns:
    """Counts the turns under one strategy; its owner's lock guards it."""

    __slots__ = ("_cells", "_full", "_latest", "_messages")

    def __init__(self) -> None:
        self._cells = [0] * BUCKETS
        self._latest: deque[int] = deque(maxlen=LATEST)
        self._messages = 0
        self._full = 0

    def note(self, messages: int, room: int) -> None:
        """Count a turn.

        Args:
            messages: How many it took, at least 1.
            room: How many it might have taken.
        """
        self._cells[messages.bit_length()] += 1
        self._latest.append(messages)
        self._messages += messages
        if messages >= room:
            self._full += 1

    def read(self) -> TurnCounts:
        """Return what was counted so far."""
        latest = self._latest
        average = sum(latest) / len(latest) if latest else 0.0
        return TurnCounts(sum(self._cells), self._full, self._messages, average, tuple(self._cells))
