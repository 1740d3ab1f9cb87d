"""What loss and delay cost: two processes on two hosts of a bad network, 200-byte messages, QUIC beside TLS.

At 1,000 messages a second, open loop: how late a message is, counted from when it was due. As fast as it
goes: how many messages a second arrive. Both ends check that nothing was lost and every conversation kept
its order; a figure of a run in which it did not is never printed. A line carries 100 Mbit/s, so that the
curve shows the protocols and not the box between the hosts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.mesh.loss_ends import Result, Run, run
from tests.bench.report import Options, Reporter, percentile
from tests.support.certificates import Pki
from tests.support.rough_line import Conditions
from tests.support.tun_net import TunNet, find_obstacle
from transport import TransportChoice
from transport.links import tcp_congestion

RATE_BYTES_S = 100e6 / 8
KINDS = (TransportChoice.QUIC, TransportChoice.TCP)
LOSSES = (0.0, 0.01, 0.03, 0.05)
DELAYS_S = (0.01, 0.05)
GOAL = (0.05, 0.01)
"""Loss and delay of the two figures that have a goal."""


@dataclass(frozen=True, slots=True)
class Point:
    """One place on the curve."""

    loss: float
    delay_s: float
    latency_s: float
    flood_s: float

    @property
    def name(self) -> str:
        """Return what its metrics are called after."""
        return f"loss{round(self.loss * 100)}_delay{round(self.delay_s * 1000)}"

    @property
    def conditions(self) -> Conditions:
        """Return what both directions are like."""
        return Conditions(loss=self.loss, delay_s=self.delay_s, rate_bytes_s=RATE_BYTES_S)


def plan(options: Options) -> list[Point]:
    """Return the points of the curve; quick has the one with a goal."""
    if options.quick:
        return [Point(*GOAL, latency_s=2.5, flood_s=0.0)]
    return [Point(loss, delay_s, latency_s=5.0, flood_s=5.0) for delay_s in DELAYS_S for loss in LOSSES]


def measure(options: Options, reporter: Reporter) -> None:
    """Measure the points of the curve and print their figures."""
    if obstacle := find_obstacle():
        reporter.emit("loss5_p99", float("nan"), "ms", note=f"not measured: {obstacle}")
        return
    pki = Pki()
    for point in plan(options):
        for metric, value, unit, more in _measure_point(point, pki):
            reporter.emit(metric, value, unit, **more)


def _measure_point(point: Point, pki: Pki) -> Iterator[tuple[str, float, str, dict[str, object]]]:
    paced = {kind: _run(point, Run(kind, rate=1000, seconds=point.latency_s), pki) for kind in KINDS}
    quic, tcp = (_ms(paced[kind].late_s) for kind in KINDS)
    for share, word in ((0.5, "p50"), (0.99, "p99")):
        ours, other = percentile(quic, share), percentile(tcp, share)
        metric = f"loss5_{word}" if (point.loss, point.delay_s) == GOAL else f"{point.name}_{word}"
        note = f"QUIC, 1,000/s, {_words(point)}; baseline: TLS over TCP ({_congestion()})"
        yield metric, ours, "ms", {"baseline": other, "n": len(quic), "note": note}
    if point.flood_s:
        flood = {kind: _run(point, Run(kind, rate=0, seconds=point.flood_s), pki) for kind in KINDS}
        ours, other = (flood[kind].per_second for kind in KINDS)
        note = f"QUIC, as fast as it goes, {_words(point)}; baseline: TLS over TCP ({_congestion()})"
        more = {"baseline": other, "n": flood[KINDS[0]].count, "note": note}
        yield f"{point.name}_throughput", ours, "messages/s", more


def _run(point: Point, one: Run, pki: Pki) -> Result:
    with TunNet() as net:
        ends = net.attach("sender"), net.attach("receiver")
        net.change(point.conditions)
        return run(one, ends, pki)


def _ms(late_s: Sequence[float]) -> list[float]:
    return sorted(1000 * late for late in late_s)


def _words(point: Point) -> str:
    return f"{point.loss:.0%} loss, {point.delay_s * 1000:.0f} ms each way, 100 Mbit/s"


def _congestion() -> str:
    """Return what TCP does about loss here: what links prefer, or the kernel's default."""
    folder = Path("/proc/sys/net/ipv4")
    available = (folder / "tcp_available_congestion_control").read_text().split()
    preferred = tcp_congestion.PREFERRED.decode()
    return preferred if preferred in available else (folder / "tcp_congestion_control").read_text().strip()
