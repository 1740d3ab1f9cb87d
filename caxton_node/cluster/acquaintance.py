"""What is remembered of each member beside its record: since when it is as it is, and how often it wavered.

Pure: times come in.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

ACQUAINTED_MAX = 16_384
WAVERED_MAX = 64
WAVERED_S = 3600.0


@dataclass(slots=True)
class Acquaintance:
    """One member.

    Attributes:
        since_unix_ms: Since when it is in its state.
        last_change: What happened to it last: joined, suspected, refuted, died, left.
        last_unix_ms: When that was.
        accusers: Who could not reach it when it was suspected or given up last.
    """

    since_unix_ms: int
    last_change: str
    last_unix_ms: int
    accusers: tuple[str, ...] = ()
    _wavered: deque[float] = field(default_factory=lambda: deque(maxlen=WAVERED_MAX))

    def flaps(self, now: float) -> int:
        """Return how often it was suspected within the last hour; counting ends at 64."""
        return sum(now - at <= WAVERED_S for at in self._wavered)


class Acquaintances:
    """All members that were met; whoever changed longest ago is forgotten first."""

    def __init__(self) -> None:
        self._by_node: dict[str, Acquaintance] = {}

    def find(self, node: str) -> Acquaintance | None:
        """Return what is remembered of a member."""
        return self._by_node.get(node)

    def note(self, node: str, change: str, *, accusers: tuple[str, ...], unix_ms: int, now: float) -> None:
        """Note a change of a member's state."""
        known = self._by_node.pop(node, None) or Acquaintance(unix_ms, change, unix_ms)
        known.since_unix_ms = known.last_unix_ms = unix_ms
        known.last_change = change
        known.accusers = accusers or known.accusers
        if change == "suspected":
            known._wavered.append(now)  # noqa: SLF001  this class keeps it
        if len(self._by_node) >= ACQUAINTED_MAX:
            del self._by_node[next(iter(self._by_node))]
        self._by_node[node] = known
