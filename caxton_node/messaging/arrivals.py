"""Which messages wait in a mailbox and which its agent has in hands: runs of numbers, not messages.

The messages of one turn of an agent carry numbers that follow each other (`stamps.py`), so a run of them is
remembered as one entry. From the entries come waiting times, receipts ("queued", "handled by version 2") and
what is special about a single message: when it expires, whether it is traced, whether it must be handled
alone. A receipt so costs an entry per run; the rejected alternative, a record per message, costs more than
routing it.

Not safe by itself: the mailbox calls it under its lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from time import time_ns

from msgspec import Struct

from caxton_node.messaging.latency import Latency
from caxton_node.messaging.origin import Origin
from caxton_node.messaging.tags import Tag


class Arrival(Struct, gc=False):
    """A run of messages that were put together.

    Attributes:
        count: How many.
        at_ns: When, monotonic.
        first: Number of the first one, the others follow; 0 when they are not known.
        tag: What is special about the one message of this run, or None.
        size: Bytes of their frames; counted only for what a peer has sent.
        origin: The peer that has sent them, None for everyone else.
    """

    count: int
    at_ns: int
    first: int
    tag: Tag | None
    size: int = 0
    origin: Origin | None = None


class Arrivals:
    """The runs of one mailbox, oldest first.

    Attributes:
        lone: Waiting messages that must be handled alone.
        expires_ms: Before this, unix milliseconds, no waiting message expires; 0: none ever does.
        far_bytes: Bytes of what peers have sent, waiting or in hand.
    """

    __slots__ = ("_in_hand", "_waiting", "expires_ms", "far_bytes", "lone")

    def __init__(self) -> None:
        self._waiting: deque[Arrival] = deque()
        self._in_hand: list[Arrival] = []
        self.lone = self.expires_ms = self.far_bytes = 0

    def add(self, count: int, at_ns: int, first: int, tag: Tag | None) -> None:
        """Note a run that was put."""
        self._waiting.append(Arrival(count, at_ns, first, tag))
        if tag is not None:
            self._heed(tag)

    def add_far(self, arrival: Arrival) -> None:
        """Note a run that a peer has sent, which owes us for it from now on."""
        self._waiting.append(arrival)
        if arrival.tag is not None:
            self._heed(arrival.tag)
        assert arrival.origin is not None, "a peer has sent it"
        arrival.origin.owe(arrival.size)
        self.far_bytes += arrival.size

    def take(self, count: int, now_ns: int, latency: Latency) -> None:
        """Move the oldest messages into the agent's hands, counting how long they have waited."""
        waiting, in_hand = self._waiting, self._in_hand
        while count and waiting:
            arrival = waiting[0]
            if arrival.count > count:
                arrival, waiting[0] = _cut(arrival, count)
            else:
                waiting.popleft()
                if arrival.tag is not None:
                    self._hand_over(arrival.tag)
            count -= arrival.count
            latency.observe(now_ns - arrival.at_ns, arrival.count)
            in_hand.append(arrival)

    def _hand_over(self, tag: Tag) -> None:
        """Note that a message with something special about it is in its agent's hands."""
        self.lone -= tag.lone
        if tag.span is not None:
            tag.span.taken_us = time_ns() // 1000

    def settle_all(self) -> Sequence[Arrival]:
        """Remove and return all runs in hand: they have been handled."""
        done, self._in_hand = self._in_hand, []
        if self.far_bytes:
            self._repay(done)
        return done

    def settle(self, handled: int, poisoned: int) -> Sequence[Arrival]:
        """Remove what has been handled, and the message behind it if it was the fault; return the handled."""
        done, rest = _split(self._in_hand, handled)
        fault, self._in_hand = _split(rest, poisoned)
        self._repay([*done, *fault])
        return done

    def put_back(self, count: int) -> int:
        """Let the latest messages in hand wait again; return how many there were of them."""
        known = sum(arrival.count for arrival in self._in_hand)
        keep, back = _split(self._in_hand, max(known - count, 0))
        self._in_hand = keep
        self._waiting.extendleft(reversed(back))
        for arrival in back:
            if arrival.tag is not None:
                self._heed(arrival.tag)
        return min(known, count)

    def add_first(self, count: int, at_ns: int) -> None:
        """Note messages of unknown numbers at the head."""
        self._waiting.appendleft(Arrival(count, at_ns, 0, None))

    def clear(self) -> None:
        """Forget what waits; what is in hand stays, but peers get their credit for it.

        A worker that lost its agent may have nobody to give it back to, and would never settle it.
        """
        self._repay([*self._in_hand, *self._waiting])
        for arrival in self._in_hand:
            arrival.origin, arrival.size = None, 0
        self._waiting.clear()
        self.lone = self.expires_ms = 0

    def room(self, count_max: int) -> int:
        """Return how many messages the next turn may have, so that one that must be alone is alone."""
        count = 0
        for arrival in self._waiting:
            if arrival.tag is not None and arrival.tag.lone:
                return max(count, 1)
            count += arrival.count
            if count >= count_max:
                break
        return count_max

    def take_expired(self, now_ms: int) -> list[int]:
        """Remove the runs of messages that have expired; return their places among those that waited."""
        if not 0 < self.expires_ms <= now_ms:
            return []
        places: list[int] = []
        place, waiting = 0, self._waiting
        self._waiting, self.lone, self.expires_ms = deque(), 0, 0
        for arrival in waiting:
            tag = arrival.tag
            if tag is not None and 0 < tag.expires_ms <= now_ms:
                places.append(place)
                self._repay([arrival])
            else:
                self._waiting.append(arrival)
                if tag is not None:
                    self._heed(tag)
            place += arrival.count
        return places

    def _heed(self, tag: Tag) -> None:
        """Note what is special about a message that waits from now on."""
        self.lone += tag.lone
        if tag.expires_ms and (not self.expires_ms or tag.expires_ms < self.expires_ms):
            self.expires_ms = tag.expires_ms

    def _repay(self, runs: Iterable[Arrival]) -> None:
        """Give peers their credit back for what is kept no longer."""
        for arrival in runs:
            if arrival.origin is not None:
                self.far_bytes -= arrival.size
                arrival.origin.repay(arrival.size)

    def head_in_hand(self) -> Arrival | None:
        """Return the first run that the agent has in hands, None if it has none."""
        return self._in_hand[0] if self._in_hand else None

    def waiting(self) -> Iterator[Arrival]:
        """Go through the runs that wait or are in hand, oldest first."""
        yield from self._in_hand
        yield from self._waiting


def _cut(arrival: Arrival, count: int) -> tuple[Arrival, Arrival]:
    """Cut a run behind so many messages; a tagged one has one message and is never cut."""
    at_ns, first, origin = arrival.at_ns, arrival.first, arrival.origin
    behind = first + count if first else 0
    size = arrival.size * count // arrival.count  # about: exact is only what both come to
    head = Arrival(count, at_ns, first, None, size, origin)
    return head, Arrival(arrival.count - count, at_ns, behind, None, arrival.size - size, origin)


def _split(arrivals: list[Arrival], count: int) -> tuple[list[Arrival], list[Arrival]]:
    """Cut a list of runs behind so many messages."""
    for place, arrival in enumerate(arrivals):
        if count < arrival.count:
            if not count:
                return arrivals[:place], arrivals[place:]
            head, tail = _cut(arrival, count)
            return [*arrivals[:place], head], [tail, *arrivals[place + 1 :]]
        count -= arrival.count
    return arrivals, []
