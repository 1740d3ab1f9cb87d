"""Local health: a node that gets no answers should first doubt itself.

A node that is slow, overloaded or badly connected sees failures everywhere. Lifeguard counts the signs of
that in one number: every failed probe, every helper that stayed silent and every accusation against itself
raises it; every probe that is answered lowers it. Time-outs stretch with the number, so an unwell node
accuses others later.

Rejected: measuring load directly. What matters is whether messages come through in time, whatever the reason.

Source: Dadgar, Phillips, Currey, "Lifeguard: SWIM-ing with Situational Awareness", section IV-A.
"""

from __future__ import annotations


class Awareness:
    """The local health score, 0 (well) to `high`."""

    def __init__(self, high: int) -> None:
        self._high = high
        self.score = 0

    def worsen(self, by: int = 1) -> None:
        """Count signs that this node is unwell."""
        self.score = min(self._high, self.score + by)

    def improve(self) -> None:
        """Count a sign that this node is well."""
        self.score = max(0, self.score - 1)

    def recover(self) -> None:
        """Forget half of the signs: they came of being cut off, and that is over."""
        self.score //= 2

    def stretch(self, seconds: float) -> float:
        """Return a time-out stretched by the score."""
        return seconds * (self.score + 1)
