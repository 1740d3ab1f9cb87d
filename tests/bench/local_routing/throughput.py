"""How many messages per second, batched and one by one, by turns with everything they are held against.

A shared machine changes its speed by the second. So rounds are short, all kinds take turns, and the best
round of each kind counts: it is the one that nobody disturbed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from caxton_node.runtime import Limits
from tests.bench.local_routing.chain import build_chain, flow
from tests.bench.local_routing.flows import Flow
from tests.bench.local_routing.pairs import build_pairs, converse
from tests.bench.local_routing.peers import PeerRates, Peers
from tests.bench.local_routing.references import machine_unit_ns, queue_one_way, queue_ping_pong
from tests.bench.report import Reporter
from tests.support.data_plane import DataPlane

WIDE, NARROW = 256, 4
"""Conversations that the pair has open: enough for full batches; few, where every batch is of one anyway."""
BATCHED, SINGLE = 16_384, 2_048
"""Conversations in a round, some tenths of a second."""
CHAIN_BATCHED, CHAIN_SINGLE = 2_048, 256


@dataclass
class Figures:
    """All rounds of all kinds."""

    flows: dict[str, list[Flow]] = field(default_factory=lambda: defaultdict(list))
    rates: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    units_ns: list[float] = field(default_factory=list)
    peers: dict[str, PeerRates] = field(default_factory=dict)

    def fastest(self, kind: str) -> Flow:
        """Return the best round of a kind."""
        return max(self.flows[kind], key=lambda run: run.per_second)

    def cpu_us(self, kind: str) -> float:
        """Return the least processor time for a message of a kind."""
        return min(run.cpu_us for run in self.flows[kind])

    def rate(self, kind: str) -> float:
        """Return the best rate of a reference."""
        return max(self.rates[kind])


async def take_rounds(rounds: int, peers: Peers) -> Figures:
    """Run everything by turns, so that ours and all others meet the same machine."""
    found = Figures()
    flows, rates = found.flows, found.rates
    with DataPlane() as plane:
        wide = build_pairs(plane, "wide", 1, Limits())
        lone = build_pairs(plane, "lone", 1, Limits(batch_max=1))
        chain, lone_chain = build_chain(plane, "c", Limits()), build_chain(plane, "l", Limits(batch_max=1))
        await converse(plane, wide, BATCHED, WIDE)  # warms up
        for number in range(rounds):
            found.units_ns.append(machine_unit_ns())
            rates["one_way"].append(await queue_one_way(50_000))
            flows["batched"].append(await converse(plane, wide, BATCHED, WIDE))
            flows["chain"].append(await flow(plane, chain, CHAIN_BATCHED))
            rates["ping_pong"].append(await queue_ping_pong(10_000))
            flows["single"].append(await converse(plane, lone, SINGLE, NARROW))
            flows["chain_single"].append(await flow(plane, lone_chain, CHAIN_SINGLE))
            await peers.take_turn(number)
    found.peers = peers.best
    return found


def emit(report: Reporter, found: Figures, rounds: int) -> None:
    """Print the figures of all rounds."""
    best, one_way, ping_pong = f"best of {rounds} by turns", found.rate("one_way"), found.rate("ping_pong")
    _emit_flow(
        report,
        "batched_throughput",
        found.fastest("batched"),
        one_way,
        f"{best}; fipa-request between two agents, a new conversation for every two messages, {WIDE} open; "
        "baseline: asyncio.Queue one way",
    )
    _emit_flow(
        report,
        "single_throughput",
        found.fastest("single"),
        ping_pong,
        f"{best}; the same with batch_max 1 and {NARROW} open; baseline: asyncio.Queue ping-pong",
    )
    _emit_flow(
        report,
        "chain_throughput",
        found.fastest("chain"),
        one_way,
        f"{best}; INFORMs down a chain of relays, 64 conversations; baseline: asyncio.Queue one way",
    )
    _emit_flow(
        report,
        "chain_throughput_single",
        found.fastest("chain_single"),
        ping_pong,
        f"{best}; the chain with batch_max 1; baseline: asyncio.Queue ping-pong",
    )
    batched, single = found.fastest("batched").per_second, found.fastest("single").per_second
    report.emit("batching_gain", batched / single, "ratio", note="batched_throughput / single_throughput")
    for kind in ("batched", "single", "chain", "chain_single"):
        runs = found.flows[kind]
        report.emit(
            f"cpu_us_per_message_{kind}",
            found.cpu_us(kind),
            "us",
            n=sum(run.received for run in runs),
            note="processor time of the whole process; the least of all rounds",
        )
    for name, rate in (("one_way", one_way), ("ping_pong", ping_pong)):
        ratio = batched / rate
        report.emit(
            f"vs_queue_{name}", ratio, "ratio", ratio=ratio, note="batched_throughput / asyncio.Queue"
        )
    report.emit(
        "machine_unit",
        min(found.units_ns),
        "ns",
        p50=sorted(found.units_ns)[len(found.units_ns) // 2],
        note="a lock and a dictionary entry: how fast the machine was, and in the median round",
    )


def _emit_flow(report: Reporter, metric: str, run: Flow, baseline: float, note: str) -> None:
    report.emit(
        metric,
        run.per_second,
        "messages/s",
        baseline=baseline,
        n=run.received,
        batch_size=run.batch_size,
        sent=run.sent,
        received=run.received,
        note=note,
    )
