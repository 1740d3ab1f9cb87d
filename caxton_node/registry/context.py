"""What a replica has seen of everybody's writes, in one number per node.

Intuition: an entry that I lack is either news, or I have seen it deleted and have forgotten the tombstone.
The entry itself cannot tell. So a replica keeps, per node, a stamp up to which it has seen *all* that the
node wrote. What lies below and is not here was deleted; what lies above is news. With that, a tombstone may
be forgotten and what it deleted still does not come back, however long a peer was away.

Rule: the number of node N here may rise to what it is at a peer only when a whole comparison with that peer
has ended, since then all that the peer had is here. A replica's own number is its clock, since its own
writes are here; but not before its first such comparison after a start: an earlier life may have written
what its disk does not have (`caught_up`).

A tombstone is *covered* when the numbers of all nodes have passed its stamp: whatever it could still
overrule has been seen here, and will be known for deleted. Rejected: forgetting by age alone brings deleted
entries back with a node that was away for longer; asking all members whether they have a tombstone needs all
members to be there at once.

Source: Wuu and Bernstein, "Efficient Solutions to the Replicated Log and Dictionary Problems", 1984; the
causal contexts of delta-state CRDTs (Almeida, Shoker, Baquero, 2018); ADR 24.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

NODES_MAX = 16_384


class Context:
    """The numbers of one replica.

    Args:
        stamps: Node -> stamp up to which everything that it wrote is reflected here.

    Attributes:
        caught_up: Whether a whole comparison has ended since this node started.
    """

    def __init__(self, stamps: Mapping[str, int] | None = None) -> None:
        self.caught_up = False
        self._stamps = dict(stamps or {})

    def __len__(self) -> int:
        return len(self._stamps)

    @property
    def stamps(self) -> Mapping[str, int]:
        """Return the numbers; do not change them."""
        return self._stamps

    def of(self, node: str) -> int:
        """Return a node's number, 0 if nothing is known."""
        return self._stamps.get(node, 0)

    def has_seen(self, node: str, stamp: int) -> bool:
        """Tell whether a write of a node is reflected here for certain."""
        return stamp <= self._stamps.get(node, 0)

    def floor(self, nodes: Iterable[str]) -> int:
        """Return the stamp up to which everything that anybody wrote is reflected here.

        Args:
            nodes: Members that must be known, besides all that ever wrote.
        """
        return min((*self._stamps.values(), *map(self.of, nodes)), default=0)

    def claim(self, node: str, stamp: int) -> None:
        """Note that all that this node itself wrote up to a stamp is here; it will write above it only."""
        self._raise(node, stamp)

    def join(self, others: Mapping[str, int]) -> None:
        """Take over what a peer has seen, after a whole comparison with it."""
        for node, stamp in others.items():
            self._raise(node, stamp)

    def _raise(self, node: str, stamp: int) -> None:
        known = self._stamps.get(node)
        if known is None and len(self._stamps) >= NODES_MAX:
            return  # it will count as unseen, and its tombstones wait for their age
        self._stamps[node] = max(known or 0, stamp)
