"""How much a node keeps for an agent that handles 100 messages a second while another node floods it.

The sink may send 100 messages a second and confirms each, so it gets no more turns than that and rests in
between. The source sends 64 messages in each of its turns, so that there is always a moment to pause it. The
figure is the most that ever waited in its mailbox, in bytes of content; `baseline` is what the receiver lets
one peer have unhandled. What the source cannot send waits on its own node, where it is paused; after a second
of that it has lost its patience and is `refused` what it sends, until there is room again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.bench.mesh.crew import Crew, muster
from tests.bench.mesh.daemons import Pair, read_counts
from tests.bench.report import Reporter
from transport import Settings

SIZE_BYTES = 1_024
PER_SECOND = 100
OPEN = 64
TIMES = 300
LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Flooded:
    """What was seen of a flooded node.

    Attributes:
        waiting: Most messages that waited.
        grown_bytes: How much more memory the daemon had at most than before.
        refused: Messages that either node gave up.
    """

    waiting: int
    grown_bytes: int
    refused: int


def flood(crew: Crew, seconds: float) -> Flooded:
    """Flood the one sink of a crew and look at its node meanwhile."""
    pair = crew.pair
    before, waiting, grown = pair.b.resident_bytes(), 0, 0
    counts = read_counts(pair.to_a) + read_counts(pair.to_b)
    for _ in range(TIMES):
        crew.start(opened=OPEN, step=1, size_bytes=SIZE_BYTES)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        waiting = max(waiting, pair.to_b.agents.get(crew.sink(0)).detail.mailbox_waiting)
        grown = max(grown, pair.b.resident_bytes() - before)
        time.sleep(LOOK_EVERY_S)
    gained = read_counts(pair.to_a) + read_counts(pair.to_b)
    gained.subtract(counts)
    return Flooded(waiting, grown, gained["refused"] + gained["dead_lettered"])


def run(reporter: Reporter, pair: Pair, seconds: float) -> None:
    """Flood one sink, and report; the pair has had its turn in all other parts."""
    crew = muster(pair, "slow", 1, batching="single", messages_per_s=PER_SECOND)
    found = flood(crew, seconds)
    reporter.emit(
        "slow_consumer_bytes",
        found.waiting * SIZE_BYTES,
        "bytes",
        baseline=Settings().kept_bytes_max,
        n=OPEN * TIMES,
        resident_growth_bytes=found.grown_bytes,
        refused=found.refused,
        note=f"{OPEN * TIMES:,} messages of {SIZE_BYTES:,} B for an agent that handles {PER_SECOND}/s",
    )
