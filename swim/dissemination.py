"""Rumours: what is still to be told, and which of it goes into the next datagram.

Each rumour is sent a limited number of times by each member, ceil(ln(N + 1)) + extra, which reaches all
with a small and known probability of missing one (digests find those). A datagram takes the rumours that
were told least; a newer one about the same subject takes the place of the older.

Broadcasts share the datagrams with membership. While some wait they earn a share of every datagram as
credit, and the first of them goes ahead of membership once its size is covered: a storm of joins cannot
starve them, nor can they crowd out a refutation. Rejected: strict priority for membership, under which user
events of large clusters were never sent.

Source: SWIM, section 4.1; hashicorp/memberlist issue 299.
"""

from __future__ import annotations

import math
from collections.abc import Container, Hashable
from dataclasses import dataclass

from swim.settings import Settings

MISFITS_MAX = 8
"""Rumours too large for the rest of a datagram that are looked past before it is called full."""


@dataclass(slots=True)
class _Rumour:
    data: bytes
    told: int = 0


class RumourQueue:
    """Rumours in tiers by how often they were told, oldest first within a tier."""

    def __init__(self) -> None:
        self._rumours: dict[Hashable, _Rumour] = {}
        self._tiers: list[dict[Hashable, None]] = [{}]

    def __len__(self) -> int:
        return len(self._rumours)

    def put(self, subject: Hashable, data: bytes) -> None:
        """Tell `data`, and no longer what was queued about the same subject."""
        self.discard(subject)
        self._rumours[subject] = _Rumour(data)
        self._tiers[0][subject] = None

    def discard(self, subject: Hashable) -> None:
        """Tell nothing more about a subject."""
        rumour = self._rumours.pop(subject, None)
        if rumour is not None:
            del self._tiers[rumour.told][subject]

    def head_bytes(self) -> int:
        """Return the size of the rumour that is next, 0 if there is none."""
        for tier in self._tiers:
            for subject in tier:
                return len(self._rumours[subject].data)
        return 0

    def most_told(self) -> Hashable | None:
        """Return the subject that was told most often, None if all are untold."""
        for tier in reversed(self._tiers[1:]):
            for subject in tier:
                return subject
        return None

    def take(self, room: int, limit: int, *, without: Container[Hashable] = ()) -> dict[Hashable, bytes]:
        """Return rumours that fit into `room` bytes, each counted as told once and dropped after `limit`.

        Args:
            room: Bytes that may be filled.
            limit: How often each rumour is told in all.
            without: Subjects to be left out.

        Returns:
            The rumours by subject, those told least before others.
        """
        if not self._rumours:
            return {}
        chosen = self._choose(room, without)
        for subject in chosen:
            self._count(subject, limit)
        return chosen

    def _choose(self, room: int, without: Container[Hashable]) -> dict[Hashable, bytes]:
        chosen: dict[Hashable, bytes] = {}
        misfits = 0
        for tier in self._tiers:
            for subject in tier:
                data = self._rumours[subject].data
                if subject in without:
                    continue
                if len(data) <= room:
                    chosen[subject] = data
                    room -= len(data)
                else:
                    misfits += 1
                    if misfits >= MISFITS_MAX:
                        return chosen
        return chosen

    def _count(self, subject: Hashable, limit: int) -> None:
        rumour = self._rumours[subject]
        if rumour.told + 1 >= limit:
            self.discard(subject)
            return
        del self._tiers[rumour.told][subject]
        rumour.told += 1
        if rumour.told == len(self._tiers):
            self._tiers.append({})
        self._tiers[rumour.told][subject] = None


class Dissemination:
    """The rumours about members and the broadcasts of one node.

    Claims and profiles of a member are separate subjects: a suspicion must not stop its introduction from
    spreading.
    """

    def __init__(self, settings: Settings) -> None:
        self.claims = RumourQueue()
        self.topics = RumourQueue()
        self._settings = settings
        self._credit = 0.0

    def __len__(self) -> int:
        return len(self.claims) + len(self.topics)

    def fill(self, room: int, live: int, told: set[Hashable] | None = None) -> list[bytes]:
        """Return encoded messages for the free `room` of one datagram, in a cluster of `live` members.

        Args:
            room: Bytes.
            live: Size of the cluster.
            told: Subjects that the receiver was told just now; they are left out, and the others added.
        """
        if not self.claims and not self.topics:
            return []
        told = set() if told is None else told
        claims_limit = retransmit_limit(live, self._settings.retransmit_extra)
        topics_limit = retransmit_limit(live, self._settings.topic_retransmit_extra)
        parts: list[bytes] = []

        def put(chosen: dict[Hashable, bytes]) -> int:
            told.update(chosen)
            parts.extend(chosen.values())
            return sum(map(len, chosen.values()))

        room -= put(self._take_credited(room, topics_limit, told))
        room -= put(self.claims.take(room, claims_limit, without=told))
        put(self.topics.take(room, topics_limit, without=told))
        return parts

    def _take_credited(self, room: int, limit: int, told: set[Hashable]) -> dict[Hashable, bytes]:
        if not self.topics:
            self._credit = 0.0
            return {}
        self._credit = min(float(room), self._credit + room * self._settings.topic_share)
        if self.topics.head_bytes() > self._credit:
            return {}
        chosen = self.topics.take(int(self._credit), limit, without=told)
        self._credit -= sum(map(len, chosen.values()))
        return chosen


def retransmit_limit(live: int, extra: int) -> int:
    """Return how often each member tells a rumour in a cluster of `live` members."""
    return math.ceil(math.log(live + 1)) + extra
