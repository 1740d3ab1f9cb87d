"""One direction of a bad network, as a value: what becomes of each packet, and when. Pure, seeded.

Whoever moves the packets (`tun_box` between network namespaces, `udp_proxy` on loopback) asks `admit` when
one comes and sends it on at the instants that it returns.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

_GOSSIP_BELOW = 0x40


class Kind(StrEnum):
    """What a packet carries: a middlebox may let one pass and swallow another."""

    TCP = "tcp"
    QUIC = "quic"
    GOSSIP = "gossip"
    OTHER = "other"


ALL = frozenset(Kind)
UDP = frozenset({Kind.QUIC, Kind.GOSSIP})


def kind_of_datagram(payload: bytes) -> Kind:
    """Tell gossip from QUIC on the port that both share: QUIC's first byte has its fixed bit."""
    return Kind.GOSSIP if not payload or payload[0] < _GOSSIP_BELOW else Kind.QUIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How bad a line is; the default is perfect.

    Attributes:
        delay_s: From one end to the other.
        jitter_s: At most so much more, evenly spread; it does not change the order.
        loss: Share of packets that vanish, 0 to 1.
        duplicate: Share of packets that come twice.
        reorder: Share of packets that come `reorder_s` late and are overtaken.
        reorder_s: By how much.
        rate_bytes_s: What the line carries; 0 is no limit.
        queue_s: Packets that would wait longer than this for their turn vanish, when there is a rate.
        blocks: Kinds of packet that vanish without a word.
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_s: float = 0.02
    rate_bytes_s: float = 0.0
    queue_s: float = 0.1
    blocks: frozenset[Kind] = frozenset()

    @classmethod
    def read(cls, words: dict[str, Any]) -> Self:
        """Read what `write` wrote."""
        return cls(**{**words, "blocks": frozenset(map(Kind, words.get("blocks", ())))})

    def write(self) -> dict[str, Any]:
        """Return what differs from a perfect line, for JSON."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        plain["blocks"] = sorted(self.blocks)
        return {
            name: value for name, value in plain.items() if value != getattr(PERFECT, name) and value != []
        }

    def blocking(self, kinds: frozenset[Kind]) -> Self:
        """Return the same line which swallows these kinds, and no others."""
        return replace(self, blocks=kinds)


PERFECT = Conditions()


class RoughLine:
    """Decides about packets that go in one direction.

    Attributes:
        conditions: May be replaced at any time; packets that are on their way keep their instants.
        passed: Packets that were let through, each once.
        lost: Packets that vanished.
    """

    def __init__(self, conditions: Conditions, seed: int) -> None:
        self.conditions = conditions
        self.passed = 0
        self.lost = 0
        self._rng = random.Random(seed)
        self._free_at = 0.0
        self._last_at = 0.0

    def admit(self, size_bytes: int, kind: Kind, now: float) -> tuple[float, ...]:
        """Return when a packet arrives: never, once, or twice."""
        at = self._leave_at(size_bytes, kind, now)
        if at is None:
            self.lost += 1
            return ()
        self.passed += 1
        is_twice = self._chance(self.conditions.duplicate)
        at = self._arrive_at(at)
        return (at, at) if is_twice else (at,)

    def _leave_at(self, size_bytes: int, kind: Kind, now: float) -> float | None:
        conditions = self.conditions
        if (conditions.blocks and kind in conditions.blocks) or self._chance(conditions.loss):
            return None
        if not conditions.rate_bytes_s:
            return now
        at = max(now, self._free_at)
        if at - now > conditions.queue_s:
            return None
        self._free_at = at + size_bytes / conditions.rate_bytes_s
        return self._free_at

    def _arrive_at(self, at: float) -> float:
        conditions = self.conditions
        at += conditions.delay_s
        if conditions.jitter_s:
            at += self._rng.random() * conditions.jitter_s
        if self._chance(conditions.reorder):
            return at + conditions.reorder_s
        # A line keeps the order of what goes through it, also when its delay has just been lowered.
        self._last_at = max(self._last_at, at)
        return self._last_at

    def _chance(self, share: float) -> bool:
        # No draw for what is off, so that a seed means the same losses whatever else is tried beside them.
        return share > 0 and self._rng.random() < share
