"""The failure detector: ping, then three helpers and TCP at once, then the judgement.

Source: hashicorp/memberlist, state.go: probe, probeNode; net.go: handlePing, handleIndirectPing.
"""

from __future__ import annotations

from dataclasses import dataclass

from swim.member import Address
from tests.bench.swim_sim.memberlist import wire
from tests.bench.swim_sim.memberlist.claims import Claims
from tests.bench.swim_sim.memberlist.context import EARLY_S, Context
from tests.bench.swim_sim.memberlist.messages import (
    Ack,
    IndirectPing,
    Nack,
    Ping,
    State,
    StreamAck,
    StreamPing,
    Suspect,
)
from tests.bench.swim_sim.memberlist.streams import Streams
from tests.bench.swim_sim.memberlist.table import Peer
from tests.bench.swim_sim.memberlist.timers import HelperTimeout, ProbeDeadline, ProbeTick, ProbeTimeout


@dataclass(slots=True)
class Probe:
    """The probe under way; there is one at a time."""

    sequence: int
    node: str
    address: Address
    incarnation: int
    sent_at: float
    deadline_at: float
    nacks_expected: int = 0
    nacks: int = 0
    was_reached_by_tcp: bool = False


class Prober:
    """Probes the others in turn, and for others on request."""

    def __init__(self, context: Context, claims: Claims, streams: Streams) -> None:
        self._context = context
        self._claims = claims
        self._streams = streams
        self._probe: Probe | None = None
        self._requests: dict[int, tuple[int, Address]] = {}
        self._sequence = 0
        self._tick = 0
        self._phase_s = context.phase_s(context.parameters.probe_interval_s)

    def start(self) -> None:
        """Wait for the first tick."""
        interval_s = self._context.parameters.probe_interval_s
        self._schedule_tick(self._context.until_tick(self._phase_s, interval_s))

    def handle_tick(self, timer: ProbeTick) -> None:
        """Probe the next member."""
        if timer.number != self._tick:
            return
        context = self._context
        peer = context.table.next_target(context.name, context.now, context.parameters.gossip_to_the_dead_s)
        if peer is None:
            self.start()
            return
        self._begin(peer)

    def handle_timeout(self, timer: ProbeTimeout) -> None:
        """Ask helpers, and try TCP."""
        probe = self._probe
        if probe is None or probe.sequence != timer.sequence:
            return
        context = self._context
        for helper in context.table.sample(context.parameters.indirect_checks, self._cannot_help):
            probe.nacks_expected += 1
            context.send(helper.address, IndirectPing(probe.sequence, probe.node, context.name))
        left_s = probe.deadline_at - context.now
        self._streams.open(probe.address, StreamPing(probe.sequence), left_s)
        context.schedule(ProbeDeadline(probe.sequence), left_s)

    def handle_deadline(self, timer: ProbeDeadline) -> None:
        """Judge a probe that no ack has ended."""
        probe = self._probe
        if probe is None or probe.sequence != timer.sequence:
            return
        if probe.was_reached_by_tcp:
            self._end(-1)
            return
        self._end(probe.nacks_expected - probe.nacks if probe.nacks_expected else 1)
        self._context.accusations += 1
        self._claims.handle_suspect(Suspect(probe.incarnation, probe.node, self._context.name))

    def handle_ping(self, ping: Ping, source: Address) -> None:
        """Answer."""
        if ping.node == self._context.name:
            self._context.send(source, Ack(ping.sequence))

    def handle_request(self, request: IndirectPing, source: Address) -> None:
        """Ping for somebody else."""
        target = self._context.table.find(request.node)
        if target is None:  # the request carries the address, the simulation leaves it out
            return
        self._sequence += 1
        self._requests[self._sequence] = request.sequence, source
        self._context.send(target.address, Ping(self._sequence, request.node, self._context.name))
        self._context.schedule(HelperTimeout(self._sequence), self._context.parameters.probe_timeout_s)

    def handle_helper_timeout(self, timer: HelperTimeout) -> None:
        """Tell the one who asked that there was no answer."""
        asked = self._requests.pop(timer.sequence, None)
        if asked is not None:
            self._context.send(asked[1], Nack(asked[0]))

    def handle_ack(self, ack: Ack) -> None:
        """End the probe, or pass the ack on."""
        if self._probe is not None and self._probe.sequence == ack.sequence:
            self._end(-1)
        elif (asked := self._requests.pop(ack.sequence, None)) is not None:
            self._context.send(asked[1], Ack(asked[0]))

    def handle_nack(self, nack: Nack) -> None:
        """Count a helper that works."""
        if self._probe is not None and self._probe.sequence == nack.sequence:
            self._probe.nacks += 1

    def handle_stream_ack(self, ack: StreamAck) -> None:
        """Note that TCP gets through; the probe waits for its end all the same."""
        if self._probe is not None and self._probe.sequence == ack.sequence:
            self._probe.was_reached_by_tcp = True

    def _begin(self, peer: Peer) -> None:
        context, self._sequence = self._context, self._sequence + 1
        deadline_at = context.now + context.parameters.probe_interval_s * (context.score + 1)
        self._probe = Probe(
            self._sequence, peer.node, peer.address, peer.incarnation, context.now, deadline_at
        )
        ping = Ping(self._sequence, peer.node, context.name)
        if peer.state is State.ALIVE:
            context.send(peer.address, ping)
        else:
            suspect = Suspect(peer.incarnation, peer.node, context.name)
            parts = [wire.encode(ping), wire.encode_claim(suspect)]
            context.send_together(peer.address, [ping, suspect], parts, checksum=True)
        context.schedule(ProbeTimeout(self._sequence), context.parameters.probe_timeout_s)

    def _end(self, health_delta: int) -> None:
        """Go on at the next tick, at once if one was missed while the probe lasted."""
        probe, interval_s = self._probe, self._context.parameters.probe_interval_s
        assert probe is not None, "only a probe under way can end"
        self._probe = None
        self._context.adjust_health(health_delta)
        wait_s = self._context.until_tick(self._phase_s, interval_s)
        lasted_s = self._context.now - probe.sent_at
        was_missed = lasted_s + wait_s > interval_s + EARLY_S
        self._schedule_tick(0.0 if was_missed else wait_s)

    def _schedule_tick(self, after_s: float) -> None:
        self._tick += 1
        self._context.schedule(ProbeTick(self._tick), after_s)

    def _cannot_help(self, peer: Peer) -> bool:
        assert self._probe is not None, "helpers are asked during a probe"
        return peer.state is not State.ALIVE or peer.node in (self._context.name, self._probe.node)
