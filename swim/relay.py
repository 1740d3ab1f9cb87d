"""Probing on behalf of another member: ping its target twice, then pass on the ack, or say that none came.

Exactly one answer goes back for each request: the ack under the requester's own sequence number, or one
nack at four fifths of the time that the requester waits. Only members are helped and only towards members,
so that nobody can aim this node at a stranger.

Source: SWIM, section 3.1; Lifeguard, section IV-A.
"""

from __future__ import annotations

from dataclasses import dataclass

from swim.codec import TARGET_BYTES
from swim.context import Context
from swim.member import Address
from swim.messages import Ack, Message, Nack, Ping, PingRequest
from swim.statistics import Drop
from swim.timers import RelayStep, Step
from swim.view import View
from swim.wire import Wire

NACK_SHARE = 0.8


@dataclass(slots=True)
class _Relay:
    requester: Address
    requested: int
    target: bytes


class Relays:
    """The probes that this node makes for others."""

    def __init__(self, context: Context, *, view: View, wire: Wire) -> None:
        self._key = context.key
        self._roster = context.roster
        self._view = view
        self._wire = wire
        self._outbox = context.outbox
        self._statistics = context.statistics
        self._relays_max = context.settings.relays_max
        self._half_s = NACK_SHARE * (context.settings.probe_interval_s - context.settings.probe_timeout_s) / 2
        self._under_way: dict[int, _Relay] = {}

    def begin(self, request: PingRequest, requester: bytes, source: Address, sequence: int) -> None:
        """Probe a member for another one, under a sequence number of our own."""
        asking, target = self._roster.find(requester), self._roster.find(request.target)
        if asking is None or not asking.is_live or target is None:
            self._statistics.drop(Drop.UNKNOWN_MEMBER)
            return
        if target.key == self._key:
            self._wire.send_bare(source, Ack(request.sequence, self._roster.digest))
            return
        if len(self._under_way) >= self._relays_max:
            self._statistics.drop(Drop.RELAYS_FULL)
            return
        self._under_way[sequence] = _Relay(source, request.sequence, request.target)
        self._ping(sequence, Step.RETRY)

    def handle_step(self, timer: RelayStep) -> None:
        """Ping a second time, or give up and say so."""
        relay = self._under_way.get(timer.sequence)
        if relay is None:
            return
        if timer.step is Step.RETRY:
            self._ping(timer.sequence, Step.INDIRECT)
        else:
            del self._under_way[timer.sequence]
            self._wire.send(relay.requester, Nack(relay.requested))

    def handle_ack(self, sequence: int, sender: bytes) -> None:
        """Pass an ack of the target on, once."""
        relay = self._under_way.get(sequence)
        if relay is not None and relay.target == sender:
            del self._under_way[sequence]
            self._wire.send(relay.requester, Ack(relay.requested, self._roster.digest))

    def _ping(self, sequence: int, following: Step) -> None:
        target = self._roster.find(self._under_way[sequence].target)
        if target is not None:
            messages: list[Message] = [Ping(sequence, target.key[:TARGET_BYTES], self._roster.digest)]
            messages += self._view.suspicions.shown(target)  # what it answers then refutes
            self._wire.send_bare(target.address, *messages)
        self._outbox.schedule(RelayStep(sequence, following), self._half_s)
