"""How late a pair of agents is beside a hostile neighbour, against the same pair alone.

    load, open loop -> near -> far -> witness       a message carries the moment at which it was due

Latency is from that moment to the witness, so a generator that falls behind makes nobody look fast. Alone and
beside are measured by turns in short windows, each behaviour beside windows of its own, and the figure is the
median of the windows' p99: one disturbed window on a shared machine changes neither.

A window opens when the hostile agent has handled a message, or has fallen; `hostile_messages` says how
much it did in all windows.

    .venv/bin/python -m tests.bench.hostile_neighbours [--json] [--quick]
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from io import StringIO
from itertools import chain
from pathlib import Path
from statistics import median
from threading import Thread

from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.messaging import Router
from caxton_node.runtime.scheduler import SWITCH_INTERVAL_S
from tests.bench.report import Reporter, parse_options, percentile
from tests.integration.runtime.hostile.neighbours import BEHAVIOURS, Behaviour, Street, open_street
from tests.support.agents import NODE
from tests.support.data_plane import until

RATE = 2_000
BURST = 2
CONTENT_BYTES = 200
CONVERSATIONS = 16


def offer(router: Router, messages: int) -> None:
    """Send bursts at fixed moments, whatever comes of them."""
    interval_ns = BURST * 1_000_000_000 // RATE
    padding = b"x" * (CONTENT_BYTES - 22)
    due = time.monotonic_ns()
    for first in range(0, messages, BURST):
        due += interval_ns
        ahead = due - time.monotonic_ns()
        if ahead > 0:
            time.sleep(ahead / 1e9)
        content = b'"%020d%s"' % (due, padding)
        talks = (f"talk-{(first + number) % CONVERSATIONS}" for number in range(BURST))
        frames = [encode(Envelope(Performative.INFORM, None, "near", content, talk)) for talk in talks]
        router.accept(f"load#1.1@{NODE}", frames)


async def window(street: Street, seconds: float) -> list[float]:
    """Offer load for a while and return how late each message came out, sorted, in us."""
    messages = int(seconds * RATE)
    late_us: list[float] = []

    def note(content: bytes) -> None:
        late_us.append((time.monotonic_ns() - int(content[1:21])) / 1_000)

    street.when_it_comes = note
    gc.collect()
    load = Thread(target=offer, args=(street.house.router, messages))
    load.start()
    await asyncio.to_thread(load.join)
    await until(lambda: len(late_us) >= messages, within_s=120, every_s=0.01)
    assert len(late_us) == messages, f"{len(late_us)} of {messages}"
    return sorted(late_us)


@dataclass(slots=True)
class Comparison:
    """The windows of one behaviour.

    Attributes:
        alone: How late messages were with nobody beside, by window.
        beside: The same beside the hostile agent.
        work: Messages that it handled, or falls.
    """

    alone: list[list[float]] = field(default_factory=list)
    beside: list[list[float]] = field(default_factory=list)
    work: int = 0

    def report(self, report: Reporter, behaviour: Behaviour) -> None:
        """Print how the two compare."""
        everything = sorted(chain.from_iterable(self.beside))
        report.emit(
            "neighbour_p99",
            middle(self.beside, 0.99),
            "us",
            baseline=middle(self.alone, 0.99),
            behaviour=behaviour.name,
            n=len(everything),
            p50=middle(self.beside, 0.5),
            p99=middle(self.beside, 0.99),
            baseline_p50=middle(self.alone, 0.5),
            hostile_messages=self.work,
            note=f"median of {len(self.beside)} windows at {RATE:,}/s, from due to out; "
            "baseline is the pair alone",
        )


def middle(windows: list[list[float]], share: float) -> float:
    """Return the median over windows of a percentile."""
    return median(percentile(window, share) for window in windows)


async def compare(street: Street, behaviour: Behaviour, rounds: int, seconds: float) -> Comparison:
    """Measure alone and beside by turns."""
    found = Comparison()
    for _ in range(rounds):
        found.alone.append(await window(street, seconds))
        async with street.beside(behaviour):
            await until(lambda: street.work > 0, within_s=60)
            found.beside.append(await window(street, seconds))
            found.work += street.work
        await until(lambda: street.house.router.counts().in_flight == 0, within_s=120, every_s=0.01)
    return found


async def main() -> None:
    """Run everything and print it."""
    options = parse_options("hostile_neighbours")
    report = Reporter("hostile_neighbours", options)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    rounds, seconds = (3, 0.5) if options.quick else (7, 2.0)
    # What the flood of lines leaves in the log is of no interest here.
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(StringIO()):
        async with open_street(Path(folder)) as street:
            await window(street, seconds)  # warms up
            for behaviour in BEHAVIOURS:
                comparison = await compare(street, behaviour, rounds, seconds)
                comparison.report(report, behaviour)
            counts = street.house.router.counts()
            assert counts.accepted == counts.settled, counts


if __name__ == "__main__":
    asyncio.run(main())
