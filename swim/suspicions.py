"""All suspicions under way: who accuses whom, how long each lasts, and when one is over.

What is kept here is decided by `View`, which takes claims in; the time of one suspicion is that of
`suspicion.py`.
"""

from __future__ import annotations

from enum import StrEnum

from swim.codec import ACCUSER_BYTES
from swim.context import Context
from swim.flapping import Flaps
from swim.member import KEY_BYTES, Member, MemberState
from swim.messages import Dead, Message, Suspect
from swim.suspicion import Suspicion, bounds, witnesses_needed
from swim.timers import SuspicionExpiry

TIMER_SLACK_S = 0.001
"""A timer counts as due this much early, so that rounding cannot make the last one look premature."""
PRIVATE_SPREAD = 0.2
"""Part of their time by which private suspicions end apart."""
_DOUBTED = (MemberState.SUSPECT, MemberState.DEAD)


class Due(StrEnum):
    """What a timer of a suspicion says."""

    NOTHING = "nothing"
    LAST_CHANCE = "last-chance"
    OVER = "over"


class Suspicions:
    """The suspicions that one node knows of, by the key of the suspect."""

    def __init__(self, context: Context) -> None:
        self._me = context.key[:ACCUSER_BYTES]
        self._settings = context.settings
        self._roster = context.roster
        self._awareness = context.awareness
        self._outbox = context.outbox
        self._rng = context.rng
        self._under_way: dict[bytes, Suspicion] = {}
        self._begun = 0
        self._flaps = Flaps()
        self._accusers_of_dead: dict[bytes, bytes] = {}
        self._doubted_in_private: set[bytes] = set()
        self._dead_in_private: set[bytes] = set()

    # ---- what is known

    def find(self, key: bytes) -> Suspicion | None:
        """Return the suspicion against a member, if one is under way."""
        return self._under_way.get(key)

    def number(self, key: bytes) -> int:
        """Return which suspicion against a member is under way, 0 if none is."""
        suspicion = self._under_way.get(key)
        return suspicion.number if suspicion else 0

    def accusation(self, suspect: Member) -> Suspect:
        """Return the present suspicion against a suspect as a claim."""
        suspicion = self._under_way.get(suspect.key)
        accusers = suspicion.accusers if suspicion else [self._me]
        return Suspect(suspect.key, suspect.epoch, suspect.incarnation, b"".join(accusers))

    def shown(self, suspect: Member) -> list[Message]:
        """Return what may be said of a suspect to itself and to helpers: nothing if the doubt is private."""
        is_shown = suspect.key in self._under_way and suspect.key not in self._doubted_in_private
        return [self.accusation(suspect)] if is_shown else []

    def is_private(self, key: bytes) -> bool:
        """Tell whether a member is doubted, or held dead, only because this node could hear nobody.

        That is weak: whoever has better news is believed.
        """
        return key in self._doubted_in_private or key in self._dead_in_private

    def doubted_in_private(self) -> list[bytes]:
        """Return the members that are doubted only because this node could hear nobody, sorted by key."""
        return sorted(self._doubted_in_private)

    def accusers_of_dead(self, key: bytes) -> bytes:
        """Return who had accused a member that is held dead."""
        return self._accusers_of_dead.get(key, self._me)

    def is_about(self, claim: Suspect | Dead, known: Member) -> bool:
        """Tell whether a claim is about the suspicion that is under way, and not an older or a newer one."""
        return (
            known.state is MemberState.SUSPECT
            and (claim.epoch, claim.incarnation) == (known.epoch, known.incarnation)
            and claim.key in self._under_way
        )

    def is_witnessed(self, death: Dead, known: Member) -> bool:
        """Tell whether enough members have accused somebody for its death to be believed."""
        accusers = set(split(death.accusers))
        if self.is_about(death, known):
            accusers.update(self._under_way[known.key].accusers)
        return len(accusers) >= witnesses_needed(self._roster.live_count)

    def names(self, key: bytes) -> tuple[str, ...]:
        """Return the node ids of those who accuse a member, as far as they are live members here."""
        suspicion = self._under_way.get(key)
        rest = KEY_BYTES - ACCUSER_BYTES
        found = (
            member.node_id
            for accuser in (suspicion.accusers if suspicion else ())
            for member in self._roster.live_between(accuser + bytes(rest), accuser + b"\xff" * rest)
        )
        return tuple(found)

    # ---- what changes it

    def begin(self, member: Member, accusers: list[bytes], now: float, *, private: bool = False) -> None:
        """Suspect a member from now on, in private if others shall not hear of it."""
        shortest, longest, wanted = bounds(
            self._settings,
            self._roster.live_count,
            health=self._awareness.score,
            flaps=self._flaps.weight(member.key, now),
        )
        self._begun += 1
        if private:  # all begin at once; their last chances must not
            longest *= 1 + PRIVATE_SPREAD * self._rng.random()
            self._doubted_in_private.add(member.key)
        suspicion = Suspicion(self._begun, accusers, now, shortest=shortest, longest=longest, wanted=wanted)
        self._under_way[member.key] = suspicion
        self._schedule(member.key, suspicion, now)

    def confirm(self, key: bytes, accusers: list[bytes], now: float) -> bool:
        """Add accusers; return whether that is news to others."""
        suspicion = self._under_way[key]
        if not suspicion.add(accusers) and key not in self._doubted_in_private:
            return False
        self._doubted_in_private.discard(key)
        self._schedule(key, suspicion, now)
        return True

    def check(self, timer: SuspicionExpiry, now: float) -> Due:
        """Return whether a suspect should get its last chance now, or has had it."""
        suspicion = self._under_way.get(timer.key)
        if suspicion is None or suspicion.number != timer.suspicion:
            return Due.NOTHING
        notice_s = self._settings.last_chance_s
        reached = now + TIMER_SLACK_S
        if not suspicion.is_warned and reached >= suspicion.deadline - notice_s:
            if now - suspicion.deadline > notice_s / 2 and not suspicion.is_postponed:
                suspicion.postpone(now + notice_s)  # we had stalled: a refutation may wait to be read
            suspicion.is_warned = True
            self._schedule(timer.key, suspicion, now)
            return Due.LAST_CHANCE
        return Due.OVER if reached >= suspicion.deadline else Due.NOTHING  # else a later timer is under way

    def settle(self, before: Member | None, after: Member, now: float) -> None:
        """End the suspicion against a member that is no longer suspected, and remember what it teaches."""
        is_private = self.is_private(after.key)
        if after.is_live or after.state is MemberState.LEFT:
            self.forget(after.key)
        if after.state is MemberState.SUSPECT:
            return
        self._under_way.pop(after.key, None)
        self._doubted_in_private.discard(after.key)
        if before is None or is_private or after.state is not MemberState.ALIVE:
            return
        if before.state in _DOUBTED and after.epoch == before.epoch:
            self._flaps.note(after.key, now)

    def bury(self, death: Dead, known: Member, *, private: bool) -> None:
        """Remember who had accused a member that is held dead from now on, known here or told."""
        before = self._under_way[death.key].accusers if self.is_about(death, known) else []
        accusers = list(dict.fromkeys([*before, *split(death.accusers)]))
        self._accusers_of_dead[death.key] = b"".join(accusers[: self._settings.confirmations + 1])
        if private:
            self._dead_in_private.add(death.key)
        else:
            self._dead_in_private.discard(death.key)

    def publish_deaths(self) -> None:
        """Hold those for dead like any others that were held dead in private: nobody knew better."""
        self._dead_in_private.clear()

    def forget(self, key: bytes) -> None:
        """Drop what is kept about a member that is held dead no longer."""
        self._accusers_of_dead.pop(key, None)
        self._dead_in_private.discard(key)

    def _schedule(self, key: bytes, suspicion: Suspicion, now: float) -> None:
        """Set a timer for the last chance, or for the end once that was given."""
        notice_s = 0.0 if suspicion.is_warned else self._settings.last_chance_s
        timer = SuspicionExpiry(key, suspicion.number)
        self._outbox.schedule(timer, suspicion.deadline - notice_s - now)


def split(accusers: bytes) -> list[bytes]:
    """Return the shortened keys in a claim."""
    return [accusers[at : at + ACCUSER_BYTES] for at in range(0, len(accusers), ACCUSER_BYTES)]
