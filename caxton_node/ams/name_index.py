"""Names in order, under changes: what comes and goes is noted at once and put in place when somebody looks.

A few changes are put in one by one, each a search by halves and a move of memory. Many, as when a node comes
with ten thousand agents, are merged in one go. Sorting all names anew was measured: most of a second for a
hundred thousand of them on a busy machine, on the event loop.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator

ONE_BY_ONE_MAX = 100


class NameIndex:
    """Names in their order.

    Args:
        names: Those that are there.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = sorted(set(names))
        self._known = set(self._names)
        self._changed: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __len__(self) -> int:
        return len(self._known)

    def set(self, name: str, *, there: bool) -> None:
        """Note that a name is there, or not."""
        if (name in self._known) is there:
            return
        self._changed ^= {name}  # whoever has come and gone since has not changed
        if there:
            self._known.add(name)
        else:
            self._known.discard(name)

    def following(self, begin: str, after: str | None = None) -> Iterator[str]:
        """Yield the names from `begin` on, and behind `after`, in order, as they are now."""
        self._put_in_place()
        names = self._names
        start = bisect_left(names, begin)
        if after is not None:
            start = max(start, bisect_right(names, after))
        for number in range(start, len(names)):
            yield names[number]

    def _put_in_place(self) -> None:
        changed, self._changed = self._changed, set()
        if len(changed) > ONE_BY_ONE_MAX:
            left = [name for name in self._names if name not in changed]
            left += sorted(name for name in changed if name in self._known)
            left.sort()  # two runs in order, which it only merges
            self._names = left
            return
        for name in changed:
            if name in self._known:
                insort(self._names, name)
            else:
                del self._names[bisect_left(self._names, name)]
