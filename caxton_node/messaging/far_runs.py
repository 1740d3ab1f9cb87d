"""What one turn of an agent sends to other nodes, gathered lane by lane.

Order holds within a lane alone, so the messages of a turn are sorted by lane and each lane gets them in one
piece. Each lane has numbers of its own (`FAR_BLOCKS` blocks behind those of the turn): on the other node the
messages of a run then follow each other in number too, and are kept there as one run.
"""

from __future__ import annotations

from collections.abc import Callable

from caxton_node.messaging.destinations import LANES, RemoteLane, RemoteWay

FAR_BLOCKS = LANES
"""How many times as many numbers a turn takes as it has messages, beside its own."""


class _Run:
    """Messages for one lane; `way` is the receiver of the latest, from number `first` on."""

    __slots__ = ("count", "first", "frames", "way")

    def __init__(self, way: RemoteWay, first: int) -> None:
        self.frames: list[bytes] = []
        self.way = way
        self.first = first
        self.count = 0


class FarRuns:
    """The far messages of one turn.

    Args:
        note: Notes a run of numbers that goes to one receiver: first, count, receiver, node.
    """

    __slots__ = ("_note", "_runs")

    def __init__(self, note: Callable[[int, int, str, str], None]) -> None:
        self._note = note
        self._runs: dict[RemoteLane, _Run] = {}

    def add(self, way: RemoteWay, lane: int, number: int, frame: bytes) -> None:
        """Add a message."""
        key = way.lanes[lane]
        run = self._runs.get(key)
        if run is None:
            run = self._runs[key] = _Run(way, number)
        elif run.way is not way or run.first + run.count != number:
            self._note(run.first, run.count, run.way.address, run.way.node)
            run.way, run.first, run.count = way, number, 0
        run.count += 1
        run.frames.append(frame)

    def take(self) -> list[tuple[RemoteLane, list[bytes]]]:
        """Remove and return what was gathered, for each lane in order."""
        runs, self._runs = self._runs, {}
        for run in runs.values():
            self._note(run.first, run.count, run.way.address, run.way.node)
        return [(lane, run.frames) for lane, run in runs.items()]
