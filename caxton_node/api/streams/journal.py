"""What one stream has said: events numbered from 1, of which a window around its reader is kept.

        first .......... given | given+1 .......... last
        kept behind the reader | kept ahead of it

A connection can break while events are in its buffers, so the node cannot know which of those it has sent
have come: some stay behind the reader, and it may go back to any of them. When there is no room ahead, the
source waits; nothing that was not given to the reader is ever let go. Letting go of unread events and saying
so afterwards was rejected: a source that can wait loses nothing by waiting, and one that cannot counts what
it drops by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from caxton_node.core.errors import CaxtonError, CursorExpired, InvalidArgument

MIB = 1024 * 1024


class Event(NamedTuple):
    """One event of a stream.

    Attributes:
        seq: Its number, from 1, without gaps.
        data: What it says, as it goes on the wire.
    """

    seq: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept on one side of the reader; one event is kept however large it is.

    Attributes:
        events_max: Number of events.
        size_bytes_max: Their size together.
    """

    events_max: int
    size_bytes_max: int


@dataclass(frozen=True, slots=True)
class Window:
    """How much is kept on both sides.

    Attributes:
        ahead: What was not given to the reader; more than this is left to the source.
        behind: What was given and may not have come: what fits into the buffers of a connection, at both its
            ends, which are several MiB where the kernel is generous.
    """

    ahead: Bounds = Bounds(1024, 1 * MIB)
    behind: Bounds = Bounds(32 * 1024, 8 * MIB)


class Journal:
    """The events of one stream.

    Args:
        window: How much is kept.
        share: Tells how many bytes may be kept behind the reader for now, if other streams need room too.

    Attributes:
        last: Number of the newest event; 0 before the first.
        given: Number of the last event that a reader took.
        ended: Nothing will be added.
        error: Why it ended; None if it came to its end.
    """

    def __init__(self, window: Window, share: Callable[[], int] | None = None) -> None:
        self.last = 0
        self.given = 0
        self.ended = False
        self.error: CaxtonError | None = None
        self._window = window
        self._share = share or (lambda: window.behind.size_bytes_max)
        self._kept: dict[int, bytes] = {}
        self._behind_bytes = 0
        self._ahead_bytes = 0

    @property
    def first(self) -> int:
        """Return the number of the oldest event that is kept, or of the next if none is."""
        return self.last - len(self._kept) + 1

    @property
    def size_bytes(self) -> int:
        """Return the size of everything kept."""
        return self._behind_bytes + self._ahead_bytes

    @property
    def has_room(self) -> bool:
        """Return whether the source may go on."""
        ahead = self._window.ahead
        return self.last - self.given < ahead.events_max and self._ahead_bytes < ahead.size_bytes_max

    @property
    def has_news(self) -> bool:
        """Return whether there is something that the reader has not been given: events, or the end."""
        return self.ended or self.last > self.given

    def append(self, data: bytes) -> int:
        """Add an event; ask `has_room` before. Return its number."""
        assert not self.ended, "the stream has ended"
        self.last += 1
        self._kept[self.last] = data
        self._ahead_bytes += len(data)
        return self.last

    def end(self, error: CaxtonError | None = None) -> None:
        """Add nothing more; the first end is the one that counts."""
        if not self.ended:
            self.ended, self.error = True, error

    def rewind(self, seq: int) -> None:
        """Let the reader go on after an event that it has.

        Raises:
            CursorExpired: What came next is not kept any more.
            InvalidArgument: There was no such event.
        """
        if seq > self.last:
            raise InvalidArgument(
                "the cursor is ahead of its stream",
                why=f"it names event {seq}, and there are {self.last}",
                hint="send back the cursor of the last event as it came",
            )
        if seq < self.first - 1:
            raise CursorExpired(
                "what came after the cursor is not kept any more",
                why=f"the next event would be {seq + 1}, and the oldest that is kept is {self.first}",
                hint="begin anew without a cursor, and read faster or resume sooner",
            )
        self._move(seq)

    def take(self, count_max: int) -> list[Event]:
        """Give the reader the next events, oldest first; none if it has them all."""
        upto = min(self.last, self.given + count_max)
        events = [Event(seq, self._kept[seq]) for seq in range(self.given + 1, upto + 1)]
        self._move(upto)
        self._forget()
        return events

    def _move(self, seq: int) -> None:
        """Put the reader after an event that is kept, or before the oldest."""
        step = 1 if seq > self.given else -1
        low, high = sorted((self.given, seq))
        moved_bytes = step * sum(len(self._kept[number]) for number in range(low + 1, high + 1))
        self._behind_bytes += moved_bytes
        self._ahead_bytes -= moved_bytes
        self.given = seq

    def _forget(self) -> None:
        """Let go of the oldest events behind the reader that are too much."""
        behind = self._window.behind
        size_bytes_max = min(behind.size_bytes_max, self._share())
        while self.given > self.first and (
            self.given - self.first >= behind.events_max or self._behind_bytes > size_bytes_max
        ):
            self._behind_bytes -= len(self._kept.pop(self.first))
