"""Who counts, and whether this node's side is more than half of them: a pure machine.

Who counts must be agreed, or each side of a split could count itself large. So:

- Whoever joins does not count at once. On the majority's side, and only there, the *keeper* (the live member
  that votes and has the smallest id) lets newcomers count once they have been there for `welcome_s`. A
  minority that grows therefore never becomes a second majority: its newcomers wait for the end of the split.
- For `settle_s` after a change of the keeper's, this node demands a majority of the former set as well as of
  the new one. Whoever has not heard yet of the new set uses the former one, and two majorities of one set
  always share a member.
- Whoever leaves the majority in good order counts no more: it is struck off by one that counts and stays,
  and goes only when it has written that down itself. A leaver is on no side, and taking k members that are
  nowhere from the total of a side that has less than half never gives it more. It is not struck off if
  those who stay would be no majority, or the restart of one node could cost it for good. It is still seen
  until its goodbye has come, and the keeper must not take it for a newcomer that has waited: its wait begins
  when it is struck off. Who is about to go strikes nobody off, so when all go at once those who find nobody
  to stay go on counting, and at least one does: for these a stop of all is like a crash of all.
- Whoever dies goes on counting. Only a majority may give up a member that was gone for `dead_memory_s`, and
  only an operator may give up the dead of a minority (`strike`).
- A node that is not the majority does not believe that it has become it before it has compared books with
  those who came back: the others may have gone on without it.
- A node that has never been told who counts is no majority, however many it sees, and hears it only from a
  whole book. One that has lost its book although it counts is a member without a vote (it shows no book to
  anybody), until a majority that does not need it has counted it anew.

What the times must be: `settle_s` longer than it takes to notice a death and to spread a rumour. It is not a
consensus, and nothing here may be used as one: a whole side that is paused for longer than that, a book that
is put back from a backup, or one that is lost by a node which starts again on a side where nobody has heard
yet that it counts, can make two majorities.

Source: Jajodia and Mutchler, "Dynamic voting algorithms for maintaining the consistency of a replicated
database" (1990), for majorities of a set that changes with the majority; Ongaro's Raft thesis, chapter 4,
for the two sets at once; story 018.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from zlib import crc32

from caxton_node.cluster.agreement import Book, Line
from caxton_node.cluster.effects import Compare, Effect, Tell, Turned
from caxton_node.cluster.hearing import Hearing
from caxton_node.cluster.partitions import (
    PartitionChanged,
    PartitionView,
    Standpoint,
    has_majority,
    partition_view,
)

COUNTED_PER_TURN_MAX = 80
"""As many as broadcasts carry at a time; a thousand newcomers count within a quarter of a minute."""

_NEAR = 4  # with fewer the graph of who compares with whom might fall apart
_FAR_SHARE = 0.1  # now and then with anybody, so that no unlucky graph lasts


@dataclass(frozen=True, slots=True)
class QuorumSettings:
    """When things happen.

    Attributes:
        welcome_s: How long a newcomer must have been there before it counts.
        settle_s: How long the former set must have a majority too.
        compare_s: Time between comparisons with a random member.
        dead_memory_s: After so long the majority gives up a dead member.
    """

    welcome_s: float = 5.0
    settle_s: float = 20.0
    compare_s: float = 10.0
    dead_memory_s: float = 86_400.0

    @classmethod
    def paced(cls, probe_interval_s: float) -> QuorumSettings:
        """Return the times that fit a membership with this probe interval."""
        return cls(
            welcome_s=5 * probe_interval_s, settle_s=20 * probe_interval_s, compare_s=10 * probe_interval_s
        )


class Quorum:
    """The view of one node.

    Args:
        me: This node.
        book: What it knew of who counts when it last ran; empty for one that has never been told, or has lost
            it. A founder counts itself.
        settings: When things happen.
        rng: Chooses whom to compare with.
        now: Monotonic time in seconds.
    """

    def __init__(
        self, me: str, book: Book, settings: QuorumSettings, *, rng: random.Random, now: float
    ) -> None:
        self.book = book
        self._me = me
        self._settings = settings
        self._rng = rng
        self._is_leaving = False
        self._since = {me: now}
        self._gone_since = dict.fromkeys(book.counted - {me}, now)
        self._unsettled_since = dict.fromkeys(book.unsettled, now)
        self._hearing = Hearing(me)
        self._compared_at = now
        self._majority_since = now
        self._view = self._judge()

    @property
    def standpoint(self) -> Standpoint:
        """Return how the cluster looks from here."""
        counted = self.book.counted
        waiting = tuple(sorted(self._since.keys() - (counted - self._hearing.voiceless.keys())))
        return Standpoint(self._view, tuple(sorted(self._since)), tuple(sorted(counted)), waiting)

    @property
    def shown(self) -> Book:
        """Return the book to show to others and to keep on disk; empty while this node has no vote."""
        return Book() if self._me in self._hearing.voiceless else self.book

    # -- what happens ---------------------------------------------------------------------------------------

    def handle_alive(self, node: str, now: float) -> list[Effect]:
        """Note that a member is there: new, or back."""
        self._gone_since.pop(node, None)
        if node in self._since:
            return []
        self._since[node] = now
        effects: list[Effect] = []
        if self._view is not PartitionView.MAJORITY and self._hearing.is_to_ask(node):
            effects.append(Compare(node))
        return [*effects, *self._turn_view(now)]

    def handle_gone(self, node: str, now: float) -> list[Effect]:
        """Note that a member is dead or has left; it counts until somebody has struck it off."""
        self._since.pop(node, None)
        self._hearing.forget(node)
        if node in self.book.counted:
            self._gone_since[node] = now
        return list(self._turn_view(now))

    def handle_leaver(self, node: str, now: float) -> list[Effect]:
        """Strike off a member that asks for it, if those who stay are the majority without it too.

        Else it stays counted, and the majority comes back with it. One that is about to go strikes nobody.
        """
        if self._is_leaving or self._me not in self._voters or not self._may_strike(node):
            return []
        written = self.book.strike([node], settled=True)
        self._note_changes(written, now)
        return [*([Tell(written)] if written else []), *self._turn_view(now)]

    def handle_book(self, peer: str, lines: Mapping[str, Line], now: float) -> list[Effect]:
        """Take over what another one's book, or a broadcast of it, says.

        Args:
            peer: Whose book it is; empty for a broadcast, which is no comparison, and from which nobody
                learns for the first time who counts: it says it of a few.
            lines: All of its lines, or some.
            now: Monotonic time in seconds.
        """
        if not peer and not len(self.book):
            return []
        if peer and not lines:
            return self.handle_empty(peer, now)
        was_told = len(self.book) > 0
        self._handle_heard(peer)
        changed = self.book.merge(lines)
        self._note_changes(changed, now)
        if not was_told and self._me in self.book.counted:
            self._hearing.voiceless[self._me] = changed[self._me].turn
        return list(self._turn_view(now))

    def handle_same(self, peer: str, now: float) -> list[Effect]:
        """Note that a member's book says the same."""
        self._handle_heard(peer)
        return list(self._turn_view(now))

    def handle_empty(self, peer: str, now: float) -> list[Effect]:
        """Note that a member has no book, although it may count: it has no vote until it counts anew."""
        self._handle_heard(peer)
        if peer in self._since:
            line = self.book.find(peer)
            self._hearing.voiceless[peer] = line.turn if line else 0
        return list(self._turn_view(now))

    def handle_silence(self, peer: str, now: float) -> list[Effect]:
        """Note that a member did not give its book; after some tries its word is not waited for."""
        self._hearing.handle_silence(peer)
        return list(self._turn_view(now))

    def handle_turn(self, now: float, linked: Collection[str] = ()) -> list[Effect]:
        """Do what is due; call it about once per probe interval.

        Args:
            now: Monotonic seconds.
            linked: Members to whom a link is up. They are preferred for comparisons, since in a large cluster
                a random member each time would begin, or keep up, a link to every one.
        """
        effects: list[Effect] = [Compare(node) for node in self._hearing.awaited]
        others = sorted(self._since.keys() - {self._me} - self._hearing.awaited.keys())
        is_due = now - self._compared_at >= self._settings.compare_s
        if others and (is_due or not self.book.counted):
            self._compared_at = now
            effects.append(Compare(self._choose(others, linked)))
        if self._view is PartitionView.MAJORITY:
            self._settle(now)
            if self._is_keeper():
                effects += self._keep(now)
        return [*effects, *self._turn_view(now)]

    # -- commands -------------------------------------------------------------------------------------------

    def strike(self, nodes: Iterable[str], now: float) -> list[Effect]:
        """Give up members that will not come back, because an operator says so.

        Those that are alive are passed over. If nobody is left who counts, those that are seen do from now
        on: the operator says that they are the cluster.
        """
        gone = set(nodes) - self._since.keys()
        written = self.book.strike(gone, settled=True)
        self.book.settle(self.book.unsettled - self.book.counted - self._since.keys())
        if not self.book.counted:
            self._hearing.voiceless.clear()
            written |= self.book.count(self._since, settled=True)
        self._note_changes(written, now)
        return [*([Tell(written)] if written else []), *self._turn_view(now)]

    def leave(self) -> list[str]:
        """Begin to go; return whom to ask to strike this node off (`handle_leaver`), best first.

        Nobody, if it does not count or is needed: the last one goes on counting, or nobody would know after a
        stop of all where to begin again.
        """
        self._is_leaving = True
        voters = self._voters
        return sorted(voters - {self._me}) if self._me in voters and self._may_strike(self._me) else []

    def strike_self(self, now: float) -> list[Effect]:
        """Count this node no more: it was asked for, and whether it was done is not known."""
        self.book.strike([self._me], settled=True)
        return list(self._turn_view(now))

    # -- inside ---------------------------------------------------------------------------------------------

    @property
    def _voters(self) -> frozenset[str]:
        return self.book.counted.intersection(self._since) - self._hearing.voiceless.keys()

    def _may_strike(self, leaver: str) -> bool:
        staying = self._voters - {leaver}
        electorates = (self.book.counted - {leaver}, self.book.settled - {leaver})
        return bool(staying) and all(
            has_majority(staying, electorate) for electorate in electorates if electorate
        )

    def _judge(self) -> PartitionView:
        counted, voters = self.book.counted, self._voters
        if partition_view(self._since, counted) is PartitionView.MAJORITY and all(
            has_majority(voters, electorate) for electorate in (counted, self.book.settled or counted)
        ):
            return PartitionView.MAJORITY
        return PartitionView.ISOLATED if len(self._since) == 1 else PartitionView.MINORITY

    def _turn_view(self, now: float) -> Iterator[Effect]:
        view, before = self._judge(), self._view
        if view is PartitionView.MAJORITY and before is not view and self._hearing.awaited:
            view = PartitionView.ISOLATED if len(self._since) == 1 else PartitionView.MINORITY
        if view is before or self._is_leaving:
            return
        self._view = view
        self._majority_since = now
        at = self.standpoint
        yield Turned(PartitionChanged(view, before, at.alive, at.agreed, at.lost))

    def _handle_heard(self, peer: str) -> None:
        if peer:
            self._hearing.handle_book(peer, had_none_to_show=not len(self.shown))

    def _choose(self, others: list[str], linked: Collection[str]) -> str:
        """Choose whom to compare with; who has no vote goes to the one that can give it one."""
        if self._me in self._hearing.voiceless and self._voters:
            return min(self._voters)
        near = [node for node in others if node in linked]
        if len(near) < _NEAR or self._rng.random() < _FAR_SHARE:
            return self._rng.choice(others)
        # always the same few, so that the other links are not kept up for this
        near.sort(key=lambda node: crc32(f"{self._me} {node}".encode()))
        return self._rng.choice(near[:_NEAR])

    def _note_changes(self, lines: Mapping[str, Line], now: float) -> None:
        for node, line in lines.items():
            self._unsettled_since.pop(node, None)
            self._hearing.handle_line(node, line.turn, self._since)
            if not line.counts:
                self._gone_since.pop(node, None)
                if node in self._since:  # it is about to go: if not, it waits again as a newcomer does
                    self._since[node] = now
            elif node not in self._since:
                self._gone_since.setdefault(node, now)
        self._unsettled_since |= dict.fromkeys(self.book.unsettled.intersection(lines), now)

    def _settle(self, now: float) -> None:
        """Demand no majority of the former set any more, where everybody must have heard of the new one."""
        since = {node: max(at, self._majority_since) for node, at in self._unsettled_since.items()}
        ripe = [node for node, at in since.items() if now - at >= self._settings.settle_s]
        for node in ripe:
            del self._unsettled_since[node]
        self.book.settle(ripe)

    def _is_keeper(self) -> bool:
        return not self._is_leaving and self._me == min(self._voters, default=None)

    def _keep(self, now: float) -> list[Effect]:
        """Let newcomers count, and those that have lost their book; give up the long gone; tell everybody."""
        settings, counted = self._settings, self.book.counted
        since = {node: max(at, self._majority_since) for node, at in self._since.items()}
        come = [node for node in self.standpoint.waiting if now - since[node] >= settings.welcome_s]
        gone = [
            node
            for node, at in self._gone_since.items()
            if node in counted and now - max(at, self._majority_since) >= settings.dead_memory_s
        ]
        written = self.book.count(come[:COUNTED_PER_TURN_MAX])
        written |= self.book.strike(gone, settled=False)
        self._note_changes(written, now)
        return [Tell(written)] if written else []
