"""What the parts of one memberlist share, and its way onto the network."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from swim.effects import Effect, Notify, Schedule, Send
from swim.events import Event
from swim.member import Address, Identity, Member, MemberState, node_key
from tests.bench.swim_sim.memberlist import wire
from tests.bench.swim_sim.memberlist.compression import Compression
from tests.bench.swim_sim.memberlist.messages import Claim, Message, Segment, State
from tests.bench.swim_sim.memberlist.parameters import Parameters
from tests.bench.swim_sim.memberlist.queue import Broadcast, BroadcastQueue
from tests.bench.swim_sim.memberlist.table import Directory, Peer, PeerTable
from tests.bench.swim_sim.memberlist.timers import GossipTick

EARLY_S = 1e-6
"""A moment this much before an instant is that instant: sums of floats differ in their last bits."""


@dataclass(slots=True)
class World:
    """What all memberlists of one simulated world share: no protocol state, only bookkeeping."""

    parameters: Parameters
    directory: Directory = field(default_factory=Directory)
    compression: Compression = field(default_factory=Compression)


class Context:
    """Made once by the hub and handed to every part.

    Attributes:
        score: Lifeguard's local health, 0 is well.
        accusations: How often an own probe ended in a suspicion.
    """

    def __init__(
        self, identity: Identity, world: World, rng: random.Random, now: float, *, formed: bool
    ) -> None:
        self.name = identity.node_id
        self.identity = identity
        self.world = world
        self.parameters = world.parameters
        self.rng = rng
        self.now = now
        self._formed = formed
        self.table = PeerTable(world.directory, rng, formed=formed)
        self.queue = BroadcastQueue()
        self.score = 0
        self.accusations = 0
        self.gossip_phase_s = self.phase_s(self.parameters.gossip_interval_s)
        self._gossip_armed = False
        self._effects: list[Effect] = []

    def phase_s(self, interval_s: float) -> float:
        """Return the phase of a clock of this member.

        A Go ticker counts from its start, whatever memberlist's stagger does after that; members that start
        together tick together. In a cluster formed long ago phases have nothing to do with each other.
        """
        return self.rng.random() * interval_s if self._formed else self.now

    def adjust_health(self, delta: int) -> None:
        """Count a sign of good (negative) or bad health."""
        self.score = min(max(0, self.score + delta), self.parameters.health_scores - 1)

    def send(self, address: Address, message: Message) -> None:
        """Send a message, with as many waiting broadcasts as fit."""
        encoded = wire.encode(message)
        told = self.take_broadcasts(len(encoded))
        messages = [message, *(broadcast.claim for broadcast in told)]
        self.send_together(address, messages, [encoded, *(broadcast.encoded for broadcast in told)])

    def send_together(
        self, address: Address, messages: Sequence[Message], parts: Sequence[bytes], *, checksum: bool = False
    ) -> None:
        """Send these messages and nothing else in one datagram."""
        packet = wire.datagram(self.world.compression, messages, parts, checksum=checksum)
        self._effects.append(Send(address, packet))  # type: ignore[arg-type]

    def send_segment(self, address: Address, segment: Segment) -> None:
        """Send a step of a TCP connection."""
        self._effects.append(Send(address, wire.segment(segment)))  # type: ignore[arg-type]

    def take_broadcasts(self, used_bytes: int) -> list[Broadcast]:
        """Take waiting broadcasts for the rest of a packet."""
        if not self.queue:
            return []
        room_bytes = self.parameters.packet_bytes_max - used_bytes - 2 - wire.SEALED_BYTES
        return self.queue.fill(room_bytes, self.parameters.retransmit_limit(len(self.table)))

    def broadcast(self, name: str, claim: Claim) -> None:
        """Queue a claim, and see to it that gossip runs."""
        self.queue.put(name, claim, wire.encode_claim(claim))
        self.arm_gossip()

    def arm_gossip(self) -> None:
        """Schedule the next gossip tick; those at which nothing waits are left out, since nothing happens."""
        if not self._gossip_armed:
            self._gossip_armed = True
            interval_s = self.parameters.gossip_interval_s
            self.schedule(GossipTick(), self.until_tick(self.gossip_phase_s, interval_s))

    def disarm_gossip(self) -> None:
        """Note that the tick has come."""
        self._gossip_armed = False

    def until_tick(self, phase_s: float, interval_s: float) -> float:
        """Return how long it is to the next tick of a clock, a whole pause at a tick itself."""
        wait_s = interval_s - (self.now - phase_s) % interval_s
        return wait_s if wait_s > EARLY_S else wait_s + interval_s

    def schedule(self, timer: object, after_s: float) -> None:
        """Ask for a timer."""
        self._effects.append(Schedule(timer, after_s))  # type: ignore[arg-type]

    def notify(self, kind: type[Event], peer: Peer) -> None:
        """Report an event about a member."""
        member = _member(peer.node, peer.address, peer.state, peer.incarnation, peer.metadata)
        self._effects.append(Notify(kind(member)))  # type: ignore[call-arg]

    def take(self) -> list[Effect]:
        """Return the effects of this input."""
        effects, self._effects = self._effects, []
        return effects


@lru_cache(maxsize=65_536)
def _member(node: str, address: Address, state: State, incarnation: int, metadata: bytes) -> Member:
    """Return a member as our own events carry it; memberlist has no boot epoch, it is always 1."""
    return Member(node, address, MemberState(state), incarnation, 1, metadata, 0, node_key(node))
