"""This node's view of the others: the roster, changed by claims and by nothing else.

A claim either supersedes what is held, and then it is taken in, told on and reported; or it is old news,
and then its sender is told better (`answers.py`).

Source: SWIM, section 4.2; DESIGN.md, "Claims".
"""

from __future__ import annotations

import math
from dataclasses import replace

from swim.answers import Answers
from swim.changes import events_between
from swim.codec import ACCUSER_BYTES, encode_message
from swim.context import Context
from swim.cooldown import Cooldown
from swim.events import AddressClaimed, MemberDied, MemberJoined, MemberLeft, MemberSuspected, VersionRefused
from swim.member import (
    PROTOCOL_VERSIONS,
    REVISION_STALE,
    Member,
    MemberState,
    node_key,
    supersedes,
)
from swim.messages import (
    STATE_OF,
    Alive,
    Claim,
    Dead,
    Left,
    Message,
    Refute,
    Suspect,
    address_of,
    introduce,
    version_of,
)
from swim.statistics import Drop
from swim.suspicions import Due, Suspicions, split
from swim.timers import SuspicionExpiry

BACK_INTERVALS = 10
"""Probe intervals after being cut off in which others tell of those who were held dead in private."""


class View:
    """Everybody but this node, as this node believes.

    Attributes:
        changed_at: When a change of the table last changed its digest.
        suspicions: Those under way.
        answers: What to tell those who know less.
    """

    def __init__(self, context: Context, versions: tuple[int, int] = PROTOCOL_VERSIONS) -> None:
        self.changed_at = 0.0
        self._incomplete: list[Member] = []
        self._versions = versions
        self._cut_off_at = self._back_at = -math.inf
        self._key = context.key
        self._me = context.key[:ACCUSER_BYTES]
        self._settings = context.settings
        self._roster = context.roster
        self._dissemination = context.dissemination
        self._outbox = context.outbox
        self._statistics = context.statistics
        self.suspicions = Suspicions(context)
        self.answers = Answers(context, self.suspicions)
        self._reports = Cooldown(context.settings.probe_interval_s)

    # ---- claims from others

    def admit(self, claim: Claim, now: float) -> Message | None:
        """Take a claim about another member in; return what its sender should be told, if anything."""
        if isinstance(claim, Alive):
            return self._admit_alive(claim, now)
        known = self._roster.find(claim.key)
        if known is None:
            return None  # whoever was never introduced can be neither suspected nor buried
        if claim.epoch > known.epoch and not isinstance(claim, Dead | Left):
            return self.answers.ask_for(claim.key, now)
        state = STATE_OF[type(claim)]
        if isinstance(claim, Suspect | Dead) and self.suspicions.is_about(claim, known):
            self._confirm(known, split(claim.accusers), now)
            if isinstance(claim, Suspect):
                return None
        if isinstance(claim, Refute) and self._is_revived(known, claim.epoch, claim.incarnation):
            self.revive(known, now)
            return None
        if not supersedes(claim.epoch, claim.incarnation, state, over=known):
            return self.answers.correct(known, state, claim.epoch, now)
        if isinstance(claim, Refute | Suspect) and known.revision == REVISION_STALE:
            return self.answers.ask_for(claim.key, now)  # live again in a life whose profile never came
        if isinstance(claim, Dead) and not self.suspicions.is_witnessed(claim, known):
            return self._doubt_instead(claim, known, now)
        self._believe(known, claim, now)
        return None

    def reassure(self, now: float) -> None:
        """End all doubts that came of hearing nobody, since somebody was heard; the next probes will tell."""
        for key in self.suspicions.doubted_in_private():
            known = self._roster.find(key)
            if known is not None:
                self.revive(known, now)
        if self._cut_off_at > self._back_at:
            self._back_at = now
        elif now - self._back_at > BACK_INTERVALS * self._settings.probe_interval_s:
            self.suspicions.publish_deaths()

    def may_revive(self, known: Member) -> bool:
        """Tell whether any sign of life makes a member alive again, because only this node doubted it."""
        is_introduced = known.revision != REVISION_STALE
        return (
            known.state is not MemberState.ALIVE and is_introduced and self.suspicions.is_private(known.key)
        )

    def revive(self, known: Member, now: float) -> None:
        """Hold a member for alive that was doubted only because this node could hear nobody; tell nobody."""
        self._replace(known, replace(known, state=MemberState.ALIVE), now)

    def take_incomplete(self) -> list[Member]:
        """Return the members whose metadata is to be fetched since the last call."""
        incomplete, self._incomplete = self._incomplete, []
        return incomplete

    def complete(self, key: bytes, metadata: bytes, now: float) -> None:
        """Take in metadata that was fetched because a record only refers to it."""
        known = self._roster.find(key)
        if known is not None and known.is_live:
            self._replace(known, replace(known, metadata=metadata), now)

    # ---- this node's own findings

    def accuse(self, key: bytes, nackers: list[bytes], now: float) -> None:
        """Suspect a member that did not answer; helpers that could not reach it either are accusers too."""
        known = self._roster.find(key)
        if known is None or not known.is_live:
            return
        if self.suspicions.is_private(key) and not nackers:
            return  # silence alone does not make a private doubt everybody's
        accusers = [self._me, *(nacker[:ACCUSER_BYTES] for nacker in nackers)]
        if known.state is MemberState.SUSPECT:
            self._confirm(known, accusers, now)
        else:
            self._believe(known, Suspect(key, known.epoch, known.incarnation, b"".join(accusers)), now)

    def doubt_all(self, now: float) -> None:
        """Suspect everybody in private: nobody was heard for long, and the fault may be ours or theirs."""
        self._cut_off_at = now
        for member in list(self._roster):
            if member.state is MemberState.ALIVE and member.key != self._key:
                accusation = Suspect(member.key, member.epoch, member.incarnation, self._me)
                self._believe(member, accusation, now, private=True)

    def may_dismiss(self, member: Member) -> bool:
        """Tell whether a member is dead, and not only in the eyes of a node that has just been cut off."""
        is_sure = self._roster.live_count == 1 or not self.suspicions.is_private(member.key)
        return member.state is MemberState.DEAD and is_sure

    def dismiss(self, dead: Member, now: float) -> None:
        """Hold a dead member for one that has left, and tell everybody."""
        self._believe(dead, Left(dead.key, dead.epoch, dead.incarnation), now)

    def handle_expiry(self, timer: SuspicionExpiry, now: float) -> Member | None:
        """Declare a suspect dead, or return it for its last chance; do nothing if the suspicion is over."""
        known = self._roster.find(timer.key)
        due = self.suspicions.check(timer, now)
        if known is None or due is Due.NOTHING:
            return None
        if due is Due.LAST_CHANCE:
            return known
        suspicion = self.suspicions.accusation(known)
        self._believe(known, Dead(*suspicion), now, private=self.suspicions.is_private(known.key))
        return None

    # ---- inside

    def _admit_alive(self, alive: Alive, now: float) -> Message | None:
        known = self._roster.find(node_key(alive.node_id))
        if known is None or alive.epoch > known.epoch:
            self._introduce(known, alive, now)
            return None
        if known.state is MemberState.ALIVE and version_of(known) == version_of(alive):
            self._check_address(known, alive, now)
            return None  # by far the most frequent case while many join
        if alive.epoch < known.epoch:
            return self.answers.correct(known, MemberState.ALIVE, alive.epoch, now)
        lives = supersedes(alive.epoch, alive.incarnation, MemberState.ALIVE, over=known) or self._is_revived(
            known, alive.epoch, alive.incarnation
        )
        changed = alive.revision > known.revision
        member = known
        if changed:
            member = _with_profile(member, alive)
        if lives:
            member = replace(member, state=MemberState.ALIVE, incarnation=alive.incarnation)
        if changed or lives:
            self._replace(known, member, now)
            if changed and member.is_live:
                self.tell_profile(member)
            elif lives:
                self._tell(member)
        return None if lives else self.answers.correct(known, MemberState.ALIVE, alive.epoch, now)

    def _introduce(self, known: Member | None, alive: Alive, now: float) -> None:
        if known is None and len(self._roster) >= self._settings.members_max:
            self._statistics.drop(Drop.TABLE_FULL)
            return
        if not self._speaks_with(alive, now):
            if known is not None and known.is_live:  # its old life is over, whatever it speaks now
                self._replace(known, replace(known, state=MemberState.DEAD), now)
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
            content=alive.content,
            versions=(alive.version_min, alive.version_max),
        )
        self._dissemination.claims.discard(member.key)  # whatever was told of an earlier life
        self._replace(known, member, now)
        self.tell_profile(member)

    def _believe(
        self, known: Member, claim: Refute | Suspect | Dead | Left, now: float, *, private: bool = False
    ) -> None:
        member = replace(
            known,
            epoch=claim.epoch,
            incarnation=claim.incarnation,
            state=STATE_OF[type(claim)],
            revision=known.revision if claim.epoch == known.epoch else REVISION_STALE,
        )
        if isinstance(claim, Suspect):
            self.suspicions.begin(member, split(claim.accusers), now, private=private)
        elif isinstance(claim, Dead):
            self.suspicions.bury(claim, known, private=private)
        self._replace(known, member, now)
        if not private:
            self._tell(member)

    def _is_revived(self, known: Member, epoch: int, incarnation: int) -> bool:
        """Tell whether news of a member, no newer than what is held, ends a doubt that is only our own."""
        same = (epoch, incarnation) == (known.epoch, known.incarnation)
        return same and self.may_revive(known)

    def _confirm(self, suspect: Member, accusers: list[bytes], now: float) -> None:
        if self.suspicions.confirm(suspect.key, accusers, now):
            self._tell(suspect)

    def _doubt_instead(self, death: Dead, known: Member, now: float) -> Message | None:
        """Take a death that too few bear witness to for what it is, a suspicion by those."""
        self._statistics.drop(Drop.WITNESSES)
        if death.epoch > known.epoch or known.revision == REVISION_STALE:
            return self.answers.ask_for(death.key, now)
        if not self.suspicions.is_about(death, known):
            self._believe(known, Suspect(*death), now)
        return None

    def _speaks_with(self, alive: Alive, now: float) -> bool:
        """Tell whether a newcomer and this node share a version of the protocol."""
        if alive.version_min <= self._versions[1] and alive.version_max >= self._versions[0]:
            return True
        self._statistics.drop(Drop.VERSION)
        if self._reports.is_ready(node_key(alive.node_id), now):
            self._outbox.notify(VersionRefused(alive.node_id, (alive.version_min, alive.version_max)))
        return False

    def _check_address(self, known: Member, alive: Alive, now: float) -> None:
        """Report a second process that goes by an id that is taken."""
        if known.address != address_of(alive) and self._reports.is_ready(known.key, now):
            self._outbox.notify(AddressClaimed(known, address_of(alive)))

    def _replace(self, before: Member | None, after: Member, now: float) -> None:
        digest = self._roster.digest
        self._roster.put(after)
        if self._roster.digest != digest:
            self.changed_at = now
        accuses = after.state is MemberState.SUSPECT or after.state is MemberState.DEAD
        accusers = self.suspicions.names(after.key) if accuses else ()
        self.suspicions.settle(before, after, now)
        if after.is_live and after.is_incomplete:
            self._incomplete.append(after)
        for event in events_between(before, after, accusers):
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
            message = self.suspicions.accusation(member)
        else:
            accusers = self.suspicions.accusers_of_dead(member.key)
            message = Dead(*claim, accusers) if member.state is MemberState.DEAD else Left(*claim)
            self._dissemination.claims.discard((member.key, "profile"))
        self._dissemination.claims.put(member.key, encode_message(message))


def _with_profile(member: Member, alive: Alive) -> Member:
    known = alive.content and alive.content == member.content
    return replace(
        member,
        address=address_of(alive),
        metadata=member.metadata if known else alive.metadata,
        content=alive.content,
        revision=alive.revision,
        versions=(alive.version_min, alive.version_max),
    )
