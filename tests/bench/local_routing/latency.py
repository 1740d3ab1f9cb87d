"""How late messages are handled when they come at a fixed rate, whatever becomes of them.

The load is a guest too: a metronome, one thread that hardly ever runs, gives it one message at each fixed
moment, and it answers that with a burst of REQUESTs, each of which opens a conversation. They carry the
moment at which they were due, late or not, so nothing is left out when the node falls behind. The responder
answers each with an INFORM, so half of the messages are REQUESTs and half INFORMs.

    lateness    of a REQUEST: from the moment it was due until the guest call that handled it was over
    round trip  the same for the INFORM that answers it

The metronome takes Python's lock for about 10 us for each burst, 2 to 3 in a hundred; it stands for the
client whose message starts the work. A stopwatch around the two sandboxes keeps the clock's reading and the
frames of each call, and looks into them when the window is over.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread

from caxton_node.fipa import Envelope, Performative, decode, encode
from caxton_node.runtime import Limits, Outcome, Sandbox
from tests.bench.local_routing.pairs import build_pairs, content, due_ns_of
from tests.bench.report import Reporter, percentile
from tests.support.data_plane import NODE, Agent, DataPlane

RATE = 50_000
BURST = 10
DEPTH = 200_000
"""Mailboxes hold what comes in a window, so that a node that cannot keep up is late and refuses nothing."""


@dataclass(frozen=True, slots=True)
class Window:
    """How late messages were in one window, microseconds, sorted."""

    requests: list[float]
    answers: list[float]

    @property
    def p99(self) -> float:
        """Return the lateness that one request in a hundred exceeded."""
        return percentile(self.requests, 0.99)


class Stopwatch:
    """A sandbox that notes when each guest call was over, and what it handled."""

    def __init__(self, agent: Agent) -> None:
        self._sandbox: Sandbox = agent.slot.sandbox
        self.calls: list[tuple[int, Sequence[bytes]]] = []
        agent.slot.sandbox = self  # type: ignore[assignment]  # a stopwatch round the same sandbox

    def handle(self, frames: Sequence[bytes]) -> Outcome:
        outcome = self._sandbox.handle(frames)
        self.calls.append((time.monotonic_ns(), frames))
        return outcome

    def close(self) -> None:
        self._sandbox.close()

    def take(self, act: Performative) -> list[float]:
        """Return how late the messages of this act were, sorted, and forget all."""
        calls, self.calls = self.calls, []
        return sorted(
            (at - due_ns_of(envelope)) / 1_000
            for at, frames in calls
            for envelope in map(decode, frames)
            if envelope.performative is act
        )


class LoadedPair:
    """A requester and a responder with stopwatches, and a metronome for them."""

    def __init__(self, plane: DataPlane, name: str, batch_max: int) -> None:
        self._plane = plane
        limits = Limits(batch_max=batch_max, mailbox_depth=DEPTH)
        pair = build_pairs(plane, name, 1, limits)[0]
        self._to = pair.requester.address
        self._requester, self._responder = Stopwatch(pair.requester), Stopwatch(pair.responder)

    async def window(self, rate: int, seconds: float) -> Window:
        """Offer so many messages per second, and return how late they were."""
        gc.collect()
        load = Thread(target=self._beat, args=(rate, seconds))
        load.start()
        await asyncio.to_thread(load.join)
        await self._plane.settled(within_s=60)
        requests = self._responder.take(Performative.REQUEST)
        answers = self._requester.take(Performative.INFORM)
        expected = _beats(rate, seconds) * BURST
        assert len(requests) == len(answers) == expected, f"{len(requests)} of {expected} handled"
        return Window(requests, answers)

    def _beat(self, rate: int, seconds: float) -> None:
        """Give the requester a message at each fixed moment; a late one carries the moment it was due."""
        router, interval_ns = self._plane.router, 2 * BURST * 1_000_000_000 // rate
        due = time.monotonic_ns() + 1_000_000
        for _ in range(_beats(rate, seconds)):
            ahead = due - time.monotonic_ns()
            if ahead > 0:
                time.sleep(ahead / 1e9)
            start = Envelope(Performative.REQUEST, None, self._to, content(BURST, 0, due))
            router.accept(f"load#1.1@{NODE}", [encode(start)])
            due += interval_ns


def _beats(rate: int, seconds: float) -> int:
    return int(rate * seconds) // (2 * BURST)


async def windows(rate: int, batches: Sequence[int], count: int, seconds: float) -> dict[int, list[Window]]:
    """Take so many windows for each batch limit, by turns; one more of each warms up."""
    found: dict[int, list[Window]] = {batch_max: [] for batch_max in batches}
    with DataPlane() as plane:
        pairs = {batch_max: LoadedPair(plane, f"at-{batch_max}", batch_max) for batch_max in batches}
        for number in range(count + 1):
            for batch_max, pair in pairs.items():
                window = await pair.window(rate, seconds)
                if number:
                    found[batch_max].append(window)
        counts = plane.router.counts()
        assert counts.accepted == counts.delivered, counts
    return found


def best(found: Sequence[Window]) -> Window:
    """Return the window that was disturbed least."""
    return min(found, key=lambda window: window.p99)


async def run(report: Reporter, count: int, seconds: float, single_per_second: float) -> None:
    """Measure lateness at the full rate, and with and without batches at one that single messages carry."""
    found = (await windows(RATE, (256,), count, seconds))[256]
    window = best(found)
    note = (
        f"open loop, {RATE:,} messages/s between two guests, half of them REQUESTs, in bursts of {BURST}; "
        f"from due to handled; best of {count} windows of {seconds:g} s"
    )
    for metric, late in (("latency", window.requests), ("latency_round_trip", window.answers)):
        p50, p99 = percentile(late, 0.5), percentile(late, 0.99)
        report.emit(metric, p99, "us", n=len(late), p50=p50, p99=p99, note=note)
    report.emit(
        "latency_typical",
        sorted(each.p99 for each in found)[len(found) // 2],
        "us",
        n=count,
        note="p99 of `latency` in the median window",
    )
    rate = max(2_000, round(single_per_second * 0.3, -3))
    both = await windows(int(rate), (256, 1), count, seconds)
    batched, single = best(both[256]), best(both[1])
    report.emit(
        "batching_p99",
        batched.p99,
        "us",
        baseline=single.p99,
        n=len(batched.requests),
        p50=percentile(batched.requests, 0.5),
        p99=batched.p99,
        note=f"latency at {rate:,.0f}/s, which batches of one carry too; baseline: those, batch_max 1",
    )
