"""This node's own record: only it may raise its incarnation, change its profile, or say that it left.

Hearing that it is suspected or dead, a node raises its incarnation above the accusation and says so; that
is a refutation. It is also a sign that others could not reach it in time, so local health goes down.

Source: SWIM, section 4.2; Lifeguard, section IV-A.
"""

from __future__ import annotations

from dataclasses import replace

from swim.codec import encode_message
from swim.context import Context
from swim.cooldown import Cooldown
from swim.events import IdentityClaimed
from swim.member import INCARNATION_MAX, REVISION_MAX, Identity, Member, MemberState
from swim.messages import Alive, Claim, Left, Message, Refute, address_of, introduce


class OwnRecord:
    """What this node says about itself."""

    def __init__(self, context: Context, identity: Identity, content: bytes) -> None:
        self._roster = context.roster
        self._dissemination = context.dissemination
        self._awareness = context.awareness
        self._outbox = context.outbox
        self._statistics = context.statistics
        self._cooldown = Cooldown(context.settings.probe_interval_s)
        self._put(
            Member(
                node_id=identity.node_id,
                address=identity.address,
                state=MemberState.ALIVE,
                incarnation=0,
                epoch=identity.epoch,
                metadata=identity.metadata,
                revision=0,
                key=context.key,
                content=content,
                versions=identity.versions,
            )
        )

    def defend(self, claim: Claim, now: float) -> Message | None:
        """Answer a claim about this node; return what its sender should be told, if anything."""
        me = self.member
        if me.state is MemberState.LEFT:
            return None
        if claim.epoch > me.epoch:
            self._report_claim(claim, now)
            return None
        if claim.epoch < me.epoch:
            return introduce(me) if self._cooldown.is_ready(me.key, now) else None
        if isinstance(claim, Alive | Refute):
            if INCARNATION_MAX > claim.incarnation > me.incarnation:  # somebody speaks in our name
                self._refute(claim.incarnation)
            if isinstance(claim, Alive):
                self._defend_profile(claim, now)
            return None
        if claim.incarnation >= INCARNATION_MAX:
            self._report_claim(claim, now)  # only a new epoch can answer this
            return None
        if claim.incarnation >= me.incarnation:
            self._refute(claim.incarnation)
            self._awareness.worsen()
        me = self.member
        return Refute(me.key, me.epoch, me.incarnation)

    def update(self, metadata: bytes, content: bytes) -> None:
        """Change the metadata, with a reference to it if it is too large for a record, and tell everybody."""
        revision = min(REVISION_MAX, self.member.revision + 1)
        self._put(replace(self.member, metadata=metadata, content=content, revision=revision))
        self._announce()

    def leave(self) -> Left:
        """Say goodbye: from now on nothing said about this node is refuted."""
        me = replace(self.member, state=MemberState.LEFT)
        self._put(me)
        self._dissemination.claims.discard((me.key, "profile"))
        goodbye = Left(me.key, me.epoch, me.incarnation)
        self._dissemination.claims.put(me.key, encode_message(goodbye))
        return goodbye

    @property
    def member(self) -> Member:
        """Return this node's record."""
        return self._me

    def _put(self, me: Member) -> None:
        self._me = me
        self._roster.put(me)

    def _announce(self) -> None:
        self._dissemination.claims.put((self._me.key, "profile"), encode_message(introduce(self._me)))

    def _refute(self, incarnation: int) -> None:
        me = replace(self._me, incarnation=incarnation + 1)
        self._put(me)
        self._statistics.refutes += 1
        refutation = Refute(me.key, me.epoch, me.incarnation)
        self._dissemination.claims.put(me.key, encode_message(refutation))

    def _defend_profile(self, claim: Alive, now: float) -> None:
        """Outbid another profile of this life, which would hide our changes; never fight over an address."""
        me = self.member
        if address_of(claim) != me.address:
            self._report_claim(claim, now)  # a second process: one of the two must go
            return
        mine = introduce(me)._replace(incarnation=claim.incarnation)
        if claim.revision < me.revision or claim == mine:
            return
        if claim.revision >= REVISION_MAX - 1:  # leave one for a change of our own
            self._report_claim(claim, now)
            return
        self._put(replace(me, revision=claim.revision + 1))
        self._announce()

    def _report_claim(self, claim: Claim, now: float) -> None:
        if not self._cooldown.is_ready(self._me.key, now):
            return
        other = replace(self._me, epoch=claim.epoch, incarnation=claim.incarnation)
        if isinstance(claim, Alive):
            other = replace(other, address=address_of(claim), metadata=claim.metadata)
        self._outbox.notify(IdentityClaimed(other))
