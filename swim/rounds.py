"""Whom to probe, whom to tell, whom to ask for help: by turns if everybody must come up, else at random."""

from __future__ import annotations

import random
from collections.abc import Callable

from swim.member import Member
from swim.roster import Roster

HEARD_LATELY = 16
_DRAWS_PER_PICK = 8


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
