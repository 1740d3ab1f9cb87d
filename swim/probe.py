"""Probing one member per period, and judging what came back.

    0            timeout / 2      timeout             period x (health + 1)
    | ping ----> | ping again --> | ask helpers ----> | judge, next member

Members are probed in a shuffled round, so everybody is probed within two rounds whatever chance does;
newcomers enter at a random place. The judgement, in this order:

1. An answer, or any packet from the member since the probe began: it is alive. Whoever can speak is not dead.
2. Helpers were asked and nobody at all was heard meanwhile: it is we who are cut off. Accuse nobody; but
   not for ever, since in a small cluster all others may really be gone.
3. Two helpers (all, if fewer) say that they could not reach it either: accuse it, with them as witnesses.
4. Otherwise one path was bad: probe the same member again with other helpers. The second time one witness
   is enough, the third time none is needed.

Rejected: accusing after the first unanswered probe, as the paper does. With 20 % loss that starts a
suspicion for one probe in a hundred, and the refutations alone multiply the traffic.

Source: SWIM, sections 3.1 and 4.3; Lifeguard, section IV-A (nack); DESIGN.md, "Probing".
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from swim.member import Member
from swim.roster import Roster

ISOLATION_PATIENCE = 3
"""Probes in a row during which nobody was heard before everybody is doubted."""
WITNESSES = 2
STRIKES_MAX = 2
HEARD_LATELY = 16
_DRAWS_PER_PICK = 8


class Verdict(StrEnum):
    """What a probe that ran its time has shown."""

    ALIVE = "alive"
    ISOLATED = "isolated"
    ACCUSED = "accused"
    UNSURE = "unsure"


@dataclass(slots=True)
class Probe:
    """One probe under way.

    Attributes:
        sequence: Comes back in answers.
        target: Key of the member.
        began_at: When the first ping went out.
        ends_at: When it is judged.
        strikes: How often this target stayed unsure just before.
        answered: An ack came, from the target or through a helper.
        target_heard: Any packet from the target arrived.
        anybody_heard: Any packet from any member arrived.
        helpers: Keys of the members asked to help.
        nackers: Those of them that could not reach the target.
    """

    sequence: int
    target: bytes
    began_at: float
    ends_at: float
    strikes: int = 0
    answered: bool = False
    target_heard: bool = False
    anybody_heard: bool = False
    helpers: list[bytes] = field(default_factory=list)
    nackers: list[bytes] = field(default_factory=list)

    @property
    def silent_helpers(self) -> int:
        """Return how many helpers sent nothing: a sign that this node is not well heard."""
        return len(self.helpers) - len(self.nackers)


def judge(probe: Probe) -> Verdict:
    """Return what a probe has shown."""
    if probe.answered or probe.target_heard:
        return Verdict.ALIVE
    if probe.helpers and not probe.anybody_heard:
        return Verdict.ISOLATED
    if len(probe.nackers) >= min(WITNESSES, len(probe.helpers)):
        return Verdict.ACCUSED
    if probe.strikes >= STRIKES_MAX or (probe.strikes and probe.nackers):
        return Verdict.ACCUSED
    return Verdict.UNSURE


class Cycle:
    """All members in random order, everybody once before anybody again; reshuffled for each round."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._order: list[bytes] = []
        self._at = 0

    def __len__(self) -> int:
        return len(self._order)

    def add(self, key: bytes) -> None:
        """Let a newcomer have its turn at a random place in the rest of this round."""
        self._order.insert(self._rng.randint(self._at, len(self._order)), key)

    def take(self, count: int, find: Callable[[bytes], Member | None]) -> list[Member]:
        """Return the next `count` different members that `find` finds, fewer if there are fewer."""
        taken: dict[bytes, Member] = {}
        for _ in range(2):
            while self._at < len(self._order) and len(taken) < count:
                member = find(self._order[self._at])
                self._at += 1
                if member is not None:
                    taken[member.key] = member
            if len(taken) == count:
                break
            self._order = sorted({key for key in self._order if find(key)})
            self._rng.shuffle(self._order)
            self._at = 0
        return list(taken.values())

    def draw(self, count: int) -> list[bytes]:
        """Return keys at random, some perhaps twice: all of them if there are few, else a good many."""
        if len(self._order) <= 2 * count:
            return self._rng.sample(self._order, len(self._order))
        return [self._rng.choice(self._order) for _ in range(count * _DRAWS_PER_PICK)]


class Rounds:
    """Whom to probe, whom to tell and whom to ask: live members but this node, by turns or at random."""

    def __init__(self, me: bytes, roster: Roster, rng: random.Random) -> None:
        self._me = me
        self._roster = roster
        self._rng = rng
        self._probing = Cycle(rng)
        self._telling = Cycle(rng)
        self._heard: dict[bytes, None] = {}

    def next(self) -> Member | None:
        """Return the member whose turn it is to be probed, or None if this node is alone."""
        self._admit_newcomers()
        return next(iter(self._probing.take(1, self._find_live)), None)

    def listeners(self, count: int) -> list[Member]:
        """Return up to `count` members to gossip with; taking turns reaches all sooner than drawing lots."""
        self._admit_newcomers()
        return self._telling.take(count, self._find_live)

    def sample(self, count: int, *, without: bytes = b"") -> list[Member]:
        """Return up to `count` different random members, `without` excluded."""
        self._admit_newcomers()
        chosen: dict[bytes, Member] = {}
        for key in self._probing.draw(count):
            member = self._find_live(key)
            if member is not None and key != without and len(chosen) < count:
                chosen[key] = member
        return list(chosen.values())

    def hear(self, sender: bytes) -> None:
        """Note that a member was heard; the last `HEARD_LATELY` different ones are remembered."""
        self._heard.pop(sender, None)
        self._heard[sender] = None
        if len(self._heard) > HEARD_LATELY:
            del self._heard[next(iter(self._heard))]

    def helpers(self, count: int, *, for_target: bytes) -> list[Member]:
        """Return up to `count` different live members to help with a probe, those heard lately before others.

        A helper that is cut off itself tells nothing, and its silence looks like our own illness. Whom we
        heard is random too, since everybody probes at random.
        """
        lately = [key for key in self._heard if key != for_target]
        self._rng.shuffle(lately)
        chosen = {key: self._find_live(key) for key in lately}
        helpers = [member for member in chosen.values() if member is not None][:count]
        for member in self.sample(count + len(helpers), without=for_target):
            if len(helpers) < count and member not in helpers:
                helpers.append(member)
        return helpers

    def _find_live(self, key: bytes) -> Member | None:
        member = self._roster.find(key)
        return member if member is not None and member.is_live else None

    def _admit_newcomers(self) -> None:
        for key in self._roster.take_newcomers():
            if key != self._me:
                self._probing.add(key)
                self._telling.add(key)
