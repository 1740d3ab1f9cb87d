"""What becomes of a datagram: the faults of a network, each an answer to one question.

The question is asked for each datagram: from here to there, after which delays does it arrive? No delay
means that it is lost, two that it arrives twice. Faults work per direction. Chance is drawn only for faults
that are in force, so a fault that is not used does not change a run.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product

Address = tuple[str, int]
Range = tuple[float, float]
"""Shortest and longest."""


@dataclass(slots=True)
class Faults:
    """The state of a network.

    Attributes:
        rng: Decides what is left to chance.
        delay_s: One-way delay where sites say nothing else.
        loss: Share of all datagrams that is lost.
        duplication: Share that arrives twice.
        reordering: Share that is held back, by up to `held_s`.
        held_s: Longest time a datagram is held back.
    """

    rng: random.Random
    delay_s: Range
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    held_s: float = 0.0
    _link_loss: dict[tuple[Address, Address], float] = field(default_factory=dict)
    _side: dict[Address, int] = field(default_factory=dict)
    _site: dict[Address, str] = field(default_factory=dict)
    _site_delay_s: dict[tuple[str, str], Range] = field(default_factory=dict)

    def lose_between(self, sources: Iterable[Address], targets: Iterable[Address], share: float) -> None:
        """Lose this share of what goes from `sources` to `targets`; the way back is not touched."""
        self._link_loss.update(dict.fromkeys(product(list(sources), list(targets)), share))

    def partition(self, *sides: Iterable[Address]) -> None:
        """Let datagrams through only within a side; whoever is in none stands on a side of its own."""
        self._side = {address: number for number, side in enumerate(sides) for address in side}

    def place(self, site: str, addresses: Iterable[Address]) -> None:
        """Put addresses at a site."""
        self._site.update(dict.fromkeys(addresses, site))

    def set_delay(self, one: str, other: str, delay_s: Range) -> None:
        """Say how long datagrams take between two sites, in either direction; within a site if it is one."""
        self._site_delay_s[one, other] = self._site_delay_s[other, one] = delay_s

    def clear(self) -> None:
        """End every fault; delays are none and stay."""
        self.loss = self.duplication = self.reordering = 0.0
        self._link_loss.clear()
        self._side.clear()

    def delays(self, source: Address, target: Address) -> tuple[float, ...]:
        """Return after how many seconds each copy of a datagram arrives."""
        if self._is_lost(source, target):
            return ()
        delay_s = self._delay(source, target)
        if self.duplication and self.rng.random() < self.duplication:
            return delay_s, self._delay(source, target)
        return (delay_s,)

    def is_parted(self, source: Address, target: Address) -> bool:
        """Tell whether a partition stands between two addresses."""
        return bool(self._side) and self._side.get(source, source) != self._side.get(target, target)

    def _is_lost(self, source: Address, target: Address) -> bool:
        if self.is_parted(source, target):
            return True
        share = self._link_loss.get((source, target), self.loss) if self._link_loss else self.loss
        return share > 0 and self.rng.random() < share

    def _delay(self, source: Address, target: Address) -> float:
        delay_s = self.rng.uniform(*self._range(source, target))
        if self.reordering and self.rng.random() < self.reordering:
            delay_s += self.rng.uniform(0, self.held_s)
        return delay_s

    def _range(self, source: Address, target: Address) -> Range:
        if not self._site_delay_s:
            return self.delay_s
        sites = self._site.get(source, ""), self._site.get(target, "")
        return self._site_delay_s.get(sites, self.delay_s)
