"""How good the network is as this node sees it: how many pings are lost, and how long answers take.

A probe that gives up after two pings suspects one healthy member in four at 30 % loss. So the number of
pings follows the loss that is measured: enough of them that 99 of 100 healthy members answer one,

    tries = ln(0.01) / ln(share of pings without an answer), 2 to 6,

sent only while no answer has come, which is hardly ever on a good network. Only probes whose target turned
out to live are counted, or a crash would look like loss.

Rejected: a fixed larger number (a crash is noticed later everywhere), and the loss of each single path (a
member is probed too rarely to know it).

Source: RFC 6298 for the round trip; DESIGN.md, "Probing".
"""

from __future__ import annotations

import math

TRIES_MIN = 2
TRIES_MAX = 6
MISSED = 0.01
"""Share of healthy members that may fail to answer all tries."""
LOSSY = 0.28
"""Share of pings without an answer from which more helpers are asked: 15 % loss each way."""
_WEIGHT = 1 / 16
_RTT_WEIGHT = 1 / 8
_VARIATION_WEIGHT = 1 / 4


class Path:
    """Smoothed loss and round trip over all members.

    Attributes:
        unanswered: Share of first pings that were not answered in time, 0 to 1.
        rtt_s: Smoothed round trip in seconds, 0 before the first.
    """

    __slots__ = ("_variation_s", "rtt_s", "unanswered")

    def __init__(self) -> None:
        self.unanswered = 0.0
        self.rtt_s = 0.0
        self._variation_s = 0.0

    @property
    def is_lossy(self) -> bool:
        """Tell whether so much is lost that more helpers should be asked."""
        return self.unanswered > LOSSY

    def count_ping(self, *, answered: bool) -> None:
        """Count the first ping of a probe whose target is known to live; an answer may have come late."""
        self.unanswered += _WEIGHT * ((not answered) - self.unanswered)

    def count_rtt(self, rtt_s: float) -> None:
        """Count the round trip of one ping."""
        if self.rtt_s == 0.0:
            self.rtt_s, self._variation_s = rtt_s, rtt_s / 2
            return
        self._variation_s += _VARIATION_WEIGHT * (abs(rtt_s - self.rtt_s) - self._variation_s)
        self.rtt_s += _RTT_WEIGHT * (rtt_s - self.rtt_s)

    def tries(self) -> int:
        """Return how many pings a probe may need."""
        if self.unanswered <= 0.0:
            return TRIES_MIN
        if self.unanswered >= 1.0:
            return TRIES_MAX
        return min(TRIES_MAX, max(TRIES_MIN, math.ceil(math.log(MISSED) / math.log(self.unanswered))))

    def pause_s(self, within_s: float, tries: int) -> float:
        """Return how long to wait for an answer before the next of so many pings in a given time."""
        patience_s = min(within_s / 2, self.rtt_s + 4 * self._variation_s)
        return max(within_s / tries, patience_s)
