"""Run the parts: `.venv/bin/python -m tests.bench.local_routing [--json] [--quick] [--profile]`."""

from __future__ import annotations

import asyncio
import sys

from caxton_node.runtime.scheduler import SWITCH_INTERVAL_S
from tests.bench.local_routing import crowd, latency, peers, throughput
from tests.bench.local_routing.profile import show_profile
from tests.bench.report import Options, Reporter, parse_options


async def measure(options: Options) -> None:
    """Run everything and print it."""
    report, quick = Reporter("local_routing", options), options.quick
    rounds = 3 if quick else 24
    found = await throughput.take_rounds(rounds, peers.Peers(1.0 if quick else 3.0))
    throughput.emit(report, found, rounds)
    peers.emit(report, found.peers, found.fastest("batched").per_second)
    await crowd.run(report, 2 if quick else 6)
    seconds, windows = (0.5, 3) if quick else (1.0, 10)
    await latency.run(report, windows, seconds, found.fastest("single").per_second)


def main() -> None:
    """Measure, or show where the time goes."""
    words = [word for word in sys.argv[1:] if word != "--profile"]
    options = parse_options("local_routing", words)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    if len(words) < len(sys.argv) - 1:
        show_profile(options)
    else:
        asyncio.run(measure(options))


if __name__ == "__main__":
    main()
