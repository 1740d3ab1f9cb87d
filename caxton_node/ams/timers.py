"""Timers of agents: which are set, and which are due. Pure.

Instants are monotonic. A timer that rings again and again does so at its beginning plus a whole number of
intervals; those that were missed, because the node was down or busy, are one. A heap has what is next; a
timer that was cancelled or set anew stays in it until its turn, and is known by its number to be stale.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from caxton_node.fipa import Envelope
from caxton_node.messaging.platform_acts import Refused

EACH_MAX = 64
TOTAL_MAX = 100_000


@dataclass(slots=True)
class Timer:
    """One timer.

    Attributes:
        agent: `tenant/name` of whom to tell.
        id: The agent's name for it.
        due_at: When, monotonic seconds.
        every_s: How often from then on; 0: it rings once.
        durable: Whether it is on the disk too.
        request: The message that set it, without its content: what is told answers it.
        count: How often it has rung.
        number: Tells it from others of the same id.
        rings: Whether a ring of it waits to be told.
    """

    agent: str
    id: str
    due_at: float
    every_s: float
    durable: bool
    request: Envelope
    count: int = 0
    number: int = 0
    rings: bool = False


@dataclass(slots=True)
class Timers:
    """The timers of a node.

    Attributes:
        each_max: How many one agent may have.
        total_max: How many there may be.
    """

    each_max: int = EACH_MAX
    total_max: int = TOTAL_MAX
    _by_agent: dict[str, dict[str, Timer]] = field(default_factory=dict)
    _heap: list[tuple[float, int, Timer]] = field(default_factory=list)
    _number: int = 0
    _count: int = 0

    def __len__(self) -> int:
        return self._count

    def of(self, agent: str) -> list[Timer]:
        """Return the timers of an agent, the one that is due first before the others."""
        return sorted(self._by_agent.get(agent, {}).values(), key=lambda timer: (timer.due_at, timer.id))

    def check_room(self, agent: str, timer_id: str) -> None:
        """Refuse a timer for which there is no room; one that is set anew needs none.

        Raises:
            Refused: There are too many.
        """
        mine = self._by_agent.get(agent, {})
        if timer_id in mine:
            return
        if len(mine) >= self.each_max:
            raise Refused("too-many", f"{agent} has {self.each_max} timers; cancel one first")
        if self._count >= self.total_max:
            raise Refused("too-many", f"there are {self.total_max:,} timers on this node")

    def set(self, timer: Timer) -> None:
        """Set a timer, in place of one of the same agent and id."""
        mine = self._by_agent.setdefault(timer.agent, {})
        self._count += timer.id not in mine
        mine[timer.id] = timer
        self._push(timer)

    def find(self, agent: str, timer_id: str) -> Timer | None:
        """Return a timer, None if it is not set."""
        return self._by_agent.get(agent, {}).get(timer_id)

    def cancel(self, agent: str, timer_id: str) -> Timer | None:
        """Forget a timer and return it, None if it was not set."""
        mine = self._by_agent.get(agent, {})
        timer = mine.pop(timer_id, None)
        if timer is not None:
            timer.number = 0  # whatever the heap has of it is stale
            self._count -= 1
            self._sweep()
        if not mine:
            self._by_agent.pop(agent, None)
        return timer

    def next_due(self) -> float | None:
        """Return when the next timer is due, None if none is set."""
        while self._heap and self._is_stale(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float, most: int) -> list[Timer]:
        """Return timers that are due, the earliest first, at most so many; they are set on or forgotten."""
        due: list[Timer] = []
        while len(due) < most and (first := self.next_due()) is not None and first <= now:
            timer = heapq.heappop(self._heap)[2]
            timer.count += 1
            due.append(timer)
            if timer.every_s:
                missed = int((now - timer.due_at) / timer.every_s)
                timer.due_at += (missed + 1) * timer.every_s
                self._push(timer)
            else:
                self.cancel(timer.agent, timer.id)
        return due

    def _push(self, timer: Timer) -> None:
        self._number += 1
        timer.number = self._number
        heapq.heappush(self._heap, (timer.due_at, timer.number, timer))
        self._sweep()

    def _is_stale(self, item: tuple[float, int, Timer]) -> bool:
        _, number, timer = item
        return timer.number != number or self.find(timer.agent, timer.id) is not timer

    def _sweep(self) -> None:
        """Keep the heap from filling with what was cancelled or set anew, over and over."""
        if len(self._heap) > 2 * self._count + 64:
            self._heap = [item for item in self._heap if not self._is_stale(item)]
            heapq.heapify(self._heap)

    def __iter__(self) -> Iterator[Timer]:
        """Go through all timers, in no order."""
        return iter([timer for mine in self._by_agent.values() for timer in mine.values()])
