"""The right to run what is consistent: held as long as a majority has answered a moment ago.

    this node     asks all who count, again and again; the lease lasts from the asking, if a majority answers
    the majority  gives a dead node's replicas to another only when every lease of that node is over

Membership alone is not enough. The two sides of a split notice it at different times, the cut-off node often
last, since nobody is left to agree with it; in between both would run the replica. With the lease no clock of
two nodes is compared: only how long seconds are, and that an asking comes before its answer.

Who holds the asker for dead does not answer, so a node that is seen by some and given up by others keeps its
lease only if a majority still sees it.

What it does not cover: a process that is stopped for longer than the lease (by a debugger, a frozen virtual
machine) handles what was in its agents' hands before it notices.

Source: Gray and Cheriton, "Leases: an efficient fault-tolerant mechanism", 1989.
"""

from __future__ import annotations

from collections.abc import Collection

from caxton_node.cluster.partitions import has_majority

LEASE_S = 5.0
ASKS_PER_LEASE = 4
MEMBERS_PER_S = 50
"""Requests that asking may cost a node each second; in larger clusters leases are longer instead."""


def lease_s(members: int) -> float:
    """Return how long a lease lasts in a cluster of this size."""
    return max(LEASE_S, ASKS_PER_LEASE * members / MEMBERS_PER_S)


class Lease:
    """What this node has of a majority's consent.

    Args:
        node_id: This node.
    """

    def __init__(self, node_id: str) -> None:
        self._node_id = node_id
        self._until = float("-inf")

    def handle_answers(self, asked_at: float, answered: Collection[str], agreed: Collection[str]) -> None:
        """Take the answers to one round of asking in.

        Args:
            asked_at: Monotonic instant before the first question was sent.
            answered: Who answered; this node itself need not be among them.
            agreed: Who counts.
        """
        if has_majority({*answered, self._node_id}, agreed):
            self._until = max(self._until, asked_at + lease_s(len(agreed)))

    def holds(self, now: float, agreed: Collection[str]) -> bool:
        """Tell whether it may run what is consistent; a node that is all of its cluster always may."""
        return now < self._until or set(agreed) == {self._node_id}
