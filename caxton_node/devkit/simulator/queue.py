"""What is still to happen, in the order of its time, and of asking where times are equal.

A wheel of short slots: most entries are only appended to the list of their slot, and a slot is sorted when
its time has come. One heap of everything costs about twice as much once thirty thousand timers wait in it,
which is the rule with ten thousand nodes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

SLOT_S = 0.01

Action = Callable[..., None]
Entry = tuple[float, int, Action, tuple[object, ...]]
"""When, which of those asked for, and the call to make then."""


class EventQueue:
    """Calls to be made at an instant."""

    def __init__(self) -> None:
        self._asked = 0
        self._slots: dict[int, list[Entry]] = {}
        self._numbers: list[int] = []  # heap of the slots that hold something, but for the present one
        self._present: list[Entry] = []  # heap: entries of the present slot, and any that were asked for late
        self._number = -1

    def __len__(self) -> int:
        return len(self._present) + sum(map(len, self._slots.values()))

    def push(self, when: float, action: Action, *arguments: object) -> None:
        """Ask for a call at an instant; one in the past comes next."""
        self._asked += 1
        entry = (when, self._asked, action, arguments)
        number = int(when / SLOT_S)
        if number <= self._number:
            heapq.heappush(self._present, entry)
        elif number in self._slots:
            self._slots[number].append(entry)
        else:
            self._slots[number] = [entry]
            heapq.heappush(self._numbers, number)

    def pop(self, until: float) -> Entry | None:
        """Take the first entry out if it is due at `until` or before."""
        while not self._present:
            if not self._numbers or self._numbers[0] > int(until / SLOT_S):
                return None
            self._number = heapq.heappop(self._numbers)
            self._present = self._slots.pop(self._number)
            self._present.sort()  # a sorted list is a heap
        if self._present[0][0] > until:
            return None
        return heapq.heappop(self._present)
