"""How many calls are under way at once: of one client, and of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from caxton_node.core.errors import ResourceLimit
from caxton_node.resilience.settings import Settings
from caxton_node.resilience.visitor import LOCAL, Visitor

LOCAL_CALLS_MAX = 1_024
"""Calls and streams of the local socket, each: as many as gRPC has on one connection."""

_ROOM = {
    "calls": "that many calls of one client may be answered at once",
    "streams": "that many streams may one client follow at once",
    "node": "no more are answered at once",
}


class Visit:
    """A call that was let in, until it leaves."""

    __slots__ = ("_leave", "_visitor")

    def __init__(self, visitor: Visitor | None, leave: Callable[[Visitor], None] | None) -> None:
        self._visitor = visitor
        self._leave = leave

    def leave(self) -> None:
        """Make room for another; repeating it changes nothing."""
        visitor, self._visitor = self._visitor, None
        if visitor is not None and self._leave is not None:
            self._leave(visitor)


NOBODY = Visit(None, None)
"""Stands for a call that was not let in."""


class Occupancy:
    """Counts calls under way; what it keeps is bounded by their number.

    Args:
        settings: How many there may be.

    Attributes:
        refused: Refusals by reason: calls, streams, node.
    """

    def __init__(self, settings: Settings) -> None:
        self.refused: Counter[str] = Counter()
        self._calls: dict[str, int] = {}
        self._streams: dict[str, int] = {}
        self._calls_max = settings.calls_max
        self._of_calls = self._calls, self._leave_call, settings.client_calls_max
        self._of_streams = self._streams, self._leave_stream, settings.client_streams_max
        self._all = 0

    @property
    def total(self) -> int:
        """Return the calls and streams under way, those of the local socket not counted."""
        return self._all

    def enter(self, visitor: Visitor, *, streams: bool) -> Visit:
        """Count one more.

        Raises:
            ResourceLimit: There is no room for it.
        """
        counts, leave, most = self._of_streams if streams else self._of_calls
        name, standing = visitor
        now = counts.get(name, 0)
        if standing == LOCAL:
            most = LOCAL_CALLS_MAX
        elif self._all >= self._calls_max:
            raise self._refusal("node", f"this node has {self._all} calls under way")
        if now >= most:
            raise self._refusal("streams" if streams else "calls", f"{name} has {now} under way already")
        counts[name] = now + 1
        if standing != LOCAL:
            self._all += 1
        return Visit(visitor, leave)

    def _leave_call(self, visitor: Visitor) -> None:
        self._leave(visitor, self._calls)

    def _leave_stream(self, visitor: Visitor) -> None:
        self._leave(visitor, self._streams)

    def _leave(self, visitor: Visitor, counts: dict[str, int]) -> None:
        name, standing = visitor
        left = counts[name] - 1
        if left:
            counts[name] = left
        else:
            del counts[name]
        if standing != LOCAL:
            self._all -= 1

    def _refusal(self, reason: str, what: str) -> ResourceLimit:
        self.refused[reason] += 1
        return ResourceLimit(f"{what}: {_ROOM[reason]}", hint="end some of them, or ask another node")
