"""What each batching strategy gives and takes: messages per second, waits in a burst, what a neighbour feels.

    flow        light guests in a chain, as in `local_routing`: messages per second
    crowd       four guests of 20 us a message that are never done: messages per second
    burst       200 messages of 20 us at once: when the first, the half and the last of them are handled
    neighbour   a light pair at 1,000/s beside a guest of 50 us a message that is never done

Every picture is taken of all strategies by turns, so that all meet the same machine; the figure is that of
the best round, the baseline the adaptive strategy. A message is handled when the turn that it was in is over:
what it made goes out only then.

    .venv/bin/python -m tests.bench.batching [--json] [--quick]
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from threading import Event, Thread

from caxton_node.fipa import Envelope, Performative, decode, encode
from caxton_node.runtime import Limits, Outcome, Sandbox
from caxton_node.runtime.batching import Batching
from caxton_node.runtime.scheduler import SWITCH_INTERVAL_S
from tests.bench.local_routing.chain import build_chain, flow
from tests.bench.report import Reporter, parse_options, percentile
from tests.support.data_plane import NODE, Agent, DataPlane, until
from tests.support.guests import tiny, wat

FLOW, FLOW_SINGLE = 4_096, 512
"""Messages sent down a chain of 33."""
LIGHT_US, BUSY_US = 20, 50
BURST = 200
FLOOD = 2_000
NEIGHBOUR_RATE = 1_000
CROWD = 4


def spinning(loops: int) -> str:
    """Return a guest that spins for every message, and never answers."""
    return tiny(
        handle=f"""(local $n i32) (local $at i32) (local $end i32) (local $done i32)
          (local.set $at (i32.const 1024))
          (local.set $end (i32.add (i32.const 1024) (local.get 0)))
          (loop $frames
            (local.set $n (i32.const {loops}))
            (loop $spin (br_if $spin (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.set $at (i32.add (local.get $at) (i32.add (i32.const 4) (i32.load (local.get $at)))))
            (local.set $done (i32.add (local.get $done) (i32.const 1)))
            (call $handled (local.get $done))
            (br_if $frames (i32.lt_u (local.get $at) (local.get $end))))
          (i32.const 0)""",
        memory="20",
    )


async def loops_for(micros: int) -> int:
    """Return how many loops take about so long on this machine."""
    tried = 20_000
    with DataPlane() as plane:
        agent = plane.add("spin", spinning(tried))
        await asyncio.to_thread(plane.scheduler.detach, agent.slot)
        frames = [encode(Envelope(Performative.INFORM, "load", "spin", b"0"))] * 10
        fastest_s = min(agent.slot.sandbox.handle(frames).elapsed_s for _ in range(50)) / len(frames)
    return int(tried * micros / (fastest_s * 1e6))


class _Timed:
    """A sandbox that notes, after each guest call, how late each of its messages was handled."""

    def __init__(self, agent: Agent) -> None:
        self._sandbox: Sandbox = agent.slot.sandbox
        self.late_us: list[float] = []
        agent.slot.sandbox = self  # type: ignore[assignment]  # a stopwatch round the same sandbox

    def handle(self, frames: Sequence[bytes]) -> Outcome:
        outcome = self._sandbox.handle(frames)
        now = time.monotonic_ns()
        for frame in frames:
            due = int(decode(frame).content or 0)
            self.late_us.append((now - due) / 1_000)
        return outcome

    def close(self) -> None:
        self._sandbox.close()


def offer(plane: DataPlane, receiver: str, count: int, rate: int) -> None:
    """Send messages at fixed moments, whatever comes of them; each carries the moment it was due."""
    due = time.monotonic_ns()
    for number in range(count):
        due += 1_000_000_000 // rate
        time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
        message = Envelope(Performative.INFORM, None, receiver, b"%d" % due, f"talk-{number % 16}")
        plane.router.accept(f"load#1.1@{NODE}", [encode(message)])


def burst_into(agent: Agent, count: int) -> None:
    """Put messages into a mailbox, all at the moment that they carry: what making them takes is no wait."""
    due = time.monotonic_ns() + 20_000_000
    message = Envelope(Performative.INFORM, "load", agent.address, b"%d" % due, "talk")
    frames = [encode(message)] * count
    time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
    agent.mailbox.put_all(frames, None)


@contextmanager
def kept_busy(*agents: Agent) -> Iterator[None]:
    """Let messages wait for agents all the while, without a router, which would take of the same time."""
    frames = [encode(Envelope(Performative.INFORM, "load", "a", b"0", "talk"))] * (FLOOD // 2)
    over = Event()

    def fill() -> None:
        while not over.is_set():
            for agent in agents:
                if len(agent.mailbox) < FLOOD // 2:
                    agent.mailbox.put_all(frames, None)
            time.sleep(0.002)

    filling = Thread(target=fill)
    filling.start()
    try:
        yield
    finally:
        over.set()
        filling.join()


Picture = Callable[[Batching], Awaitable[float]]
Best = Callable[[list[float]], float]


async def by_turns(picture: Picture, rounds: int, best: Best = max) -> dict[Batching, float]:
    """Take a picture of every strategy, round by round; the first round warms up, the best one counts."""
    found: dict[Batching, list[float]] = {batching: [] for batching in Batching}
    for number in range(rounds + 1):
        for batching in Batching:
            gc.collect()
            value = await picture(batching)
            if number:
                found[batching].append(value)
    return {batching: best(values) for batching, values in found.items()}


async def flows(rounds: int) -> dict[Batching, float]:
    """Return messages per second down a chain of light guests."""
    with DataPlane() as plane:
        chains = {batching: build_chain(plane, batching, Limits(), batching) for batching in Batching}

        async def picture(batching: Batching) -> float:
            messages = FLOW_SINGLE if batching is Batching.SINGLE else FLOW
            return (await flow(plane, chains[batching], messages)).per_second

        return await by_turns(picture, rounds)


async def crowds(rounds: int, seconds: float, loops: int) -> dict[Batching, float]:
    """Return messages per second of guests that are never done."""
    with DataPlane() as plane:
        crowd = {
            batching: [plane.add(f"{batching}-{n}", spinning(loops), batching=batching) for n in range(CROWD)]
            for batching in Batching
        }

        async def picture(batching: Batching) -> float:
            agents = crowd[batching]
            with kept_busy(*agents):
                await until(lambda: all(agent.mailbox.delivered for agent in agents))
                before, began_at = sum(agent.handled for agent in agents), time.perf_counter()
                await asyncio.sleep(seconds)
                done = sum(agent.handled for agent in agents) - before
                per_second = done / (time.perf_counter() - began_at)
            await plane.settled(60)
            return per_second

        return await by_turns(picture, rounds)


async def bursts(rounds: int, loops: int) -> dict[str, dict[Batching, float]]:
    """Return when the first, the half and the last of a burst were handled, us after it came."""
    found: dict[Batching, list[tuple[float, float, float]]] = {batching: [] for batching in Batching}
    with DataPlane() as plane:
        agents = {batching: plane.add(batching, spinning(loops), batching=batching) for batching in Batching}
        timed = {batching: _Timed(agent) for batching, agent in agents.items()}

        async def picture(batching: Batching) -> float:
            timed[batching].late_us = late_us = []
            await asyncio.to_thread(burst_into, agents[batching], BURST)
            await plane.settled(60)
            found[batching].append((max(late_us), median(late_us), min(late_us)))
            return max(late_us)

        await by_turns(picture, rounds, min)
    best = {batching: min(values[1:]) for batching, values in found.items()}  # that with the earliest last
    return {what: {b: best[b][at] for b in Batching} for at, what in enumerate(("last", "half", "first"))}


async def neighbours(rounds: int, seconds: float, loops: int) -> dict[Batching, float]:
    """Return the p99 of a light pair beside a guest that is never done, us from due to out."""
    with DataPlane() as plane:
        near = plane.add("near", wat("relay"), {"next": "far"})
        far = _Timed(plane.add("far", wat("relay")))
        busy = {batching: plane.add(batching, spinning(loops), batching=batching) for batching in Batching}

        async def picture(batching: Batching) -> float:
            with kept_busy(busy[batching]):
                await until(lambda: len(busy[batching].mailbox) > 0)
                far.late_us = []
                count = int(NEIGHBOUR_RATE * seconds)
                await asyncio.to_thread(offer, plane, near.address, count, NEIGHBOUR_RATE)
            await plane.settled(60)
            return percentile(sorted(far.late_us), 0.99)

        return await by_turns(picture, rounds, min)


def emit(report: Reporter, metric: str, unit: str, found: dict[Batching, float]) -> None:
    """Print a figure for every strategy, against the adaptive one."""
    for batching, value in found.items():
        report.emit(f"{metric}_{batching}", value, unit, baseline=found[Batching.ADAPTIVE])


async def main() -> None:
    """Run everything and print it."""
    options = parse_options("batching")
    report = Reporter("batching", options)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    rounds, seconds = (2, 0.3) if options.quick else (7, 1.0)
    light, busy = await loops_for(LIGHT_US), await loops_for(BUSY_US)
    emit(report, "flow", "messages/s", await flows(rounds))
    emit(report, "crowd", "messages/s", await crowds(rounds, seconds, light))
    for what, found in (await bursts(10 * rounds, light)).items():
        emit(report, f"burst_{what}", "us", found)
    emit(report, "neighbour_p99", "us", await neighbours(rounds, seconds, busy))


if __name__ == "__main__":
    asyncio.run(main())
