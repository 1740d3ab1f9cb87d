"""Flap damping: a member that was wrongly suspected lately gets more time before it is given up.

A member on a bad path is suspected, or even declared dead, and refutes, again and again. Each refutation is
evidence that suspicions against it are wrong, and weighs one, halving every minute; the sum, at most
three, lengthens the next suspicion. So a flapping member is reported once or twice instead of joining and
dying all day, and a real crash of it is still noticed, up to four times later. A restart is no refutation.

Source: hashicorp/consul issues 1212 and 5567 (one bad node that flaps for thousands).
"""

from __future__ import annotations

HALF_LIFE_S = 60.0
WEIGHT_MAX = 3.0
MEMBERS_MAX = 4096
"""Flapping members remembered; beyond it the oldest is forgotten."""


class Flaps:
    """How often each member has refuted a suspicion lately."""

    def __init__(self) -> None:
        self._weights: dict[bytes, tuple[float, float]] = {}

    def note(self, key: bytes, now: float) -> None:
        """Count a refutation."""
        weight = self.weight(key, now)
        self._weights.pop(key, None)
        if len(self._weights) >= MEMBERS_MAX:
            self._weights.pop(next(iter(self._weights)))
        self._weights[key] = (min(WEIGHT_MAX, weight + 1), now)

    def weight(self, key: bytes, now: float) -> float:
        """Return what the refutations of a member weigh now, 0 to `WEIGHT_MAX`."""
        weight, at = self._weights.get(key, (0.0, now))
        return float(weight * 0.5 ** ((now - at) / HALF_LIFE_S))
