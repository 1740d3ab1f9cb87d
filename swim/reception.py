"""Reception: what a member says goes, message by message, to the part that it concerns.

Claims are about somebody and may be answered; talk is between two members. Both come only from datagrams
that opened and decoded completely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from swim.keyring import Opened
from swim.member import Address, Member, MemberState, node_key
from swim.messages import (
    Ack,
    Alive,
    Buckets,
    Claim,
    ContentPiece,
    ContentWant,
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
    Talk,
    Topic,
    Want,
)
from swim.parts import Parts
from swim.statistics import Drop

Handler = Callable[[Any, bytes, Address, float], None]
"""Takes a message, the key of its sender, the address it came from, and the time."""
DEFENCE_FANOUT = 2
"""Members that hear a refutation at once, besides who brought the accusation."""


class Reception:
    """Hands the messages of each packet to the parts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._key = parts.context.key
        self._roster = parts.context.roster
        self._statistics = parts.context.statistics
        self._view = parts.view
        self._detector = parts.detector
        self._wire = parts.wire
        reconciler = parts.reconciler
        self._handlers: dict[type[Talk], Handler] = {
            Ping: self._handle_ping,
            Ack: self._handle_ack,
            PingRequest: lambda request, sender, source, _: self._detector.handle_request(
                request, sender, source
            ),
            Nack: lambda nack, sender, _, __: self._detector.handle_nack(nack, sender),
            Topic: lambda topic, *_: self._handle_topic(topic),
            Pull: lambda pull, _, source, __: reconciler.handle_pull(pull, source),
            Page: lambda page, _, source, now: self._handle_page(page, source, now),
            Buckets: lambda buckets, _, source, __: reconciler.handle_buckets(buckets, source),
            Listing: lambda listing, _, source, __: reconciler.handle_listing(listing, source),
            Want: lambda want, _, source, __: reconciler.handle_want(want, source),
            ContentWant: parts.contents.handle_want,
            ContentPiece: lambda piece, sender, _, now: parts.contents.handle_piece(piece, sender, now),
        }

    def handle(self, opened: Opened, packet: Packet, source: Address, now: float) -> None:
        """Take in what a member says, its claims and its talk, and answer."""
        sender = self._roster.find(opened.sender)
        if opened.is_stale or (sender is not None and opened.epoch < sender.epoch):
            self._refuse_stale(opened, sender, source, now)
            return
        self._detector.hear(opened.sender)
        self._view.reassure(now)
        replies: list[Message | None] = []
        for message in packet.messages:
            if isinstance(message, Alive | Refute | Suspect | Dead | Left):
                replies.append(self._handle_claim(message, now))
            else:
                self._handlers[type(message)](message, opened.sender, source, now)
        replies.append(self._greet(opened, packet.incarnation, now))
        for member in self._view.take_incomplete():
            self._parts.contents.want(member.key, member.content, now)
        for key, content in self._parts.contents.take_arrived():
            self._view.complete(key, content, now)
        self._wire.send_all(source, filter(None, replies), 1)

    def _refuse_stale(self, opened: Opened, sender: Member | None, source: Address, now: float) -> None:
        """Use nothing of an earlier life, but tell whoever lost count of its epochs."""
        self._statistics.drop(Drop.STALE_EPOCH)
        known = self._view.answers.correct(sender, MemberState.ALIVE, opened.epoch, now) if sender else None
        if known is not None:
            self._wire.send_bare(source, known)

    def _handle_claim(self, claim: Claim, now: float) -> Message | None:
        key = node_key(claim.node_id) if isinstance(claim, Alive) else claim.key
        if key != self._key:
            return self._view.admit(claim, now)
        incarnation = self._parts.own.member.incarnation
        reply = self._parts.own.defend(claim, now)
        if reply is not None and self._parts.own.member.incarnation > incarnation:
            for member in self._parts.rounds.sample(DEFENCE_FANOUT):
                self._wire.send_bare(member.address, reply)
        return reply

    def _handle_ping(self, ping: Ping, sender: bytes, source: Address, now: float) -> None:
        self._detector.handle_ping(ping, sender, source)
        self._parts.reconciler.compare(ping.digest, source, now)

    def _handle_ack(self, ack: Ack, sender: bytes, source: Address, now: float) -> None:
        self._detector.handle_ack(ack, sender, now)
        self._parts.reconciler.compare(ack.digest, source, now)

    def _handle_page(self, page: Page, source: Address, now: float) -> None:
        if self._parts.joiner.handle_page(page, source):
            self._parts.reconciler.hurry(now)

    def _handle_topic(self, topic: Topic) -> None:
        if topic.origin != self._key:
            self._parts.topics.handle_topic(topic)

    def _greet(self, opened: Opened, incarnation: int, now: float) -> Message | None:
        """Learn from the mere fact that somebody spoke; return what it should hear."""
        sender = self._roster.find(opened.sender)
        if sender is None or opened.epoch > sender.epoch:
            return self._view.answers.ask_for(opened.sender, now)
        if sender.state is MemberState.LEFT:
            return None
        if incarnation > sender.incarnation:
            return self._view.admit(Refute(opened.sender, opened.epoch, incarnation), now)
        if self._view.may_revive(sender):
            self._view.revive(sender, now)
            return None
        if sender.state is MemberState.SUSPECT:
            return self._view.answers.remind(sender, now)
        return self._view.answers.correct(sender, MemberState.ALIVE, opened.epoch, now)
