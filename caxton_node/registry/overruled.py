"""A version that lost to one whose writer did not know of it: a conflict, not an update.

The vector clock tells the two apart. A loser that says the same as the winner is no loss and is not told.
"""

from __future__ import annotations

from typing import NamedTuple

from caxton_node.registry.entry import Entry
from caxton_node.registry.vector_clock import Order


class Overruled(NamedTuple):
    """What a conflict came to.

    Attributes:
        loser: The version that is gone; it may be a tombstone.
        winner: The version that took its place, or was there already.
    """

    loser: Entry
    winner: Entry


def is_conflict(one: Entry, other: Entry) -> bool:
    """Tell whether two versions of an entry were written without knowledge of each other."""
    return one.clock.compare(other.clock) is Order.CONCURRENT


def is_loss(one: Entry, other: Entry) -> bool:
    """Tell whether it makes a difference which of two versions holds."""
    return (one.deleted, one.value) != (other.deleted, other.value)
