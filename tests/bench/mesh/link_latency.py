"""How late messages come out of the mesh at a fixed rate, without guests.

A thread that hardly does anything else hands the sender's event loop a few messages at each fixed moment, as
the workers of a node do. They carry the moment at which they were due, late or not, so nothing is left out if
it falls behind. The receiver compares that with this machine's one clock when its handler has them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from threading import Thread

from tests.bench.mesh.sides import Sides, Tell
from tests.bench.mesh.way_mesh import Hands, MeshWay
from tests.bench.mesh.ways import RECEIVER, Counter
from tests.bench.report import Reporter, percentile
from transport import Credentials, Mesh

PER_SECOND = 2_000
BEATS_PER_S = 1_000
STAMP_BYTES = 8
WARM_UP_S = 0.2


class TimingHands(Hands):
    """Notes how late each message is."""

    def __init__(self, expected: int) -> None:
        super().__init__(Counter())
        self.late_ns: list[int] = []
        self.complete = asyncio.Event()
        self._expected = expected

    def handle_batch(self, peer: str, lane: int, envelopes: list[bytes]) -> int:
        """Note; nothing is kept."""
        now_ns = time.monotonic_ns()
        self.late_ns += [now_ns - int.from_bytes(envelope[:STAMP_BYTES]) for envelope in envelopes]
        if len(self.late_ns) >= self._expected:
            self.complete.set()
        return 0


def run(reporter: Reporter, sides: Sides, way: MeshWay, seconds: float, *, half: int) -> None:
    """Report lateness at a low rate and at half of what the way can carry."""
    for metric, per_second in (
        (f"link_latency_{way.kind}", PER_SECOND),
        (f"link_latency_{way.kind}_half", half),
    ):
        found = measure(sides, way, max(per_second // BEATS_PER_S, 1), seconds)
        p50, p99 = percentile(found, 0.5), percentile(found, 0.99)
        note = f"open loop, {per_second:,}/s of {way.size_bytes} B, from due to the handler; without guests"
        reporter.emit(metric, p99, "ms", n=len(found), p50=p50, p99=p99, note=note)


def measure(sides: Sides, way: MeshWay, burst: int, seconds: float) -> Sequence[float]:
    """Return how late all messages of one window were, milliseconds, sorted."""
    beats = round((WARM_UP_S + seconds) * BEATS_PER_S)
    sides.receiver.begin(receive, way, burst * beats)
    sides.sender.begin(send, way, sides.receiver.take(), burst, beats)
    late_ns: list[int] = sides.receiver.take()
    sides.sender.end()
    sides.receiver.end()
    return sorted(late / 1e6 for late in late_ns[round(WARM_UP_S * BEATS_PER_S) * burst :])


async def receive(credentials: Credentials, tell: Tell, way: MeshWay, expected: int) -> None:
    """Tell the port, and how late all messages were, in the order in which they came."""
    hands = TimingHands(expected)
    async with way.listening(credentials, hands) as port:
        tell(port)
        await hands.complete.wait()
        tell(hands.late_ns)
        await asyncio.Event().wait()


async def send(credentials: Credentials, tell: Tell, way: MeshWay, port: int, burst: int, beats: int) -> None:
    """Send a burst at each beat."""
    async with way.sending(credentials, port) as (mesh, _):
        beat = Thread(target=_beat, args=(asyncio.get_running_loop(), mesh, way, burst, beats), daemon=True)
        beat.start()
        await asyncio.Event().wait()


def _beat(loop: asyncio.AbstractEventLoop, mesh: Mesh, way: MeshWay, burst: int, beats: int) -> None:
    rest = bytes(way.size_bytes - STAMP_BYTES)
    due_ns = time.monotonic_ns() + 1_000_000
    for number in range(beats):
        ahead_ns = due_ns - time.monotonic_ns()
        if ahead_ns > 0:
            time.sleep(ahead_ns / 1e9)
        messages = [due_ns.to_bytes(STAMP_BYTES) + rest] * burst
        loop.call_soon_threadsafe(mesh.send, RECEIVER, number, messages)
        due_ns += 1_000_000_000 // BEATS_PER_S
