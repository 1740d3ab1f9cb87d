"""The membership of one node: introduces the parts to each other, hands each input to the one it concerns.

Three entrances (datagrams, timers, commands), one exit (the list of effects). Nothing is decided here.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import StrEnum

from swim.base import Base
from swim.clockwork import Clockwork
from swim.codec import decode_packet
from swim.effects import Effect
from swim.errors import RemoteError, TooLarge, Unopenable
from swim.events import LeaveCompleted
from swim.keyring import Keyring, Opened
from swim.member import Address, Identity, Member, MemberState, node_key
from swim.parts import Parts
from swim.reception import Reception
from swim.settings import Settings
from swim.statistics import Drop
from swim.timers import ContentRetry, GossipRound, LeaveEnd, RelayStep, Timer

TOLD_WHILE_LEAVING = (GossipRound, RelayStep, ContentRetry)
"""Timers that a leaver still takes: it tells and answers, and looks after nobody."""


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
        self._parts = Parts.make(identity, settings, keyring, rng)
        self._reception = Reception(self._parts)
        self._clockwork = Clockwork(self._parts)
        self._keyring = keyring
        self._context = self._parts.context
        self.statistics = self._context.statistics
        self._phase = Phase.PRESENT

    # ---- what is known

    @property
    def self_member(self) -> Member:
        """Return this node's own record."""
        return self._parts.own.member

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

    @property
    def loss(self) -> float:
        """Return the share of first pings that go unanswered although their target lives, 0 to 1."""
        return self._parts.detector.path.unanswered

    @property
    def protocol_version(self) -> int:
        """Return the newest version of the protocol that every live member speaks."""
        others = (member.versions[1] for member in self._context.roster if member.is_live)
        return min(others, default=self.self_member.versions[1])

    def distance_s(self, node_id: str) -> float | None:
        """Return about how long a round trip to a member takes, seconds; None if it was never probed."""
        return self._parts.locator.distance_s(node_key(node_id))

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

    def adopt(self, base: Base) -> None:
        """Know everybody in `base` without having met them: for a simulation that begins in agreement.

        Call it before `start`; the members of `base` are reported by no event.
        """
        self._context.roster.adopt(base)

    def start(self, now: float) -> list[Effect]:  # noqa: ARG002 - every input carries the time
        """Begin to probe and to answer; call once, before anything else."""
        self._parts.detector.start()
        self._parts.healer.start()
        return self._finish()

    def join(self, seeds: Sequence[Address], now: float) -> list[Effect]:  # noqa: ARG002 - as above
        """Ask seeds for their table until one has given it, which `JoinCompleted` reports.

        Args:
            seeds: Addresses of members; the own one is passed over, at most 64 are used.
            now: Monotonic time in seconds.
        """
        if self._phase is Phase.PRESENT:
            self._parts.joiner.join(seeds)
        return self._finish()

    def update_metadata(self, metadata: bytes, now: float) -> list[Effect]:
        """Change what this node tells about itself.

        Args:
            metadata: Up to `settings.content_bytes_max`; what is above `settings.metadata_bytes_max` is not
                gossiped but fetched by each member.
            now: Monotonic time in seconds.

        Raises:
            TooLarge: The caller's fault; the former metadata stays.
        """
        _check_metadata(metadata, self._context.settings)
        if self._phase is Phase.PRESENT:
            self._parts.own.update(metadata, self._parts.contents.refer(metadata))
            self._parts.view.changed_at = now
        return self._finish()

    def broadcast(self, topic: str, payload: bytes, now: float) -> list[Effect]:  # noqa: ARG002 - as above
        """Spread a small payload to every other live member; each delivers it at most once.

        Raises:
            TooLarge: Topic or payload is above its bound.
            BacklogFull: `settings.topics_max` broadcasts wait that nobody was told yet; nothing was queued.
        """
        if self._phase is Phase.PRESENT:
            self._parts.topics.broadcast(self._parts.own.member, topic, payload)
        return self._finish()

    def ping(self, node_id: str, now: float) -> list[Effect]:
        """Ping a member because somebody asked for it; `PingAnswered` tells the round trip, if any.

        A node that is not in the table is not pinged.
        """
        member = self.find(node_id)
        if self._phase is Phase.PRESENT and member is not None and member.key != self._context.key:
            self._parts.detector.ping(member, now)
        return self._finish()

    def give_up(self, node_id: str, now: float) -> list[Effect]:
        """Hold a dead member for one that has left, and tell everybody: it is not waited for any more.

        Nothing happens to a member that is live or unknown, nor to one that is held dead only because this
        node could hear nobody: the others know better. Should it come back, it is a member at once.
        """
        member = self.find(node_id)
        if self._phase is Phase.PRESENT and member is not None and self._parts.view.may_dismiss(member):
            self._parts.healer.give_up(member.key)
            self._parts.view.dismiss(member, now)
        return self._finish()

    def leave(self, now: float) -> list[Effect]:  # noqa: ARG002 - as above
        """Say goodbye, so that nobody takes the silence for a failure; `LeaveCompleted` tells the end."""
        if self._phase is not Phase.PRESENT:
            return []
        self._phase = Phase.LEAVING
        goodbye = self._parts.own.leave()
        listeners = self._parts.rounds.sample(self._context.settings.leave_fanout)
        for member in listeners:
            self._parts.wire.send_bare(member.address, goodbye)
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
        self._reception.handle(opened, packet, source, now)
        return self._finish()

    def handle_link_answer(self, node_id: str, sequence: int, now: float) -> list[Effect]:  # noqa: ARG002
        """Take in that a member answered a `PingLink` over its link, with the number that it had."""
        self._parts.detector.handle_link_answer(node_key(node_id), sequence)
        return self._finish()

    def handle_timer(self, timer: Timer, now: float) -> list[Effect]:
        """Take in a timer that is due; a stale one does nothing."""
        if self._phase is Phase.DEPARTED:
            return []
        if isinstance(timer, LeaveEnd):
            self._phase = Phase.DEPARTED
            self._context.outbox.notify(LeaveCompleted())
        elif self._phase is Phase.PRESENT or isinstance(timer, TOLD_WHILE_LEAVING):
            self._clockwork.handle(timer, now)
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

    def _finish(self) -> list[Effect]:
        if self._phase is not Phase.DEPARTED:
            self._parts.gossip.arm()
        return self._context.outbox.take()


def _check_metadata(metadata: bytes, settings: Settings) -> None:
    if len(metadata) > settings.content_bytes_max:
        raise TooLarge(f"{len(metadata)} bytes; metadata has at most {settings.content_bytes_max}")
