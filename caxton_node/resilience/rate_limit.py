"""GCRA: how often something may happen, told by one number.

Intuition: a bucket holds `burst` calls and is refilled evenly. Instead of how full it is and when that was
looked at last, one instant is enough: `rested_at`, when it will be full again. Each call moves that instant
by one `interval_s`, and may be made as long as the instant stays within a whole bucket of now.

    rule:   next = max(rested_at, now) + interval_s
            next - now <= burst * interval_s  ->  the call may come, rested_at = next
            otherwise                         ->  refused, nothing changes, it may come in the difference

So a client that was quiet may make `burst` calls at once, and one that never rests gets exactly its rate:
over t seconds at most `burst + t / interval_s`. A refused call costs nothing, so whoever knocks all the time
is let in as often as anybody else.

Rejected: counting calls per minute lets through twice the limit round the turn of a minute; remembering the
instants of all calls is exact and costs memory that callers decide; a token bucket with a level and a time is
the same as this with one number more to keep and a multiplication to refill it.

Source: ATM Forum, Traffic Management 4.0, GCRA; story 030.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, inf

_SLACK = 1e-2
"""Part of an interval that rounding may cost; what is let in early by it is paid for with the next call."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many calls, in how long, and how many at once.

    Attributes:
        calls: So many, 0 for as many as anybody likes.
        per_s: In so many seconds.
        burst: So many at once, after a rest.
        interval_s: Time that one call takes of the allowance.
        depth_s: Time in which a bucket that was emptied is full again.
        burst_text: The burst, for headers.
    """

    calls: float
    per_s: float
    burst: int
    interval_s: float = field(init=False)
    depth_s: float = field(init=False)
    burst_text: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Divide once, not for every call."""
        interval_s = self.per_s / self.calls if self.calls else 0.0
        object.__setattr__(self, "interval_s", interval_s)
        object.__setattr__(self, "depth_s", interval_s * (self.burst + _SLACK))
        object.__setattr__(self, "burst_text", str(self.burst))

    @property
    def limits(self) -> bool:
        """Return whether it forbids anything."""
        return self.calls > 0

    def __str__(self) -> str:
        """Return `10 calls per minute, 20 at once`."""
        return f"{self.calls:g} calls per {_UNITS.get(self.per_s, f'{self.per_s:g} s')}, {self.burst} at once"


_UNITS = {1.0: "second", 60.0: "minute", 3600.0: "hour"}
UNLIMITED = Allowance(0, 1.0, 0)


class Bucket:
    """What one caller has used of an allowance.

    Args:
        allowance: It must limit something.
    """

    __slots__ = ("allowance", "rested_at")

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.rested_at = -inf

    def wait_s(self, now: float) -> float:
        """Return in how long one more call may come: 0 for now. Nothing changes."""
        allowance = self.allowance
        wait_s = self.rested_at - now + allowance.interval_s - allowance.depth_s
        return wait_s if wait_s > 0 else 0.0

    def take(self, now: float) -> None:
        """Count one call; whoever calls this has asked `wait_s` at the same instant."""
        if self.rested_at < now:  # noqa: PLR1730  max() takes three times as long
            self.rested_at = now
        self.rested_at += self.allowance.interval_s

    def left(self, now: float) -> int:
        """Return how many calls may come at once now."""
        allowance = self.allowance
        used_s = max(0.0, self.rested_at - now)
        return max(0, int((allowance.depth_s - used_s) / allowance.interval_s))

    def write_headers(self, headers: dict[str, str], now: float) -> None:
        """Write what answers say of it: how many at once, how many of them are left, when all are back."""
        allowance, ahead_s = self.allowance, self.rested_at - now
        if ahead_s < 0:
            ahead_s = 0.0
        left = int((allowance.depth_s - ahead_s) / allowance.interval_s)
        headers["X-RateLimit-Limit"] = allowance.burst_text
        headers["X-RateLimit-Remaining"] = str(left) if left > 0 else "0"
        headers["X-RateLimit-Reset"] = str(ceil(ahead_s))
