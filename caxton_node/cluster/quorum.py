"""Who counts, and whether this node's side is more than half of them: a pure machine.

Who counts must be agreed, or each side of a split could count itself large. So:

- Whoever joins does not count at once. On the majority's side, and only there, the *keeper* (the live member
  that counts and has the smallest id) lets newcomers count once they have been there for `welcome_s`. A
  minority that grows therefore never becomes a second majority: its newcomers wait for the end of the split.
- For `settle_s` after that, this node demands a majority of the old set as well as of the new one. Whoever
  has not heard yet of the new set uses the old one, and two majorities of one set always share a member.
- Whoever leaves in good order counts no more, at once and on either side: a leaver is on no side, and taking
  k members that are nowhere from the total of a side that has less than half never gives it more.
- Whoever dies goes on counting. Only a majority may give up a member that was dead for `dead_memory_s`, and
  only an operator may give up the dead of a minority (`strike`).
- A node that is not the majority does not believe that it has become it before it has compared books with
  those who came back: the others may have gone on without it.
- A node that has never been told who counts is no majority, however many it sees.

What the times must be: `settle_s` longer than it takes to notice a death and to spread a rumour. It is not a
consensus, and nothing here may be used as one.

Source: Jajodia and Mutchler, "Dynamic voting algorithms for maintaining the consistency of a replicated
database" (1990), for majorities of a set that changes with the majority; Ongaro's Raft thesis, chapter 4,
for the two sets at once; story 018.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from caxton_node.cluster.agreement import Book, Line
from caxton_node.cluster.partitions import (
    PartitionChanged,
    PartitionView,
    Standpoint,
    has_majority,
    partition_view,
)

COMPARISONS_MAX = 16
COUNTED_PER_TURN_MAX = 80
"""As many as broadcasts carry at a time; a thousand newcomers count within a quarter of a minute."""
TRIES_MAX = 3


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


@dataclass(frozen=True, slots=True)
class Compare:
    """Ask a member for its book and hand it to `handle_book`, or say `handle_silence`."""

    node: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell everybody alive these lines."""

    lines: Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class Turned:
    """The view has changed."""

    change: PartitionChanged


Effect = Compare | Tell | Turned


class Quorum:
    """The view of one node.

    Args:
        me: This node.
        book: What it knew of who counts when it last ran; empty for one that has never been told. A founder
            counts itself.
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
        self._since = {me: now}
        self._dead_since = dict.fromkeys(book.counted - {me}, now)
        self._counted_since = dict.fromkeys(book.counted - book.settled, now)
        self._unheard: dict[str, int] = {}
        self._compared_at = now
        self._majority_since = now
        self._view = self._judge()

    @property
    def standpoint(self) -> Standpoint:
        """Return how the cluster looks from here."""
        counted = self.book.counted
        alive = sorted(self._since)
        waiting = tuple(node for node in alive if node not in counted)
        return Standpoint(self._view, tuple(alive), tuple(sorted(counted)), waiting)

    # -- what happens ---------------------------------------------------------------------------------------

    def handle_alive(self, node: str, now: float) -> list[Effect]:
        """Note that a member is there: new, or back."""
        self._dead_since.pop(node, None)
        if node in self._since:
            return []
        self._since[node] = now
        effects: list[Effect] = []
        if self._view is not PartitionView.MAJORITY and len(self._unheard) < COMPARISONS_MAX:
            self._unheard[node] = 0
            effects.append(Compare(node))
        return [*effects, *self._turn_view(now)]

    def handle_died(self, node: str, now: float) -> list[Effect]:
        """Note that a member is dead; it goes on counting."""
        self._forget_live(node)
        self._dead_since[node] = now
        return list(self._turn_view(now))

    def handle_left(self, node: str, now: float) -> list[Effect]:
        """Note that a member has said goodbye; everybody hears that, so nobody needs to be told."""
        self._forget_live(node)
        self._dead_since.pop(node, None)
        self.book.strike([node])
        return list(self._turn_view(now))

    def handle_book(self, peer: str, lines: Mapping[str, Line], now: float) -> list[Effect]:
        """Take over what another one's book, or a broadcast of it, says.

        Args:
            peer: Whose book it is; empty for a broadcast, which is no comparison.
            lines: All of its lines, or some.
            now: Monotonic time in seconds.
        """
        self._unheard.pop(peer, None)
        changed = self.book.merge(lines, trusting=not self.book.counted)
        self._note_counted(changed, now)
        return list(self._turn_view(now))

    def handle_silence(self, peer: str, now: float) -> list[Effect]:
        """Note that a member did not give its book; after some tries its word is not waited for."""
        if peer in self._unheard:
            self._unheard[peer] += 1
            if self._unheard[peer] >= TRIES_MAX:
                del self._unheard[peer]
        return list(self._turn_view(now))

    def handle_turn(self, now: float) -> list[Effect]:
        """Do what is due; call it about once per probe interval."""
        effects: list[Effect] = [Compare(node) for node in self._unheard]
        others = sorted(node for node in self._since if node != self._me and node not in self._unheard)
        is_due = now - self._compared_at >= self._settings.compare_s
        if others and (is_due or not self.book.counted):
            self._compared_at = now
            effects.append(Compare(self._rng.choice(others)))
        if self._view is PartitionView.MAJORITY:
            self._settle(now)
            if self._is_keeper():
                effects += self._keep(now)
        return [*effects, *self._turn_view(now)]

    # -- commands -------------------------------------------------------------------------------------------

    def strike(self, nodes: Iterable[str], now: float) -> list[Effect]:
        """Give up members that will not come back; those that are alive are passed over."""
        written = self.book.strike([node for node in nodes if node not in self._since])
        return [*([Tell(written)] if written else []), *self._turn_view(now)]

    def leave(self) -> None:
        """Count this node no more: it is about to say goodbye, and must know that when it comes back.

        The last one goes on counting, or nobody would know after a stop of all where to begin again.
        """
        if self.book.counted != {self._me} or len(self._since) > 1:
            self.book.strike([self._me])

    # -- inside ---------------------------------------------------------------------------------------------

    def _judge(self) -> PartitionView:
        counted, alive = self.book.counted, self._since
        if not counted and len(self.book):  # everybody was given up: whoever is there begins anew
            return PartitionView.MAJORITY
        if not counted:
            return PartitionView.ISOLATED if len(alive) == 1 else PartitionView.MINORITY
        view = partition_view(alive, counted)
        settled = self.book.settled
        if view is PartitionView.MAJORITY and settled and not has_majority(alive, settled):
            return PartitionView.MINORITY
        return view

    def _turn_view(self, now: float) -> Iterator[Effect]:
        view, before = self._judge(), self._view
        if view is PartitionView.MAJORITY and before is not view and self._unheard:
            view = PartitionView.ISOLATED if len(self._since) == 1 else PartitionView.MINORITY
        if view is before:
            return
        self._view = view
        self._majority_since = now
        at = self.standpoint
        yield Turned(PartitionChanged(view, before, at.alive, at.agreed, at.lost))

    def _forget_live(self, node: str) -> None:
        self._since.pop(node, None)
        self._unheard.pop(node, None)

    def _note_counted(self, lines: Mapping[str, Line], now: float) -> None:
        fresh = self.book.counted - self.book.settled
        for node in lines:
            self._counted_since.pop(node, None)
            if node in fresh:
                self._counted_since[node] = now
                if node not in self._since:
                    self._dead_since.setdefault(node, now)

    def _settle(self, now: float) -> None:
        """Demand no majority of the former set any more, where everybody must have heard of the new one."""
        since = {node: max(at, self._majority_since) for node, at in self._counted_since.items()}
        ripe = [node for node, at in since.items() if now - at >= self._settings.settle_s]
        for node in ripe:
            del self._counted_since[node]
        self.book.settle(self.book.counted.intersection(ripe))

    def _is_keeper(self) -> bool:
        voters = self.book.counted.intersection(self._since) or set(self._since)
        return self._me == min(voters)

    def _keep(self, now: float) -> list[Effect]:
        """Let newcomers count, give up the long dead, and tell everybody."""
        settings, counted = self._settings, self.book.counted
        since = {node: max(at, self._majority_since) for node, at in self._since.items()}
        come = [node for node, at in since.items() if node not in counted and now - at >= settings.welcome_s]
        gone = [
            node
            for node, at in self._dead_since.items()
            if node in counted and now - max(at, self._majority_since) >= settings.dead_memory_s
        ]
        written = self.book.count(come[:COUNTED_PER_TURN_MAX]) | self.book.strike(gone)
        self._note_counted(written, now)
        return [Tell(written)] if written else []
