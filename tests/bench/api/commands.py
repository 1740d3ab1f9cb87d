"""The command line as whole processes, beside an interpreter that does nothing, by turns."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

from caxton_node.devkit.demo.nodes import BIN
from tests.bench.api.place import Place
from tests.bench.report import Reporter, percentile

NOTHING = (sys.executable, "-c", "pass")


def run(reporter: Reporter, place: Place) -> None:
    """Measure and print."""
    caxton, rounds = str(BIN / "caxton"), 7 if reporter.options.quick else 25
    for metric, words in (
        ("cli_help", ("--help",)),
        ("cli_agent_list", ("--data-dir", str(place.node.data_dir), "agent", "list")),
    ):
        took = [(took_ms(NOTHING), took_ms((caxton, *words))) for _ in range(rounds)]
        nothing, command = (sorted(side) for side in zip(*took, strict=True))
        reporter.emit(
            metric,
            median(command),
            "ms",
            baseline=median(nothing),
            n=rounds,
            p50=median(command),
            p99=percentile(command, 0.99),
            best=command[0],
            note="whole process; baseline is python -c pass",
        )


def took_ms(command: Sequence[str]) -> float:
    """Return how long a command takes from start to end."""
    before = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - before) * 1000
