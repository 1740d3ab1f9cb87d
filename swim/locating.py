"""Where members are: this node's network coordinate, moved by every probe, and those of the others.

Each answer to a probe carries its sender's coordinate. From those and the round trips measured, every node
knows about how far any member is that it has probed, without asking: good enough to prefer a near replica.
"""

from __future__ import annotations

from swim.context import Context
from swim.coordinates import Coordinate, Vivaldi, distance_s
from swim.errors import Malformed
from swim.statistics import Drop

PEERS_MAX = 4096
"""Members whose coordinate is kept; beyond it the one heard longest ago goes."""


class Locator:
    """This node's coordinate and the last one heard of each member."""

    def __init__(self, context: Context) -> None:
        self._roster = context.roster
        self._statistics = context.statistics
        self._vivaldi = Vivaldi(context.rng, peers_max=PEERS_MAX)
        self._others: dict[bytes, Coordinate] = {}

    def own(self) -> bytes:
        """Return what an answer carries."""
        return self._vivaldi.coordinate.encode()

    def observe(self, sender: bytes, coordinate: bytes, rtt_s: float) -> None:
        """Learn from an answer to one of our pings."""
        if not coordinate or self._roster.find(sender) is None:
            return
        try:
            theirs = Coordinate.decode(coordinate)
        except Malformed:
            self._statistics.drop(Drop.MALFORMED)
            return
        self._others.pop(sender, None)
        if len(self._others) >= PEERS_MAX:
            self._others.pop(next(iter(self._others)))
        self._others[sender] = theirs
        self._vivaldi.observe(sender, theirs, rtt_s)

    def distance_s(self, key: bytes) -> float | None:
        """Return about how long a round trip to a member takes, seconds; None if it was never probed."""
        theirs = self._others.get(key)
        return distance_s(self._vivaldi.coordinate, theirs) if theirs is not None else None

    def forget(self, key: bytes) -> None:
        """Drop what is kept about a member that the table no longer holds."""
        self._others.pop(key, None)
        self._vivaldi.forget(key)
