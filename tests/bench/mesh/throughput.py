"""How many messages a second guests of one node can give guests of another.

Each source keeps a window of messages open and goes on as its sink confirms them, so no mailbox overflows. A
message counts when the sink has handled it: it says so itself, and at the end the sinks have all that were
sent. `waited` says how much neighbours of this machine disturbed: seconds in which a thread of the worse
daemon was ready without a processor, per second.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.bench.mesh.crew import Crew
from tests.bench.report import Reporter

PAIRS = 4
STEP = 16
OPEN = 64
TIMES = 16  # so that no single turn of a source sends a whole window
NOTE = (
    f"guest to guest across two daemons; {PAIRS} sources and sinks, {PAIRS * OPEN * TIMES:,} messages open, "
    "64 conversations that take turns"
)


@dataclass(frozen=True, slots=True)
class Flow:
    """What one window of time came to.

    Attributes:
        count: Messages that the sinks handled.
        seconds: How long it took.
        cpu_a_us: Processor time of the sender's daemon for each message.
        cpu_b_us: The same of the receiver's.
        waited: Seconds in which a thread was ready without a processor, per second, of the worse daemon.
    """

    count: int
    seconds: float
    cpu_a_us: float
    cpu_b_us: float
    waited: float

    @property
    def per_second(self) -> float:
        """Return messages per second."""
        return self.count / self.seconds


def open_windows(crew: Crew, *, size_bytes: int) -> None:
    """Let messages of this size flow until `Crew.stop`."""
    for _ in range(TIMES):
        crew.start(opened=OPEN, step=STEP, size_bytes=size_bytes)


def flow(crew: Crew, *, size_bytes: int, seconds: float, warm_up_s: float) -> Flow:
    """Let messages flow for some time and look at the middle of it."""
    open_windows(crew, size_bytes=size_bytes)
    time.sleep(warm_up_s)
    before, began_at = _look(crew), time.perf_counter()
    time.sleep(seconds)
    after, passed_s = _look(crew), time.perf_counter() - began_at
    crew.settle()
    count, cpu_a, cpu_b, *waited = (now - then for now, then in zip(after, before, strict=True))
    assert count, "nothing arrived"
    return Flow(int(count), passed_s, cpu_a / count * 1e6, cpu_b / count * 1e6, max(waited) / passed_s)


def _look(crew: Crew) -> tuple[float, ...]:
    a, b = crew.pair.a, crew.pair.b
    return crew.ask_sinks().handled, a.cpu_s(), b.cpu_s(), a.waited_s(), b.waited_s()


def emit(reporter: Reporter, kind: str, size_bytes: int, flows: list[Flow]) -> Flow:
    """Report the median window of several, and return it."""
    middle = sorted(flows, key=lambda each: each.per_second)[len(flows) // 2]
    reporter.emit(
        f"throughput_{kind}_{size_bytes}",
        middle.per_second,
        "messages/s",
        n=sum(each.count for each in flows),
        sender_cpu_us=middle.cpu_a_us,
        receiver_cpu_us=middle.cpu_b_us,
        waited=middle.waited,
        note=NOTE,
    )
    return middle
