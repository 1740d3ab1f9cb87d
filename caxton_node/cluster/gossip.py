"""The pump round the membership core: three entrances, one perform, one armed timer.

An `if` about SWIM in this file belongs in `swim`.

After a stall (the process was stopped, the machine slept, something blocked the loop) answers wait in the
socket that are older than the timers that are due: whoever fired those first would take live members for
silent ones. So a timer that comes late waits until the loop has read what was there.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable, Sequence
from itertools import count

from caxton_node.core.clock import Clock
from caxton_node.observability.logs import get_logger
from swim import Address, Membership
from swim.effects import Effect, Notify, PingLink, Schedule, Send
from swim.timers import Timer

STALL_S = 0.1
"""A timer that fires so late is a stall: half a probe interval of the quickest profile."""
IDLE_TURNS = 3
"""Turns of the loop without a datagram after which none waits; uvloop reads sockets after timers."""
DRAIN_TURNS_MAX = 10_000
_TIE = count()

_log = get_logger("cluster")


class Gossip:
    """Feeds datagrams, timers and commands to the core and does what it asks for.

    Args:
        core: The membership state machine; nobody else may call its `handle_*`.
        send: Sends one datagram, best effort.
        notify: Receives every event of the core, in order.
        clock: Where `now` comes from.
        ping_link: Asks a member over a link that is up; the answer comes back by `handle_link_answer`.

    Attributes:
        stalls: How often timers waited because the process had stalled.
    """

    def __init__(
        self,
        core: Membership,
        send: Callable[[bytes, Address], None],
        notify: Callable[[object], None],
        clock: Clock,
        *,
        ping_link: Callable[[str, int], None] | None = None,
    ) -> None:
        self.stalls = 0
        self._core = core
        self._send = send
        self._notify = notify
        self._clock = clock
        self._ping_link = ping_link
        self._received = 0
        self._timers: list[tuple[float, int, Timer]] = []
        self._armed: asyncio.Handle | None = None
        self._armed_at = 0.0
        self._open = False

    def start(self, seeds: Sequence[Address] = ()) -> None:
        """Begin to probe, and introduce this node to the seeds."""
        self._open = True
        now = self._clock.now()
        self.perform(self._core.start(now))
        if seeds:
            self.perform(self._core.join(seeds, now))

    def close(self) -> None:
        """Stop; timers that are still due are forgotten."""
        self._open = False
        self._timers.clear()
        if self._armed is not None:
            self._armed.cancel()

    def receive(self, datagram: bytes, source: Address) -> None:
        """Take one datagram from the wire."""
        self._received += 1
        if self._open:
            self.perform(self._core.handle_datagram(datagram, source, self._clock.now()))

    def handle_link_answer(self, node_id: str, sequence: int) -> None:
        """Take in that a member has answered over its link."""
        if self._open:
            self.perform(self._core.handle_link_answer(node_id, sequence, self._clock.now()))

    def perform(self, effects: list[Effect]) -> None:
        """Do what the core returned, in its order."""
        now = self._clock.now()
        for effect in effects:
            match effect:
                case Send(address, datagram):
                    self._send(datagram, address)
                case Schedule(timer, after_s):
                    heapq.heappush(self._timers, (now + after_s, next(_TIE), timer))
                case Notify(event):
                    self._tell(event)
                case PingLink(node_id, sequence):
                    if self._ping_link is not None:
                        self._ping_link(node_id, sequence)
        self._arm()

    def _tell(self, event: object) -> None:
        try:
            self._notify(event)
        except Exception:  # noqa: BLE001 - a listener's bug must not cost the timers that come after it
            _log.exception("a listener of membership failed", news=type(event).__name__)

    def _arm(self) -> None:
        if not self._open or not self._timers:
            return
        loop = asyncio.get_running_loop()
        due_at = loop.time() + max(0.0, self._timers[0][0] - self._clock.now())
        if self._armed is not None:
            if self._armed_at <= due_at:
                return
            self._armed.cancel()
        # The instant is kept here: for one that has come uvloop returns a handle that cannot tell its own.
        self._armed, self._armed_at = loop.call_at(due_at, self._fire), due_at

    def _fire(self) -> None:
        if self._timers and self._clock.now() - self._timers[0][0] > STALL_S:
            self.stalls += 1
            self._drain(self._received, IDLE_TURNS, DRAIN_TURNS_MAX)
        else:
            self._fire_due()

    def _drain(self, received: int, idle_left: int, turns_left: int) -> None:
        """Let the loop turn until it has read what waited; until then its next turn is what is armed."""
        if received != self._received:
            received, idle_left = self._received, IDLE_TURNS
        if not idle_left or not turns_left:
            self._fire_due()
            return
        loop = asyncio.get_running_loop()
        # Earlier than any timer can be due, so that nothing re-arms before the end.
        self._armed_at = -math.inf
        self._armed = loop.call_soon(self._drain, received, idle_left - 1, turns_left - 1)

    def _fire_due(self) -> None:
        self._armed = None
        now = self._clock.now()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            self.perform(self._core.handle_timer(timer, now))
        self._arm()
