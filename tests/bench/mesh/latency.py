"""How late a message is handled on the other node when messages come at a fixed rate, whatever becomes of it.

The rate comes from outside: threads give each source a message at fixed moments, and it answers that with a
burst for its sink. What is timed is one way: from the moment at which the source's guest sends to the moment
at which the sink's guest handles, both of this machine's one clock. A source never waits for its sink, so
nothing is left out when the mesh falls behind; `from_due` begins at the moment that the plan names instead,
late or not, and so includes the management call that starts the burst.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Thread

from tests.bench.mesh.crew import Crew
from tests.bench.mesh.guests import Lateness, content
from tests.bench.report import Reporter

BURSTS_PER_S = 500
SIZE_BYTES = 200
AT_SENDING = 1
"""The moment that a source replaces by that of sending."""


@dataclass(frozen=True, slots=True)
class Load:
    """Messages at fixed moments.

    Attributes:
        per_second: Messages.
        seconds: How long.
        from_due: Whether they carry the moment that the plan names.
    """

    per_second: int
    seconds: float
    from_due: bool = False

    def bursts(self, sources: int) -> int:
        """Return how many bursts each source gets."""
        return max(1, round(self.seconds * BURSTS_PER_S / sources))

    @property
    def burst(self) -> int:
        """Return the messages of one burst."""
        return max(1, round(self.per_second / BURSTS_PER_S))


def offer(crew: Crew, load: Load) -> Lateness:
    """Offer messages at a rate and return how late all of them were."""
    before, sent_before = crew.ask_sinks(), crew.stop()
    threads = [Thread(target=_beat, args=(crew, n, load)) for n in range(crew.count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    crew.settle()
    found = crew.ask_sinks().since(before)
    expected = crew.count * load.bursts(crew.count) * load.burst
    assert found.count == expected, f"{expected} due, {crew.stop() - sent_before} sent, {found.count} timed"
    return found


def _beat(crew: Crew, number: int, load: Load) -> None:
    """Give one source a message at each of its moments, the sources one after the other."""
    interval_ns = 1_000_000_000 * crew.count // BURSTS_PER_S
    due_ns = time.time_ns() + 20_000_000 + number * interval_ns // crew.count
    with crew.pair.a.client() as client:
        for _ in range(load.bursts(crew.count)):
            ahead_ns = due_ns - time.time_ns()
            if ahead_ns > 0:
                time.sleep(ahead_ns / 1e9)
            stamp_ns = due_ns if load.from_due else AT_SENDING
            told = content(opened=load.burst, step=0, size_bytes=SIZE_BYTES, due_ns=stamp_ns)
            client.messages.send(crew.source(number), told, wait=False)
            due_ns += interval_ns


def emit(reporter: Reporter, metric: str, load: Load, found: Lateness) -> None:
    """Report one window."""
    p50, p99 = found.percentile_ms(0.5), found.percentile_ms(0.99)
    begin = "due" if load.from_due else "sent by a guest"
    note = f"open loop, {load.per_second:,}/s in bursts of {load.burst}; from {begin} to handled by a guest"
    reporter.emit(metric, p99, "ms", n=found.count, p50=p50, p99=p99, note=note)
