"""Where the time of one message goes: `--profile` prints a table that can be pasted into a page.

The workers' loop runs on the main thread here, since that is the only one that a timer of processor time can
stop anywhere: a thread that looks at another from outside sees it mostly where it gives up Python's lock,
which is in guest calls. Every millisecond of processor time the line that was running is noted, and
`stages.py` says what it belongs to. Python looks for the timer at calls and at the end of loops, so a line
without either counts for the next that has one. What one message takes is measured without the timer.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from threading import Thread
from types import FrameType

from caxton_node.runtime import Limits
from caxton_node.runtime.scheduler import Scheduler
from tests.bench.local_routing.pairs import Pair, build_pairs, start
from tests.bench.local_routing.stages import STAGES, stage_of
from tests.bench.local_routing.throughput import NARROW, WIDE
from tests.bench.report import Options
from tests.support.data_plane import DataPlane

EVERY_S = 0.001
WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Profile:
    """What was seen of one kind of load.

    Attributes:
        us: Microseconds of processor time for a message, all stages together.
        samples: How often each stage was met.
    """

    us: float
    samples: Counter[str]

    def us_of(self, stage: str) -> float:
        """Return the part of a message's time that a stage takes, microseconds."""
        return self.us * self.share_of(stage)

    def share_of(self, stage: str) -> float:
        """Return that part as a share of the whole."""
        return self.samples[stage] / max(self.samples.total(), 1)


class MainThread:
    """Lets the main thread do the work of a worker until a number of messages is handled."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._worker = type(scheduler._workers[0])(scheduler._work, -1)
        while len(scheduler._parked) < len(scheduler._workers):
            time.sleep(0.001)
        with scheduler._lock:  # its own workers stay where they are: nobody finds them to call them
            self._asleep = list(scheduler._parked)
            scheduler._parked.clear()

    def work(self, pairs: Sequence[Pair], goal: int) -> float:
        """Run turns; return seconds of processor time. The scheduler is closed afterwards."""
        watching = Thread(target=self._close_at, args=(pairs, goal))
        watching.start()
        began_at = time.thread_time()
        self._scheduler._work(self._worker)
        spent_s = time.thread_time() - began_at
        watching.join()
        return spent_s

    def _close_at(self, pairs: Sequence[Pair], goal: int) -> None:
        end = time.monotonic() + WITHIN_S
        while sum(pair.requester.handled for pair in pairs) < goal and time.monotonic() < end:
            time.sleep(0.02)
        with self._scheduler._lock:
            self._scheduler._parked += self._asleep
        self._scheduler.close()


@contextmanager
def sampled(samples: Counter[str]) -> Iterator[None]:
    """Note, for every millisecond of processor time, where the main thread is."""

    def note(_signal: int, frame: FrameType | None) -> None:
        samples[stage_of(frame)] += 1

    before = signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def run_once(batch_max: int, window: int, conversations: int, samples: Counter[str] | None) -> float:
    """Let a pair hold so many conversations; return microseconds of processor time for a message."""

    async def build() -> DataPlane:
        return DataPlane(workers=1)

    plane = asyncio.run(build())
    with plane:
        pairs = build_pairs(plane, "p", 1, Limits(batch_max=batch_max))
        for pair in pairs:
            plane.scheduler.detach(pair.requester.slot)
            start(plane, pair, window, conversations - window)
        main_thread = MainThread(plane.scheduler)
        for pair in pairs:
            plane.scheduler.attach(pair.requester.slot)
        gc.collect()
        with sampled(samples) if samples is not None else nullcontext():
            spent_s = main_thread.work(pairs, conversations + 1)
        handled = sum(pair.handled for pair in pairs)
        expected = 2 * conversations + 1
        assert handled == expected, f"{handled} of {expected} handled, lost: {plane.lost}"
    return spent_s / handled * 1e6


def profile(batch_max: int, window: int, conversations: int, rounds: int) -> Profile:
    """Time rounds without the timer, the best of which counts, and sample as many with it."""
    samples: Counter[str] = Counter()
    least = float("inf")
    for _ in range(rounds):
        least = min(least, run_once(batch_max, window, conversations, None))
        run_once(batch_max, window, conversations, samples)
    return Profile(least, samples)


def show_profile(options: Options) -> None:
    """Print the table: a stage in each row, batched and one by one."""
    rounds = 2 if options.quick else 8
    batched = profile(256, WIDE, 32_768, rounds)
    single = profile(1, NARROW, 4_096, rounds)
    print("| stage | batched, us a message | | one by one, us a message | |")
    print("|---|---|---|---|---|")
    for stage in STAGES:
        print(
            f"| {stage} | {batched.us_of(stage):.2f} | {batched.share_of(stage):.0%} "
            f"| {single.us_of(stage):.2f} | {single.share_of(stage):.0%} |"
        )
    print(
        f"| all | {batched.us:.2f} | {batched.samples.total():,} samples | {single.us:.2f} | "
        f"{single.samples.total():,} samples |"
    )
