"""How long to wait before dialling again: doubling, with jitter, up to a ceiling.

The pause is drawn between half and the whole of its nominal length: two nodes that lost each other at the
same moment then do not dial at the same moment for ever, and a cluster does not return all at once.
"""

from __future__ import annotations

import random


def pause_s(attempt: int, minimum_s: float, maximum_s: float, rng: random.Random) -> float:
    """Return the pause before attempt number `attempt` (0 is the first retry)."""
    nominal = min(maximum_s, minimum_s * 2.0 ** min(attempt, 32))
    return nominal * rng.uniform(0.5, 1.0)
