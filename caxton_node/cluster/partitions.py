"""Which side of a split this node is on.

The rule: remember the largest size on which the cluster last agreed. While more than half of it is alive from
here, this side is the majority; with exactly half, the side that holds the smallest node id is (so that both
halves choose the same winner); below that, a minority; and a node that sees nobody of several is isolated.
Members that leave on purpose shrink the agreed size at once, members that die do not.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class PartitionView(StrEnum):
    """What this node may assume about the rest."""

    MAJORITY = "majority"
    MINORITY = "minority"
    ISOLATED = "isolated"


def partition_view(alive: Collection[str], agreed: Collection[str]) -> PartitionView:
    """Judge from the node ids alive here, self included, and all that have not left.

    Args:
        alive: Ids of members seen alive or suspect, this node among them.
        agreed: Ids of all members that joined and did not leave, dead ones included.
    """
    together = len(set(alive) & set(agreed))
    if together * 2 > len(agreed):
        return PartitionView.MAJORITY
    if len(alive) == 1:
        return PartitionView.ISOLATED
    if together * 2 == len(agreed) and min(agreed) in alive:
        return PartitionView.MAJORITY
    return PartitionView.MINORITY
