"""How much gossip there is, per second over the last minute. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WINDOW_S = 60.0
SAMPLES_MAX = 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """Counters at one moment.

    Attributes:
        at: Monotonic time in seconds.
        bytes_in: Payload bytes of gossip received since the start.
        bytes_out: Sent.
        suspicions: Members suspected since the start.
    """

    at: float
    bytes_in: int = 0
    bytes_out: int = 0
    suspicions: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """What one node does.

    Attributes:
        bytes_in_per_s: Gossip received.
        bytes_out_per_s: Gossip sent.
        suspicions_per_min: Members suspected by anybody.
    """

    bytes_in_per_s: float = 0.0
    bytes_out_per_s: float = 0.0
    suspicions_per_min: float = 0.0


class Traffic:
    """The samples of the last minute."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)

    def add(self, sample: Sample) -> None:
        """Add a sample and forget those that are too old, but for one to compare with."""
        self._samples.append(sample)
        while len(self._samples) > 2 and sample.at - self._samples[1].at >= WINDOW_S:
            self._samples.popleft()

    def rates(self) -> Rates:
        """Return what happened per second between the oldest sample and the latest."""
        if len(self._samples) < 2:
            return Rates()
        first, last = self._samples[0], self._samples[-1]
        seconds = last.at - first.at
        if seconds <= 0:
            return Rates()
        return Rates(
            (last.bytes_in - first.bytes_in) / seconds,
            (last.bytes_out - first.bytes_out) / seconds,
            60 * (last.suspicions - first.suspicions) / seconds,
        )
