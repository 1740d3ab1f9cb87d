"""What a limit costs each call, and how true it is.

`limiter_cost` is one check of one bucket with the look at the clock, `admission_cost` the whole way in: which
limit it is, the client's bucket and the node's, the headers, a place among the calls under way. Both are
processor time, which neighbours disturb little. `limiter_error` is measured against the clock on the wall: so
many were let in during seconds of overload, so many should have been.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from time import monotonic, thread_time

from caxton_node.resilience import Allowance, Limits, Rate, Settings, Visitor
from caxton_node.resilience.rate_limit import Bucket
from tests.bench.api.place import Place
from tests.bench.report import Reporter

CALLS, ROUNDS = 20_000, 7
WIDE = Allowance(1e7, 1.0, 10_000_000)
OVERLOADED = Allowance(1_000, 1.0, 200)


def run(reporter: Reporter, _place: Place) -> None:
    """Measure and print."""
    bucket = Bucket(WIDE)

    def check() -> None:
        now = monotonic()
        if not bucket.wait_s(now):
            bucket.take(now)

    limits = Limits(Settings(allowances={"client": WIDE, "node": WIDE}))
    visitor, rate, headers = Visitor("api-key:bench"), Rate.READ, dict[str, str]()

    def enter() -> None:
        limits.admit(visitor, rate, "CaxtonManagement/ListAgents", streams=False, headers=headers).leave()

    reporter.emit("limiter_cost", _cost_us(check), "us", n=CALLS * ROUNDS, note="one bucket, processor time")
    reporter.emit("admission_cost", _cost_us(enter), "us", n=CALLS * ROUNDS, note="all of it, headers too")
    let_in, meant = overload(1.0 if reporter.options.quick else 4.0)
    reporter.emit("limiter_error", abs(let_in - meant) / meant, "ratio", n=let_in, note="of an overload")


def overload(seconds: float) -> tuple[int, float]:
    """Knock without rest; return how often the door was opened, and how often it should have been."""
    bucket, let_in = Bucket(OVERLOADED), 0
    began_at = now = monotonic()
    while now - began_at < seconds:
        if not bucket.wait_s(now):
            bucket.take(now)
            let_in += 1
        now = monotonic()
    return let_in, OVERLOADED.burst + (now - began_at) * OVERLOADED.calls / OVERLOADED.per_s


def _cost_us(work: Callable[[], None]) -> float:
    """Return what one call costs, the best of several rounds."""
    return min(timeit.repeat(work, number=CALLS, repeat=ROUNDS, timer=thread_time)) / CALLS * 1e6
