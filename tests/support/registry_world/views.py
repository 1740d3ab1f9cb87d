"""Who sees whom: membership as the registry needs it.

A membership says who is there; here the scenario says so. How fast its news spreads is drawn from what the
real membership does in its own simulation (`tests/bench/swim_sim`, and splits of 64 and 256 nodes in it):
everybody has heard of a newcomer after half a second; from the first contact after a split the two sides know
each other in 0.6 s (256 nodes; up to 1.5 s are allowed for a thousand), each node learning of the others a
few at a time; a crash is known 8 to 10 seconds after it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from tests.support.registry_world.links import Range

HEARD_OF_NEWCOMER_S = (0.05, 0.5)
HEARD_OF_RETURN_S = (0.05, 1.5)
HEARD_OF_DEATH_S = (8.0, 10.0)
TICK_S = 0.1
"""News comes with rounds of gossip, so what a node learns comes in lots."""


class View:
    """Whom one node sees."""

    def __init__(self, node_id: str, others: Iterable[str]) -> None:
        self.node_id = node_id
        self._seen = {node: True for node in others if node != node_id}
        self._listed: list[str] | None = None

    def __contains__(self, node: str) -> bool:
        return node == self.node_id or node in self._seen

    def others(self) -> list[str]:
        """Return whom it sees; do not change the list."""
        if self._listed is None:
            self._listed = list(self._seen)
        return self._listed

    def add(self, nodes: Iterable[str]) -> list[str]:
        """See these from now on; return those that are new."""
        fresh = [node for node in nodes if node not in self]
        self._seen.update((node, True) for node in fresh)
        self._listed = None if fresh else self._listed
        return fresh

    def remove(self, nodes: Iterable[str]) -> list[str]:
        """See these no longer; return those that were seen."""
        gone = [node for node in nodes if self._seen.pop(node, False)]
        self._listed = None if gone else self._listed
        return gone


def in_lots(nodes: Iterable[str], within_s: Range, rng: random.Random) -> dict[float, list[str]]:
    """Draw when one node hears of each of these; return those it hears of at the same time, by that time."""
    first_s, last_s = within_s
    phase_s = rng.uniform(0, TICK_S)
    lots: dict[float, list[str]] = {}
    for node in nodes:
        tick = int(rng.uniform(first_s, last_s) / TICK_S)
        lots.setdefault(phase_s + tick * TICK_S, []).append(node)
    return lots
