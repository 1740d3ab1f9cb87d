"""The membership of one node: introduces the parts to each other, hands each input to the one it concerns.

Three entrances (datagrams, timers, commands), one exit (the list of effects). Nothing is decided here.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import StrEnum

from swim.codec import METADATA_BYTES_MAX, decode_packet
from swim.context import Context
from swim.detector import Detector
from swim.effects import Effect
from swim.errors import RemoteError, TooLarge, Unopenable
from swim.events import LeaveCompleted
from swim.gossip import Gossip
from swim.healing import Healer
from swim.joining import Joiner
from swim.keyring import Keyring, Opened
from swim.member import Address, Identity, Member, MemberState, node_key
from swim.messages import (
    Ack,
    Alive,
    Buckets,
    Claim,
    Dead,
    Left,
    Listing,
    Message,
    Nack,
    Packet,
    Page,
    Ping,
    PingRequest,
    Pull,
    Refute,
    Suspect,
    Topic,
    Want,
)
from swim.own import OwnRecord
from swim.relay import Relays
from swim.rounds import Rounds
from swim.settings import Settings
from swim.statistics import Drop
from swim.sync import Reconciler
from swim.timers import (
    GossipRound,
    JoinRetry,
    KnockRound,
    LeaveEnd,
    ProbePeriod,
    ProbeStep,
    RelayStep,
    SuspicionExpiry,
    Timer,
)
from swim.topics import Topics
from swim.view import View
from swim.wire import Wire


class Phase(StrEnum):
    """How far the life of a membership has gone."""

    PRESENT = "present"
    LEAVING = "leaving"
    DEPARTED = "departed"


class Membership:
    """What one node knows about its cluster, and what it does to keep it true.

    Inputs are fed in by a shell together with the time; each returns the effects to perform, in order.
    Nothing here waits, and nothing a peer sends raises.

    Args:
        identity: Who this node is in this life.
        settings: The numbers, equal on all nodes.
        keyring: Seals and opens datagrams; owned by this membership, never shared with another one.
        rng: All chance comes from here; seed it and a run repeats itself.

    Attributes:
        statistics: Counters, to be read at any time.
    """

    def __init__(self, identity: Identity, settings: Settings, keyring: Keyring, rng: random.Random) -> None:
        _check_metadata(identity.metadata, settings)
        context = Context.make(node_key(identity.node_id), settings, rng)
        wire = Wire(context, keyring)
        rounds = Rounds(context.key, context.roster, rng)
        self.statistics = context.statistics
        self._context = context
        self._keyring = keyring
        self._wire = wire
        self._rounds = rounds
        self._own = OwnRecord(context, identity)
        self._view = View(context)
        self._relays = Relays(context, wire)
        self._detector = Detector(context, rounds=rounds, view=self._view, relays=self._relays, wire=wire)
        self._gossip = Gossip(context, rounds=rounds, wire=wire)
        self._reconciler = Reconciler(context, view=self._view, wire=wire)
        self._joiner = Joiner(context, own=self._own, wire=wire)
        self._healer = Healer(context, detector=self._detector, joiner=self._joiner)
        self._topics = Topics(context)
        self._phase = Phase.PRESENT

    # ---- what is known

    @property
    def self_member(self) -> Member:
        """Return this node's own record."""
        return self._own.member

    @property
    def health(self) -> int:
        """Return the local health score: 0 is well, `settings.health_max` is as bad as it is counted."""
        return self._context.awareness.score

    @property
    def digest(self) -> bytes:
        """Return eight bytes that are equal on two nodes exactly when they hold the same live members."""
        return self._context.roster.digest

    @property
    def has_rumours(self) -> bool:
        """Tell whether anything waits to be told to others."""
        return bool(self._context.dissemination)

    def members(self) -> list[Member]:
        """Return everybody known, this node and the remembered dead included, sorted by node id."""
        return sorted(self._context.roster, key=lambda member: member.node_id)

    def find(self, node_id: str) -> Member | None:
        """Return what is known of a node, None if it was never met or is forgotten."""
        return self._context.roster.find(node_key(node_id))

    def snapshot(self) -> list[tuple[str, Address, int]]:
        """Return node id, address and epoch of every other member worth asking after a restart.

        The dead are included, since after a partition or a power cut they may be the ones that are up;
        those that left are not. Feed the addresses to `join`.
        """
        return [
            (member.node_id, member.address, member.epoch)
            for member in self.members()
            if member.key != self._context.key and member.state is not MemberState.LEFT
        ]

    # ---- commands

    def start(self, now: float) -> list[Effect]:  # noqa: ARG002 - every input carries the time
        """Begin to probe and to answer; call once, before anything else."""
        self._detector.start()
        self._healer.start()
        return self._finish()

    def join(self, seeds: Sequence[Address], now: float) -> list[Effect]:  # noqa: ARG002 - as above
        """Ask seeds for their table until one has given it, which `JoinCompleted` reports.

        Args:
            seeds: Addresses of members; the own one is passed over, at most 64 are used.
            now: Monotonic time in seconds.
        """
        if self._phase is Phase.PRESENT:
            self._joiner.join(seeds)
        return self._finish()

    def update_metadata(self, metadata: bytes, now: float) -> list[Effect]:
        """Change what this node tells about itself.

        Raises:
            TooLarge: The caller's fault; the former metadata stays.
        """
        _check_metadata(metadata, self._context.settings)
        if self._phase is Phase.PRESENT:
            self._own.update(metadata)
            self._view.changed_at = now
        return self._finish()

    def broadcast(self, topic: str, payload: bytes, now: float) -> list[Effect]:  # noqa: ARG002 - as above
        """Spread a small payload to every other live member; each delivers it at most once.

        Raises:
            TooLarge: Topic or payload is above its bound.
            BacklogFull: `settings.topics_max` broadcasts wait that nobody was told yet; nothing was queued.
        """
        if self._phase is Phase.PRESENT:
            self._topics.broadcast(self._own.member, topic, payload)
        return self._finish()

    def leave(self, now: float) -> list[Effect]:  # noqa: ARG002 - as above
        """Say goodbye, so that nobody takes the silence for a failure; `LeaveCompleted` tells the end."""
        if self._phase is not Phase.PRESENT:
            return []
        self._phase = Phase.LEAVING
        goodbye = self._own.leave()
        listeners = self._rounds.sample(self._context.settings.leave_fanout)
        for member in listeners:
            self._wire.send(member.address, goodbye)
        self._context.outbox.schedule(LeaveEnd(), self._context.settings.leave_linger_s if listeners else 0.0)
        return self._finish()

    # ---- inputs

    def handle_datagram(self, data: bytes, source: Address, now: float) -> list[Effect]:
        """Take in one datagram, whatever it is; what cannot be used is counted in `statistics.dropped`."""
        self.statistics.datagrams_in += 1
        self.statistics.bytes_in += len(data)
        try:
            opened = self._open(data)
            packet = decode_packet(opened.plaintext)
        except RemoteError as err:
            self.statistics.drop(err.reason)
            return []
        self._handle_packet(opened, packet, source, now)
        return self._finish()

    def handle_timer(self, timer: Timer, now: float) -> list[Effect]:
        """Take in a timer that is due; a stale one does nothing."""
        if self._phase is Phase.DEPARTED:
            return []
        match timer:
            case ProbePeriod():
                if self._phase is Phase.PRESENT:
                    self._detector.handle_period(timer, now)
            case ProbeStep():
                self._detector.handle_step(timer)
            case RelayStep():
                self._relays.handle_step(timer)
            case SuspicionExpiry():
                suspect = self._view.handle_expiry(timer, now)
                if suspect is not None:
                    self._detector.warn(suspect)
            case GossipRound():
                self._gossip.handle_round(timer)
            case JoinRetry():
                self._joiner.handle_retry(timer)
            case KnockRound():
                self._healer.handle_round(now)
            case LeaveEnd():
                self._phase = Phase.DEPARTED
                self._context.outbox.notify(LeaveCompleted())
        return self._finish()

    # ---- inside

    def _open(self, data: bytes) -> Opened:
        if self._phase is Phase.DEPARTED:
            raise Unopenable(Drop.DEPARTED)
        if len(data) > self._context.settings.udp_bytes_max:
            raise Unopenable(Drop.OVERSIZE)
        opened = self._keyring.open(data)
        if opened.sender == self._context.key:
            raise Unopenable(Drop.OWN)
        return opened

    def _handle_packet(self, opened: Opened, packet: Packet, source: Address, now: float) -> None:
        sender = self._context.roster.find(opened.sender)
        if opened.is_stale or (sender is not None and opened.epoch < sender.epoch):
            self._refuse_stale(opened, sender, source, now)
            return
        self._detector.hear(opened.sender)
        replies: list[Message | None] = []
        for message in packet.messages:
            if isinstance(message, Alive | Refute | Suspect | Dead | Left):
                replies.append(self._handle_claim(message, now))
            else:
                self._handle_talk(message, opened.sender, source, now)
        replies.append(self._greet(opened, packet.incarnation, now))
        self._wire.send_all(source, filter(None, replies), 1)

    def _refuse_stale(self, opened: Opened, sender: Member | None, source: Address, now: float) -> None:
        """Use nothing of an earlier life, but tell whoever lost count of its epochs."""
        self.statistics.drop(Drop.STALE_EPOCH)
        known = self._view.correct(sender, MemberState.ALIVE, opened.epoch, now) if sender else None
        if known is not None:
            self._wire.send(source, known)

    def _handle_claim(self, claim: Claim, now: float) -> Message | None:
        key = node_key(claim.node_id) if isinstance(claim, Alive) else claim.key
        return self._own.defend(claim, now) if key == self._context.key else self._view.admit(claim, now)

    def _handle_talk(self, message: Message, sender: bytes, source: Address, now: float) -> None:
        match message:
            case Ping():
                self._detector.handle_ping(message, source)
                self._reconciler.compare(message.digest, source, now)
            case Ack():
                self._detector.handle_ack(message, sender)
                self._reconciler.compare(message.digest, source, now)
            case PingRequest():
                self._detector.handle_request(message, sender, source)
            case Nack():
                self._detector.handle_nack(message, sender)
            case Topic():
                if message.origin != self._context.key:
                    self._topics.handle_topic(message)
            case Pull():
                self._reconciler.handle_pull(message, source)
            case Page():
                self._joiner.handle_page(message, source)
            case Buckets():
                self._reconciler.handle_buckets(message, source)
            case Listing():
                self._reconciler.handle_listing(message, source)
            case Want():
                self._reconciler.handle_want(message, source)

    def _greet(self, opened: Opened, incarnation: int, now: float) -> Message | None:
        """Learn from the mere fact that somebody spoke; return what it should hear."""
        sender = self._context.roster.find(opened.sender)
        if sender is None or opened.epoch > sender.epoch:
            return self._view.ask_for(opened.sender, now)
        if sender.state is MemberState.LEFT:
            return None
        if incarnation > sender.incarnation:
            return self._view.admit(Refute(opened.sender, opened.epoch, incarnation), now)
        if sender.state is MemberState.SUSPECT:
            return self._view.remind(sender, now)
        return self._view.correct(sender, MemberState.ALIVE, opened.epoch, now)

    def _finish(self) -> list[Effect]:
        if self._phase is not Phase.DEPARTED:
            self._gossip.arm()
        return self._context.outbox.take()


def _check_metadata(metadata: bytes, settings: Settings) -> None:
    bound = min(settings.metadata_bytes_max, METADATA_BYTES_MAX)
    if len(metadata) > bound:
        raise TooLarge(f"{len(metadata)} bytes; metadata has at most {bound}")
