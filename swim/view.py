"""This node's view of the others: the roster, changed by claims and by nothing else.

A claim either supersedes what is held, and then it is taken in, told on and reported; or it is old news,
and then its sender is told better, at most once a second for each subject. Only "dead" is never said back:
a sender that believes a member alive is told of a suspicion instead, so that the member gets its chance to
refute. That is what lets the two halves of a healed partition find each other without first killing each
other.

Source: SWIM, section 4.2; hashicorp/memberlist `mergeState`; DESIGN.md, "Claims" and "Reunion".
"""

from __future__ import annotations

from dataclasses import replace

from swim.changes import events_between
from swim.codec import ACCUSER_BYTES, encode_message
from swim.context import Context
from swim.cooldown import Cooldown
from swim.events import MemberDied, MemberJoined, MemberLeft, MemberSuspected
from swim.member import REVISION_STALE, Member, MemberState, node_key, supersedes
from swim.messages import (
    STATE_OF,
    Alive,
    Claim,
    Dead,
    Left,
    Message,
    Refute,
    Suspect,
    Want,
    address_of,
    introduce,
)
from swim.statistics import Drop
from swim.suspicion import Suspicion, bounds
from swim.timers import SuspicionExpiry

TIMER_SLACK_S = 0.001
"""A timer counts as due this much early, so that rounding cannot make the last one look premature."""


class View:
    """Everybody but this node, as this node believes.

    Attributes:
        changed_at: When a change of the table last changed its digest.
    """

    def __init__(self, context: Context) -> None:
        self.changed_at = 0.0
        self._key = context.key
        self._me = context.key[:ACCUSER_BYTES]
        self._settings = context.settings
        self._roster = context.roster
        self._dissemination = context.dissemination
        self._awareness = context.awareness
        self._outbox = context.outbox
        self._statistics = context.statistics
        self._suspicions: dict[bytes, Suspicion] = {}
        self._suspicions_begun = 0
        self._cooldown = Cooldown(context.settings.probe_interval_s)

    # ---- claims from others

    def admit(self, claim: Claim, now: float) -> Message | None:
        """Take a claim about another member in; return what its sender should be told, if anything."""
        if isinstance(claim, Alive):
            return self._admit_alive(claim, now)
        known = self._roster.find(claim.key)
        if known is None:
            return None  # whoever was never introduced can be neither suspected nor buried
        if claim.epoch > known.epoch and not isinstance(claim, Dead | Left):
            return self.ask_for(claim.key, now)
        state = STATE_OF[type(claim)]
        if isinstance(claim, Suspect) and self._is_same_suspicion(claim, known):
            self._confirm(known, _split(claim.accusers), now)
            return None
        if not supersedes(claim.epoch, claim.incarnation, state, over=known):
            return self.correct(known, state, claim.epoch, now)
        if isinstance(claim, Refute) and known.revision == REVISION_STALE:
            return self.ask_for(claim.key, now)
        self._believe(known, claim, now)
        return None

    def correct(self, known: Member, claimed: MemberState, epoch: int, now: float) -> Message | None:
        """Return what to tell a member that still believes an older claim, or None."""
        stale_boot = epoch < known.epoch
        believes_alive = claimed is MemberState.ALIVE
        if not stale_boot and known.is_live == believes_alive:
            return None
        if not known.is_live and not believes_alive and not stale_boot:
            return None
        if not self._cooldown.is_ready(known.key, now):
            return None
        if known.is_live:
            return introduce(known) if stale_boot else Refute(known.key, known.epoch, known.incarnation)
        return self.verdict(known, stale_boot=stale_boot)

    def remind(self, suspect: Member, now: float) -> Message | None:
        """Return the accusation for a suspect that has spoken without refuting it: it may not have heard."""
        return self.accusation(suspect) if self._cooldown.is_ready(suspect.key, now) else None

    def verdict(self, gone: Member, *, stale_boot: bool = False) -> Message:
        """Return what to tell a member that believes `gone` alive: it left, or doubt it."""
        claim = (gone.key, gone.epoch, gone.incarnation)
        if gone.state is MemberState.LEFT:
            return Left(*claim)
        return Dead(*claim) if stale_boot else Suspect(*claim, self._me)

    def records_of(self, member: Member) -> list[Message]:
        """Return the messages that give a live member to somebody who does not know it."""
        suspicion = self._suspicions.get(member.key)
        if suspicion is None or suspicion.is_private:
            return [introduce(member)]
        return [introduce(member), self.accusation(member)]

    def accusation(self, suspect: Member) -> Suspect:
        """Return the present suspicion against a suspect, for its own ears or for others."""
        suspicion = self._suspicions.get(suspect.key)
        accusers = suspicion.accusers if suspicion else [self._me]
        return Suspect(suspect.key, suspect.epoch, suspect.incarnation, b"".join(accusers))

    # ---- this node's own findings

    def accuse(self, key: bytes, nackers: list[bytes], now: float) -> None:
        """Suspect a member that did not answer; helpers that could not reach it either are accusers too."""
        known = self._roster.find(key)
        if known is None or not known.is_live:
            return
        accusers = [self._me, *(nacker[:ACCUSER_BYTES] for nacker in nackers)]
        if known.state is MemberState.SUSPECT:
            self._confirm(known, accusers, now)
        else:
            self._believe(known, Suspect(key, known.epoch, known.incarnation, b"".join(accusers)), now)

    def doubt_all(self, now: float) -> None:
        """Suspect everybody in private: nobody was heard for long, and the fault may be ours or theirs."""
        for member in list(self._roster):
            if member.state is MemberState.ALIVE and member.key != self._key:
                accusation = Suspect(member.key, member.epoch, member.incarnation, self._me)
                self._believe(member, accusation, now, tell=False)
                self._suspicions[member.key].is_private = True

    def handle_expiry(self, timer: SuspicionExpiry, now: float) -> Member | None:
        """Declare a suspect dead, or return it to be warned first; nothing if the suspicion is over."""
        suspicion = self._suspicions.get(timer.key)
        known = self._roster.find(timer.key)
        if suspicion is None or known is None or suspicion.number != timer.suspicion:
            return None
        notice_s = self._settings.probe_interval_s
        reached = now + TIMER_SLACK_S
        if not suspicion.is_warned and reached >= suspicion.deadline - notice_s:
            if now - suspicion.deadline > notice_s / 2 and not suspicion.is_postponed:
                suspicion.postpone(now + notice_s)  # we had stalled: a refutation may wait to be read
            suspicion.is_warned = True
            self._schedule(timer.key, suspicion, now)
            return known
        if reached >= suspicion.deadline:  # else another timer is under way for the end that holds
            death = Dead(known.key, known.epoch, known.incarnation)
            self._believe(known, death, now, tell=not suspicion.is_private)
        return None

    # ---- inside

    def _admit_alive(self, alive: Alive, now: float) -> Message | None:
        known = self._roster.find(node_key(alive.node_id))
        if known is None or alive.epoch > known.epoch:
            self._introduce(known, alive, now)
            return None
        if known.state is MemberState.ALIVE and _version(known) == _version(alive):
            return None  # by far the most frequent case while many join
        if alive.epoch < known.epoch:
            return self.correct(known, MemberState.ALIVE, alive.epoch, now)
        lives = supersedes(alive.epoch, alive.incarnation, MemberState.ALIVE, over=known)
        changed = alive.revision > known.revision
        member = known
        if changed:
            member = replace(
                member, address=address_of(alive), metadata=alive.metadata, revision=alive.revision
            )
        if lives:
            member = replace(member, state=MemberState.ALIVE, incarnation=alive.incarnation)
        if changed or lives:
            self._replace(known, member, now)
            if changed and member.is_live:
                self.tell_profile(member)
            elif lives:
                self._tell(member)
        return None if lives else self.correct(known, MemberState.ALIVE, alive.epoch, now)

    def _introduce(self, known: Member | None, alive: Alive, now: float) -> None:
        if known is None and len(self._roster) >= self._settings.members_max:
            self._statistics.drop(Drop.TABLE_FULL)
            return
        member = Member(
            node_id=alive.node_id,
            address=address_of(alive),
            state=MemberState.ALIVE,
            incarnation=alive.incarnation,
            epoch=alive.epoch,
            metadata=alive.metadata,
            revision=alive.revision,
            key=node_key(alive.node_id),
        )
        self._dissemination.claims.discard(member.key)  # whatever was told of an earlier life
        self._replace(known, member, now)
        self.tell_profile(member)

    def _believe(
        self, known: Member, claim: Refute | Suspect | Dead | Left, now: float, *, tell: bool = True
    ) -> None:
        member = replace(
            known,
            epoch=claim.epoch,
            incarnation=claim.incarnation,
            state=STATE_OF[type(claim)],
            revision=known.revision if claim.epoch == known.epoch else REVISION_STALE,
        )
        if isinstance(claim, Suspect):
            self._suspect(member, _split(claim.accusers), now)
        self._replace(known, member, now)
        if tell:
            self._tell(member)

    def _suspect(self, member: Member, accusers: list[bytes], now: float) -> None:
        shortest, longest, wanted = bounds(self._settings, self._roster.live_count, self._awareness.score)
        self._suspicions_begun += 1
        suspicion = Suspicion(
            self._suspicions_begun, accusers, now, shortest=shortest, longest=longest, wanted=wanted
        )
        self._suspicions[member.key] = suspicion
        self._schedule(member.key, suspicion, now)

    def _confirm(self, suspect: Member, accusers: list[bytes], now: float) -> None:
        suspicion = self._suspicions[suspect.key]
        if suspicion.add(accusers) or suspicion.is_private:
            suspicion.is_private = False
            self._schedule(suspect.key, suspicion, now)
            self._tell(suspect)

    def _schedule(self, key: bytes, suspicion: Suspicion, now: float) -> None:
        """Set a timer for the warning, or for the end once the suspect was warned."""
        notice_s = 0.0 if suspicion.is_warned else self._settings.probe_interval_s
        timer = SuspicionExpiry(key, suspicion.number)
        self._outbox.schedule(timer, suspicion.deadline - notice_s - now)

    def _is_same_suspicion(self, claim: Suspect, known: Member) -> bool:
        return (
            known.state is MemberState.SUSPECT
            and (claim.epoch, claim.incarnation) == (known.epoch, known.incarnation)
            and claim.key in self._suspicions
        )

    def _replace(self, before: Member | None, after: Member, now: float) -> None:
        digest = self._roster.digest
        self._roster.put(after)
        if self._roster.digest != digest:
            self.changed_at = now
        if after.state is not MemberState.SUSPECT:
            self._suspicions.pop(after.key, None)
        for event in events_between(before, after):
            self._statistics.joins += isinstance(event, MemberJoined)
            self._statistics.suspicions += isinstance(event, MemberSuspected)
            self._statistics.deaths += isinstance(event, MemberDied)
            self._statistics.leaves += isinstance(event, MemberLeft)
            self._outbox.notify(event)

    def tell_profile(self, member: Member) -> None:
        """Spread the full record of a live member."""
        self._dissemination.claims.put((member.key, "profile"), encode_message(introduce(member)))

    def _tell(self, member: Member) -> None:
        claim = (member.key, member.epoch, member.incarnation)
        message: Message
        if member.state is MemberState.ALIVE:
            message = Refute(*claim)
        elif member.state is MemberState.SUSPECT:
            message = self.accusation(member)
        else:
            message = Dead(*claim) if member.state is MemberState.DEAD else Left(*claim)
            self._dissemination.claims.discard((member.key, "profile"))
        self._dissemination.claims.put(member.key, encode_message(message))

    def ask_for(self, key: bytes, now: float) -> Message | None:
        """Return a request for a record that is missing here, unless it was asked for just now."""
        return Want(key) if self._cooldown.is_ready(key, now) else None


def _version(record: Member | Alive) -> tuple[int, int, int]:
    return record.epoch, record.incarnation, record.revision


def _split(accusers: bytes) -> list[bytes]:
    return [accusers[at : at + ACCUSER_BYTES] for at in range(0, len(accusers), ACCUSER_BYTES)]
