"""Whom to probe, whom to tell, whom to ask for help: by turns if everybody must come up, else at random."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush

from swim.member import Member
from swim.permutation import Permutation, shuffled
from swim.roster import Roster

HEARD_LATELY = 16
NEIGHBOURS_FROM = 8
"""In a smaller cluster everybody comes up often enough by turns alone."""
_DRAWS_PER_PICK = 8


class Cycle:
    """All members in random order, everybody once before anybody again; reshuffled for each round.

    Members of the roster's base are known by their number in it, so that a round over a base costs each
    simulated node a few integers; everybody else is in a list of its own.
    """

    def __init__(self, rng: random.Random, roster: Roster) -> None:
        self._rng = rng
        self._roster = roster
        self._more: list[bytes] = []
        self._others: set[bytes] = set()  # the same, to look one up
        self._order: Sequence[int] | Permutation = ()
        self._at = 0
        self._late: list[tuple[int, float, bytes]] = []  # heap of newcomers by their place in the order

    def __len__(self) -> int:
        base = self._roster.base
        return len(self._more) + (len(base.keys) if base else 0)

    def add(self, key: bytes) -> None:
        """Let a newcomer have its turn at a random place in the rest of this round.

        Who is only back has its turn already, in this round or the next: members that come and go all the
        time must not take the turns of those who have gone for good.
        """
        if self._is_shared(key) or key in self._others:
            return
        self._others.add(key)
        self._more.append(key)
        place = self._rng.randint(self._at, len(self._order))
        heappush(self._late, (place, self._rng.random(), key))

    def take(self, count: int, find: Callable[[bytes], Member | None]) -> list[Member]:
        """Return the next `count` different members that `find` finds, fewer if there are fewer."""
        taken: dict[bytes, Member] = {}
        for _ in range(2):
            while len(taken) < count and (key := self._next()) is not None:
                member = find(key)
                if member is not None:
                    taken[member.key] = member
            if len(taken) == count:
                break
            self._begin_round(find)
        return list(taken.values())

    def draw(self, count: int) -> Iterator[bytes]:
        """Yield keys at random, some perhaps twice: all of them if there are few, else a good many."""
        total = len(self)
        if total <= 2 * count:
            yield from (self._key(number) for number in self._rng.sample(range(total), total))
            return
        for _ in range(count * _DRAWS_PER_PICK):
            yield self._key(self._rng.randrange(total))

    def _next(self) -> bytes | None:
        if self._late and self._late[0][0] <= self._at:
            return heappop(self._late)[2]
        if self._at == len(self._order):
            return None
        self._at += 1
        return self._key(self._order[self._at - 1])

    def _begin_round(self, find: Callable[[bytes], Member | None]) -> None:
        self._others = {key for key in self._more if find(key) and not self._is_shared(key)}
        self._more = sorted(self._others)
        self._order = shuffled(len(self), self._rng)
        self._at = 0

    def _key(self, number: int) -> bytes:
        base = self._roster.base
        if base is None:
            return self._more[number]
        shared = base.keys
        return shared[number] if number < len(shared) else self._more[number - len(shared)]

    def _is_shared(self, key: bytes) -> bool:
        return self._roster.base is not None and key in self._roster.base.records


class Rounds:
    """Whom to probe, whom to tell and whom to ask: live members but this node, by turns or at random."""

    def __init__(self, me: bytes, roster: Roster, rng: random.Random) -> None:
        self._me = me
        self._roster = roster
        self._rng = rng
        self._probing = Cycle(rng, roster)
        self._telling = Cycle(rng, roster)
        self._heard: dict[bytes, None] = {}
        self._is_neighbours_turn = False

    def next(self) -> Member | None:
        """Return the member whose turn it is to be probed, or None if this node is alone.

        Every second turn is that of the neighbour, whose key follows this node's. If turns were left to
        chance alone, nobody would probe a given member in one second out of three; its neighbour does within
        two, so a crash is never noticed much later than usual.
        """
        self._admit_newcomers()
        self._is_neighbours_turn = not self._is_neighbours_turn
        if self._is_neighbours_turn and self._roster.live_count > NEIGHBOURS_FROM:
            return self._roster.successor(self._me)
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
            if len(chosen) == count:
                break
            member = self._find_live(key)
            if member is not None and key != without:
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
        return member if member is not None and member.is_live and key != self._me else None

    def _admit_newcomers(self) -> None:
        for key in self._roster.take_newcomers():
            if key != self._me:
                self._probing.add(key)
                self._telling.add(key)
