"""What waits to be told, and how often it was told already.

Source: hashicorp/memberlist, queue.go: fewest transmits first, then largest, then newest; what is too large
for the rest of a packet is passed over; a newer message about a member replaces the older one.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

from tests.bench.swim_sim.memberlist.messages import Claim

PART_BYTES = 2
"""What each message costs besides itself in a compound packet."""


@dataclass(slots=True, eq=False)
class Broadcast:
    """One message on its way."""

    name: str
    claim: Claim
    encoded: bytes
    order: int
    transmits: int = 0


Ranked = tuple[int, int, Broadcast]
"""A message with its place among those told equally often: minus its length, minus its order."""


class BroadcastQueue:
    """The messages of one member."""

    def __init__(self) -> None:
        self._by_name: dict[str, Broadcast] = {}
        self._tiers: dict[int, list[Ranked]] = {}
        self._order = 0

    def __len__(self) -> int:
        return len(self._by_name)

    def put(self, name: str, claim: Claim, encoded: bytes) -> None:
        """Queue a message in place of the one with the same name."""
        former = self._by_name.get(name)
        if former is not None:
            ranked = _rank(former)
            tier = self._tiers[former.transmits]
            del tier[bisect_left(tier, ranked[:2])]
        self._order += 1
        self._add(Broadcast(name, claim, encoded, self._order))

    def fill(self, room_bytes: int, transmit_limit: int) -> list[Broadcast]:
        """Take what fits into the rest of a packet, each message once."""
        told: list[Broadcast] = []
        for transmits in sorted(self._tiers):
            tier = self._tiers[transmits]
            while (place := bisect_left(tier, (PART_BYTES - room_bytes,))) < len(tier):
                broadcast = tier.pop(place)[2]
                room_bytes -= PART_BYTES + len(broadcast.encoded)
                told.append(broadcast)
            if not tier:
                del self._tiers[transmits]
        for broadcast in told:
            self._count(broadcast, transmit_limit)
        return told

    def _count(self, broadcast: Broadcast, transmit_limit: int) -> None:
        broadcast.transmits += 1
        if broadcast.transmits < transmit_limit:
            self._add(broadcast)
        else:
            del self._by_name[broadcast.name]

    def _add(self, broadcast: Broadcast) -> None:
        insort(self._tiers.setdefault(broadcast.transmits, []), _rank(broadcast))
        self._by_name[broadcast.name] = broadcast


def _rank(broadcast: Broadcast) -> Ranked:
    return -len(broadcast.encoded), -broadcast.order, broadcast
