"""How many messages a second one process can give another: the mesh beside three others, without guests.

Every way runs between the same two processes, on a core each where there are two, and is looked at for some
time once messages flow. Ways are taken by turns, round after round, since neighbours of this machine come and
go. `waited` says how much they disturbed: seconds in which a thread was ready without a processor, a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.mesh.sides import Sides, Tell
from tests.bench.mesh.ways import BATCH, Counter, Way
from tests.bench.report import Reporter
from transport import Credentials


@dataclass(frozen=True, slots=True)
class Rate:
    """What one way came to.

    Attributes:
        count: Messages that arrived.
        seconds: Meanwhile.
        sender_us: Processor time of the sender for each message.
        receiver_us: The same of the receiver.
        waited: Seconds in which a thread was ready without a processor, per second, of the worse side.
    """

    count: int
    seconds: float
    sender_us: float
    receiver_us: float
    waited: float

    @property
    def per_second(self) -> float:
        """Return messages per second."""
        return self.count / self.seconds


def measure(sides: Sides, ways: Sequence[Way], *, rounds: int, seconds: float) -> dict[str, Rate]:
    """Return the median round of each way, by its name."""
    found: dict[str, list[Rate]] = {way.name: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            found[way.name].append(measure_once(sides, way, seconds))
    return {name: _middle(rates) for name, rates in found.items()}


def _middle(rates: Sequence[Rate]) -> Rate:
    return sorted(rates, key=lambda rate: rate.per_second)[len(rates) // 2]


def measure_once(sides: Sides, way: Way, seconds: float) -> Rate:
    """Run one way between the two processes."""
    sides.receiver.begin(receive, way, seconds)
    sides.sender.begin(send, way, sides.receiver.take())
    sides.receiver.take()
    spent, waited = sides.cpu_s(), sides.waited_s()
    count, passed_s = sides.receiver.take()
    spent_us = [(now - then) * 1e6 for now, then in zip(sides.cpu_s(), spent, strict=True)]
    worst = max(now - then for now, then in zip(sides.waited_s(), waited, strict=True)) / passed_s
    sides.sender.end()
    sides.receiver.end()
    assert count, f"nothing arrived by {way.name}"
    sender_us, receiver_us = (each / count for each in spent_us)
    return Rate(count, passed_s, sender_us, receiver_us, worst)


async def receive(credentials: Credentials, tell: Tell, way: Way, seconds: float) -> None:
    """Tell the port, that messages flow, and how many came in so many seconds."""
    counter, loop = Counter(), asyncio.get_running_loop()
    async with way.receiving(credentials, counter) as port:
        tell(port)
        await counter.begun.wait()
        await asyncio.sleep(seconds / 4)
        tell(None)
        count, began_at = counter.count, loop.time()
        await asyncio.sleep(seconds)
        tell((counter.count - count, loop.time() - began_at))
        await asyncio.Event().wait()  # until it is ended: closing may wait for the sender


async def send(credentials: Credentials, tell: Tell, way: Way, port: int) -> None:
    """Send until the end."""
    await way.send(credentials, port)


def emit(reporter: Reporter, metric: str, ours: Rate, theirs: Rate, *, size_bytes: int, note: str) -> None:
    """Report the ratio of two ways of the same run."""
    reporter.emit(
        metric,
        ours.per_second / theirs.per_second,
        "ratio",
        n=ours.count,
        ours=ours.per_second,
        theirs=theirs.per_second,
        sender_cpu_us=ours.sender_us,
        receiver_cpu_us=ours.receiver_us,
        their_sender_cpu_us=theirs.sender_us,
        their_receiver_cpu_us=theirs.receiver_us,
        waited=max(ours.waited, theirs.waited),
        note=f"{note}; without guests, {BATCH} of {size_bytes} B in each call",
    )
