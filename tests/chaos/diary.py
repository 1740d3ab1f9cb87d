"""What every node saw happen to every member, and the questions that the scenarios ask of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

ALIVE = "alive"
FAILED = "failed"
DIED = "died"
SUSPECTED = "suspected"
_GONE = {DIED: FAILED, "left": "left"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of `caxton cluster watch`.

    Attributes:
        observer: Node that told it.
        subject: Member that it is about.
        change: present, joined, updated, suspected, refuted, died, left.
        state: How the observer sees the member from then on.
        at_s: When, seconds since 1970, by the clock that all nodes here share.
    """

    observer: str
    subject: str
    change: str
    state: str
    at_s: float

    @classmethod
    def of(cls, observer: str, event: Mapping[str, Any]) -> Self:
        """Read an event as the command line prints it."""
        member, change = event["member"], event["change"]
        # A death that a restart revealed is told after the new life has begun: the word says what happened.
        state = _GONE.get(change, member["state"])
        return cls(observer, member["node_id"], change, state, event["at_unix_ms"] / 1000)

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.at_s, UTC).strftime("%H:%M:%S.%f")[:-3]
        return f"{at} {self.observer}: {self.subject} {self.change}"


@dataclass(slots=True)
class Diary:
    """Every event of every node, in the order in which it came here.

    Attributes:
        entries: What was seen; only added to.
    """

    entries: list[Entry] = field(default_factory=list)

    def find(self, change: str, *, since_s: float, before_s: float = float("inf")) -> list[Entry]:
        """List what happened of one kind in a span of time, the earliest first."""
        found = [one for one in list(self.entries) if one.change == change and since_s <= one.at_s < before_s]
        return sorted(found, key=lambda one: one.at_s)

    def view(self, observer: str) -> dict[str, str]:
        """Return the state of each member as a node sees it now."""
        return {one.subject: one.state for one in list(self.entries) if one.observer == observer}

    def agree(self, observers: Collection[str], members: Collection[str], state: str) -> bool:
        """Tell whether all of these nodes see all of these members so now; others do not matter."""
        views = [self.view(observer) for observer in observers]
        return all(view.get(member) == state for view in views for member in members)

    def agreed_at(
        self, observers: Collection[str], members: Collection[str], state: str, *, since_s: float
    ) -> float | None:
        """Return the first moment, not before `since_s`, at which these nodes see these members so.

        Each node is taken to see itself as it said first. None if the moment has not come.
        """
        seen: dict[str, dict[str, str]] = defaultdict(dict)
        wanted = [(observer, member) for observer in observers for member in members]
        at_s = since_s
        for one in sorted(self.entries, key=lambda one: one.at_s):
            if one.at_s > since_s and _all_so(seen, wanted, state):
                return at_s
            seen[one.observer][one.subject] = one.state
            at_s = max(since_s, one.at_s)
        return at_s if _all_so(seen, wanted, state) else None


def _all_so(seen: Mapping[str, Mapping[str, str]], wanted: list[tuple[str, str]], state: str) -> bool:
    return all(seen[observer].get(member) == state for observer, member in wanted)
