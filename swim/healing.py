"""Reunion: the dead are remembered and knocked on, so that a partition heals however long it lasted.

Each node knocks on one random dead member per round, with the probability dead / live: the whole cluster
then knocks at a rate that grows with the number missing but not with its own size. A node that is alone
asks its seeds too. Whoever is knocked on hears that it is held dead, refutes, and the digests of the two
sides do the rest.

Rejected: forgetting the dead after half a minute as memberlist does; two sides that have forgotten each
other never meet again.
"""

from __future__ import annotations

from swim.context import Context
from swim.detector import Detector
from swim.joining import Joiner
from swim.member import Member, MemberState
from swim.timers import KnockRound


class Healer:
    """Remembers who is gone, for a while, and tries to find them again."""

    def __init__(self, context: Context, *, detector: Detector, joiner: Joiner) -> None:
        self._settings = context.settings
        self._rng = context.rng
        self._roster = context.roster
        self._outbox = context.outbox
        self._statistics = context.statistics
        self._detector = detector
        self._joiner = joiner
        self._gone_since: dict[bytes, float] = {}
        self._given_up: set[bytes] = set()

    def start(self) -> None:
        """Begin the rounds, at a random moment."""
        self._schedule(self._rng.random())

    def give_up(self, key: bytes) -> None:
        """Go on knocking on a dead member although it is held for one that has left from now on.

        Two sides that give each other up would never meet again.
        """
        self._given_up.add(key)

    def handle_round(self, now: float) -> list[bytes]:
        """Forget who has been gone for long, knock on one of the others; return who was forgotten."""
        forgotten = self._forget(now)
        self._knock()
        if self._roster.live_count == 1 and not self._joiner.is_under_way:
            self._joiner.rejoin()
        self._schedule(1.0)
        return forgotten

    def _forget(self, now: float) -> list[bytes]:
        gone = {member.key: self._gone_since.get(member.key, now) for member in self._roster.gone()}
        old = [key for key, since in gone.items() if now - since > self._settings.dead_memory_s]
        for key in old:
            self._roster.forget(key)
            del gone[key]
        self._gone_since = gone
        self._given_up &= gone.keys()
        return old

    def _knock(self) -> None:
        dead = [member for member in self._roster.gone() if self._is_missed(member)]
        if dead and self._rng.random() < len(dead) / self._roster.live_count:
            self._statistics.knocks += 1
            self._detector.ping_dead(self._rng.choice(dead))

    def _is_missed(self, member: Member) -> bool:
        return member.state is MemberState.DEAD or member.key in self._given_up

    def _schedule(self, share: float) -> None:
        self._outbox.schedule(KnockRound(), share * self._settings.knock_interval_s)
