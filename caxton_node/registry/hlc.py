"""Hybrid logical clock: wall time that never goes backwards and never contradicts cause and effect.

A stamp is one integer, `unix milliseconds << 16 | count`. It follows the wall clock; when that stands
still or is behind what was already seen, the count goes up instead (a full count simply carries into the
milliseconds). So stamps of one node rise, a stamp made after seeing another is larger than it, and people
can read the time in them.

A peer whose wall clock is far ahead would drag everybody's stamps along: what lies more than
`DRIFT_MS_MAX` in the future is not followed. Nothing breaks by that, since a write on top of an entry
always gets a larger stamp than the entry's (`Replica.put`); what lies years ahead is refused there.

Source: Kulkarni, Demirbas and others, "Logical Physical Clocks", 2014.
"""

from __future__ import annotations

COUNT_BITS = 16
DRIFT_MS_MAX = 60_000


def stamp_at(now_us: int) -> int:
    """Return the first stamp of a moment, given in microseconds since 1970."""
    return now_us // 1000 << COUNT_BITS


def stamp_us(stamp: int) -> int:
    """Return the moment of a stamp in microseconds since 1970, to the millisecond."""
    return (stamp >> COUNT_BITS) * 1000


class HybridClock:
    """The stamps of one node."""

    def __init__(self) -> None:
        self._last = 0

    def tick(self, now_us: int, *, above: int = 0) -> int:
        """Return a new stamp, larger than the node's last, than those observed, and than `above`.

        A stamp far in the future is stepped over without taking the clock there.
        """
        self._last = max(stamp_at(now_us), self._last + 1)
        return max(self._last, above + 1)

    def observe(self, stamp: int, now_us: int) -> None:
        """Note another node's stamp, unless it lies too far in the future."""
        if stamp <= stamp_at(now_us + DRIFT_MS_MAX * 1000):
            self._last = max(self._last, stamp)

    def resume(self, stamp: int) -> None:
        """Go on above a stamp that this node itself has given out, whatever the wall clock says."""
        self._last = max(self._last, stamp)
