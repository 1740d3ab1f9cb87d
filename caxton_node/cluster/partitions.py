"""Which side of a split this node is on.

The rule: of the members that the cluster last agreed on, the side that sees more than half is the majority;
with exactly half, the side that holds the smallest node id is (so that both halves choose the same winner);
below that, a minority; and a node that sees nobody of several is isolated. `quorum.py` keeps who is agreed
on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from caxton_node.core.errors import Partitioned


class PartitionView(StrEnum):
    """What this node may assume about the rest."""

    MAJORITY = "majority"
    MINORITY = "minority"
    ISOLATED = "isolated"


class OnMinority(StrEnum):
    """What a node that is not on the majority's side does with changes of what the cluster shares."""

    AVAILABLE = "available"
    CONSISTENT = "consistent"


@dataclass(frozen=True, slots=True)
class Standpoint:
    """How the cluster looks from this node at one moment.

    Attributes:
        view: Which side this is.
        alive: Ids of members seen alive or suspect, this node among them, sorted.
        agreed: Ids of the members that count, sorted.
        waiting: Ids of members that are alive and have no vote, sorted: they do not count yet, or have lost
            their book of who does.
    """

    view: PartitionView
    alive: tuple[str, ...]
    agreed: tuple[str, ...]
    waiting: tuple[str, ...] = ()

    @property
    def lost(self) -> tuple[str, ...]:
        """Return the members that count and are not seen, sorted."""
        alive = set(self.alive)
        return tuple(node for node in self.agreed if node not in alive)

    @property
    def seen(self) -> int:
        """Return how many of those that count are seen and have a vote."""
        return len(set(self.agreed).intersection(self.alive).difference(self.waiting))


@dataclass(frozen=True, slots=True)
class PartitionChanged:
    """Published when the view of this node changes.

    Attributes:
        view: Which side it is on now.
        before: Which it was on.
        alive: Ids of members seen alive or suspect, this node among them, sorted.
        agreed: Ids of the members that count, sorted.
        lost: Ids of those that count and are not seen, sorted.
    """

    view: PartitionView
    before: PartitionView
    alive: tuple[str, ...]
    agreed: tuple[str, ...]
    lost: tuple[str, ...]


def has_majority(alive: Collection[str], agreed: Collection[str]) -> bool:
    """Tell whether more than half of `agreed` is alive, or exactly half with the smallest id among them."""
    together = len(frozenset(agreed).intersection(alive))
    if together * 2 == len(agreed):
        return bool(agreed) and min(agreed) in alive
    return together * 2 > len(agreed)


def partition_view(alive: Collection[str], agreed: Collection[str]) -> PartitionView:
    """Judge from the node ids alive here, self included, and all that count.

    Args:
        alive: Ids of members seen alive or suspect, this node among them.
        agreed: Ids of all members that count, dead ones included.
    """
    if len(alive) == 1 and not set(agreed) <= set(alive):
        return PartitionView.ISOLATED
    return PartitionView.MAJORITY if has_majority(alive, agreed) else PartitionView.MINORITY


def check_may_change(standpoint: Standpoint, policy: OnMinority) -> None:
    """Let a change of what the cluster shares pass, or not.

    Raises:
        Partitioned: This side is not the majority and the policy is `consistent`; nothing was changed.
    """
    if policy is OnMinority.AVAILABLE or standpoint.view is PartitionView.MAJORITY:
        return
    lost = ", ".join(standpoint.lost[:5]) + (" and others" if len(standpoint.lost) > 5 else "")
    side = "isolated" if standpoint.view is PartitionView.ISOLATED else "on the minority's side"
    seen = f"sees {standpoint.seen} of {len(standpoint.agreed)} members" + (f", not {lost}" if lost else "")
    raise Partitioned(
        f"this node is {side} and takes no changes",
        why=f"it {seen}, and cluster.on_minority is consistent",
        hint="ask a node of the majority, or wait; if the others will not come back: "
        "caxton cluster resolve-partition --forget-all-dead",
    )
