"""How the throughput holds when there are more agents: 2, 100 and 10,000 of them on one node."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.runtime import Limits
from tests.bench.local_routing.flows import Flow
from tests.bench.local_routing.pairs import build_pairs, converse
from tests.bench.report import Reporter
from tests.support.data_plane import DataPlane


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many agents in pairs, and what they do.

    Attributes:
        agents: Two for each pair.
        window: Conversations that a pair has open; all together must stay below what a node holds open.
        conversations: Of each pair in a round.
    """

    agents: int
    window: int
    conversations: int


CROWDS = (Crowd(2, 256, 16_384), Crowd(100, 256, 512), Crowd(10_000, 8, 16))


async def best_flow(crowd: Crowd, rounds: int) -> Flow:
    """Return the fastest of some rounds."""
    with DataPlane() as plane:
        pairs = build_pairs(plane, "crowd", crowd.agents // 2, Limits())
        await converse(plane, pairs, crowd.window, crowd.window)  # warms up
        runs = [await converse(plane, pairs, crowd.conversations, crowd.window) for _ in range(rounds)]
    return max(runs, key=lambda run: run.per_second)


async def run(report: Reporter, rounds: int) -> None:
    """Measure every crowd and print it."""
    for crowd in CROWDS:
        found = await best_flow(crowd, rounds)
        report.emit(
            f"batched_throughput_{crowd.agents}",
            found.per_second,
            "messages/s",
            n=found.received,
            batch_size=found.batch_size,
            note=f"best of {rounds}; {crowd.agents:,} agents, {crowd.window} conversations open in each pair",
        )
