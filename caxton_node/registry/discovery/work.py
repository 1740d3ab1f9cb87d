"""How much one search may do, counted and not timed: the same search takes as far on any day.

A unit is about a microsecond of one core. Prices are estimates from the form of a schema, made to be too high
for schemas that somebody wrote to be slow rather than right for all.
"""

from __future__ import annotations

from itertools import count

SEARCH_UNITS_MAX = 4_000
"""What one search may spend on schemas before it answers with what it has."""
SCHEMA_UNITS_MAX = 3_000
"""What one question about one schema may cost; a dearer one is not asked, and counts as no."""

_numbers = count(1)


class Work:
    """What one search may still spend.

    Attributes:
        left: Units; below zero after the last question, which is asked whole.
        number: Which search this is, of all in the process.
    """

    __slots__ = ("left", "number")

    def __init__(self, units: float = SEARCH_UNITS_MAX) -> None:
        self.left = units
        self.number = next(_numbers)

    @property
    def is_done(self) -> bool:
        """Tell whether nothing more may be asked."""
        return self.left <= 0

    def spend(self, units: float) -> None:
        """Count what was done or is about to be."""
        self.left -= units
