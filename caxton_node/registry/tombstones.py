"""Deleted entries that are still remembered: when they leave the comparisons, and when they are forgotten.

fresh     for a day: whoever is there hears of it
settled   known and found, but in no sum any more, since each node forgets it in its own time
forgotten once it is covered (`context.py`), or after thirty days
"""

from __future__ import annotations

import heapq
from typing import TypeAlias

from caxton_node.registry.entry import Entry, Id
from caxton_node.registry.hlc import stamp_us

_DAY_US = 24 * 3600 * 1_000_000
TOMBSTONE_KEPT_US = _DAY_US
TOMBSTONE_KEPT_MAX_US = 30 * _DAY_US
AT_ONCE = 1000
"""That many are settled, and forgotten, in one turn: some milliseconds of the event loop."""

_Queue: TypeAlias = list[tuple[int, Id]]


def is_old(entry: Entry, now_us: int, limit_us: int | None = None) -> bool:
    """Tell whether a version is older than a day, or than a limit: who deleted it may have forgotten that."""
    return now_us - stamp_us(entry.stamp) > (TOMBSTONE_KEPT_US if limit_us is None else limit_us)


class Tombstones:
    """The tombstones of one replica, oldest first."""

    def __init__(self) -> None:
        self._entries: dict[Id, Entry] = {}
        self._fresh: _Queue = []
        self._settled: _Queue = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Remember a deletion; it takes the place of an earlier one of the same entry."""
        self._entries[entry.id] = entry
        heapq.heappush(self._fresh, (entry.stamp, entry.id))

    def discard(self, entry_id: Id) -> None:
        """Forget a deletion: the entry has been written again, or nobody needs to know any more."""
        self._entries.pop(entry_id, None)

    def settle_old(self, now_us: int, *, most: int | None = AT_ONCE) -> list[Entry]:
        """Settle those of more than a day and return them; at most so many, None: all."""
        settled: list[Entry] = []
        while self._fresh and (most is None or len(settled) < most):
            found = self._peek(self._fresh)
            if found is not None and not is_old(found, now_us):
                break
            item = heapq.heappop(self._fresh)
            if found is not None:
                heapq.heappush(self._settled, item)
                settled.append(found)
        return settled

    def take_forgettable(self, covered: int, now_us: int, *, most: int = AT_ONCE) -> list[Entry]:
        """Forget settled ones up to a stamp, and very old ones; return them, at most so many."""
        forgotten: list[Entry] = []
        while self._settled and len(forgotten) < most:
            found = self._peek(self._settled)
            if (
                found is not None
                and found.stamp > covered
                and not is_old(found, now_us, TOMBSTONE_KEPT_MAX_US)
            ):
                break
            heapq.heappop(self._settled)
            if found is not None:
                self.discard(found.id)
                forgotten.append(found)
        return forgotten

    def _peek(self, queue: _Queue) -> Entry | None:
        """Return the tombstone at the front, None if it is none any more."""
        stamp, entry_id = queue[0]
        entry = self._entries.get(entry_id)
        return entry if entry is not None and entry.stamp == stamp else None
