"""Guest to guest on one node: how many messages per second, how late, and what a bare `asyncio.Queue` does.

Everything is on: real sandboxes, envelopes decoded, checked, stamped, conversations noted, waits measured,
counts kept. The agents form a chain: each of N messages is put into the mailbox of the first, every agent
sends it on to the next, the last one keeps it. So each message is N_AGENTS - 1 messages from guest to guest;
only those are counted, by what the receiving guests say they have handled, and the time starts with the
first guest call.

The messages carry 200 bytes of content; with the stamps that is about 275 bytes each.

    .venv/bin/python -m tests.bench.local_routing [--json] [--quick]
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread

from caxton_node.fipa import Envelope, Performative, decode, encode
from caxton_node.runtime import Limits, Outcome, Sandbox
from caxton_node.runtime.scheduler import SWITCH_INTERVAL_S
from tests.bench.report import Reporter, parse_options, percentile
from tests.support.data_plane import NODE, Agent, DataPlane, until
from tests.support.guests import wat

CONTENT_BYTES = 200
CHAIN = 33
CONVERSATIONS = 64
BATCHED, SINGLE = 8_192, 1_024
"""Messages sent down the chain; all of them fit into the first mailbox."""
RATE = 50_000
BURST = 10
LOOK_EVERY_S = 0.005
"""How often a run looks whether it is over; looking costs the workers Python's lock."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One run down the chain.

    Attributes:
        sent: Messages that guests sent to guests, as the router accepted them.
        received: Messages that the receiving guests handled.
        seconds: From the first guest call to the last.
        batch_size: Messages per guest call, on average.
    """

    sent: int
    received: int
    seconds: float
    batch_size: float

    @property
    def per_second(self) -> float:
        """Return messages per second at the receivers."""
        return self.received / self.seconds


def build_chain(plane: DataPlane, name: str, limits: Limits) -> list[Agent]:
    """Start the agents of a chain; the last one has no next and keeps what it gets."""
    last = CHAIN - 1
    return [
        plane.add(f"{name}-{n}", wat("relay"), {"next": f"{name}-{n + 1}"} if n < last else {}, limits=limits)
        for n in range(CHAIN)
    ]


async def flow(plane: DataPlane, chain: Sequence[Agent], messages: int) -> Flow:
    """Send so many messages down the chain and wait until the last guest has handled the last of them."""
    first, last = chain[0], chain[-1]
    await asyncio.to_thread(plane.scheduler.detach, first.slot)
    for number in range(messages):
        plane.router.submit(
            Envelope(
                Performative.INFORM,
                sender=f"load@{NODE}",
                receivers=first.address,
                content=b"x" * CONTENT_BYTES,
                conversation_id=f"talk-{number % CONVERSATIONS}",
            )
        )
    handled, accepted = [agent.handled for agent in chain], plane.router.counts().accepted
    turns, goal = plane.scheduler.load().turns, last.handled + messages
    gc.collect()
    started_at = time.perf_counter()
    plane.scheduler.attach(first.slot)
    await until(lambda: last.handled >= goal, within_s=120, every_s=LOOK_EVERY_S)
    seconds = time.perf_counter() - started_at
    await plane.settled()
    received = sum(agent.handled - before for agent, before in zip(chain[1:], handled[1:], strict=True))
    sent = plane.router.counts().accepted - accepted
    turns = plane.scheduler.load().turns - turns
    assert received == sent == messages * (CHAIN - 1), f"{sent} sent, {received} received"
    return Flow(sent, received, seconds, (received + messages) / turns)


async def queue_one_way(messages: int) -> float:
    """Return messages per second from one task to another through one `asyncio.Queue`."""
    queue: asyncio.Queue[bytes] = asyncio.Queue(1_024)
    message = b"x" * CONTENT_BYTES

    async def produce() -> None:
        for _ in range(messages):
            await queue.put(message)

    started_at = time.perf_counter()
    producer = asyncio.create_task(produce())
    for _ in range(messages):
        await queue.get()
    await producer
    return messages / (time.perf_counter() - started_at)


async def queue_ping_pong(rounds: int) -> float:
    """Return messages per second when two tasks answer each other through two queues."""
    there: asyncio.Queue[bytes] = asyncio.Queue()
    back: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer() -> None:
        for _ in range(rounds):
            await back.put(await there.get())

    started_at = time.perf_counter()
    answering = asyncio.create_task(answer())
    for _ in range(rounds):
        await there.put(b"x" * CONTENT_BYTES)
        await back.get()
    await answering
    return 2 * rounds / (time.perf_counter() - started_at)


class _Timed:
    """A sandbox that notes, after each guest call, how late each of its messages was handled."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.late_us: list[float] = []

    def handle(self, frames: Sequence[bytes]) -> Outcome:
        outcome = self._sandbox.handle(frames)
        now = time.monotonic_ns()
        for frame in frames:
            content = decode(frame).content
            assert content is not None
            self.late_us.append((now - int.from_bytes(content[:8], "big")) / 1_000)
        return outcome

    def close(self) -> None:
        self._sandbox.close()


def offer(plane: DataPlane, receiver: str, seconds: float) -> None:
    """Send bursts at fixed moments, whatever comes of them; a late one carries the moment it was due."""
    interval_ns = BURST * 1_000_000_000 // RATE
    padding = b"x" * (CONTENT_BYTES - 8)
    due = time.monotonic_ns() + interval_ns
    end = due + int(seconds * 1e9)
    while due < end:
        ahead = due - time.monotonic_ns()
        if ahead > 0:
            time.sleep(ahead / 1e9)
        content = due.to_bytes(8, "big") + padding
        frames = [
            encode(Envelope(Performative.INFORM, None, receiver, content, f"talk-{number}"))
            for number in range(BURST)
        ]
        plane.router.accept(f"load#1.1@{NODE}", frames)
        due += interval_ns


async def latency(windows: int, seconds: float) -> list[float]:
    """Return how late messages were at the second of two guests: sorted, in us, the best window by p99."""
    found: list[list[float]] = []
    with DataPlane() as plane:
        relay = plane.add("near", wat("relay"), {"next": "far"})
        far = plane.add("far", wat("relay"))
        timed = _Timed(far.slot.sandbox)
        far.slot.sandbox = timed  # type: ignore[assignment]  # a stopwatch round the same sandbox
        for _ in range(windows + 1):  # the first one warms up
            timed.late_us = []
            load = Thread(target=offer, args=(plane, relay.address, seconds))
            load.start()
            await asyncio.to_thread(load.join)
            await plane.settled()
            assert len(timed.late_us) == int(seconds * RATE), f"{len(timed.late_us)} handled"
            found.append(sorted(timed.late_us))
    return min(found[1:], key=lambda late_us: percentile(late_us, 0.99))


@dataclass(frozen=True, slots=True)
class Best:
    """The fastest run of each kind; the slower ones say how busy the machine was."""

    batched: Flow
    single: Flow
    one_way: float
    ping_pong: float


async def measure(rounds: int) -> Best:
    """Run everything by turns, so that ours and the reference meet the same machine."""
    batched, single, one_way, ping_pong = [], [], [], []
    with DataPlane() as plane:
        by_256 = build_chain(plane, "wide", Limits(batch_max=256))
        by_one = build_chain(plane, "single", Limits(batch_max=1))
        await flow(plane, by_256, SINGLE)
        for _ in range(rounds):
            one_way.append(await queue_one_way(100_000))
            batched.append(await flow(plane, by_256, BATCHED))
            ping_pong.append(await queue_ping_pong(20_000))
            single.append(await flow(plane, by_one, SINGLE))
        counts = plane.router.counts()
        assert counts.accepted == counts.delivered, counts
    fastest_batched = max(batched, key=lambda run: run.per_second)
    fastest_single = max(single, key=lambda run: run.per_second)
    return Best(fastest_batched, fastest_single, max(one_way), max(ping_pong))


async def main() -> None:
    """Run everything and print it."""
    options = parse_options("local_routing")
    report = Reporter("local_routing", options)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    rounds = 4 if options.quick else 12
    best = await measure(rounds)
    batched, single, one_way, ping_pong = best.batched, best.single, best.one_way, best.ping_pong
    late_us = await latency(rounds, seconds=1.0)
    report.emit(
        "batched_throughput",
        batched.per_second,
        "messages/s",
        baseline=one_way,
        n=batched.received,
        messages_per_s=batched.per_second,
        batch_size=batched.batch_size,
        sent=batched.sent,
        received=batched.received,
        vs_queue_one_way=batched.per_second / one_way,
        vs_queue_ping_pong=batched.per_second / ping_pong,
        note=f"best of {rounds} by turns; baseline is a bare asyncio.Queue, one way, without agents",
    )
    report.emit(
        "single_throughput",
        single.per_second,
        "messages/s",
        baseline=ping_pong,
        n=single.received,
        batch_size=single.batch_size,
        sent=single.sent,
        received=single.received,
        note="batch_max 1; baseline is asyncio.Queue ping-pong",
    )
    report.emit("batching_gain", batched.per_second / single.per_second, "ratio", n=batched.received)
    report.emit("vs_queue_one_way", batched.per_second / one_way, "ratio", n=batched.received)
    report.emit("vs_queue_ping_pong", batched.per_second / ping_pong, "ratio", n=batched.received)
    p50, p99 = percentile(late_us, 0.5), percentile(late_us, 0.99)
    report.emit(
        "latency",
        p99,
        "us",
        n=len(late_us),
        p50=p50,
        p99=p99,
        note=f"open loop at {RATE:,}/s in bursts of {BURST}, due to handled by the second of "
        f"two guests; best of {rounds} windows of 1 s",
    )


if __name__ == "__main__":
    asyncio.run(main())
