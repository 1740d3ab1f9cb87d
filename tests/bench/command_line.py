"""How long whole commands take, as a ratio to a Python that does nothing.

    python -m tests.bench.command_line        with a node of its own; --data-dir asks one that runs

Processes take turns, so that what else the machine does meets all of them alike; the least of many runs is
what a quiet machine would take. Processor time is beside it, since a busy machine stretches the clock alone.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

BIN = Path(sys.executable).parent
ROUNDS = 20


def spend(command: Sequence[str | Path], environ: Mapping[str, str]) -> tuple[float, float]:
    """Run a command and return its seconds by the clock and of the processor."""
    before, began_at = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        command, env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    elapsed_s, after = time.perf_counter() - began_at, resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(args: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.command_line", description=__doc__)
    parser.add_argument("--data-dir", required=True, help="of a node that runs")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--bin", type=Path, default=BIN, help="folder of the caxton to measure")
    options = parser.parse_args(args)
    caxton = options.bin / "caxton"
    commands: dict[str, list[str | Path]] = {
        "python -c pass": [options.bin / "python", "-c", "pass"],
        "caxton --help": [caxton, "--help"],
        "caxton version": [caxton, "version"],
        "caxton agent list": [caxton, "agent", "list"],
        "caxton agent list -o json": [caxton, "agent", "list", "-o", "json"],
        "caxton agent list -o yaml": [caxton, "agent", "list", "-o", "yaml"],
        "caxton": [caxton],
    }
    environ = {**os.environ, "CAXTON_DATA_DIR": options.data_dir}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            taken[name].append(spend(command, environ))
    report(taken)


def report(taken: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Print a line for each command, beside the first."""
    first = next(iter(taken.values()))
    base_s, base_cpu_s = min(row[0] for row in first), min(row[1] for row in first)
    print(f"{'':28} {'least':>8} {'median':>8} {'ratio':>6}   {'cpu':>8} {'ratio':>6}")
    for name, rows in taken.items():
        least_s, cpu_s = min(row[0] for row in rows), min(row[1] for row in rows)
        middle_s = median(row[0] for row in rows)
        print(
            f"{name:28} {least_s * 1000:5.0f} ms {middle_s * 1000:5.0f} ms {least_s / base_s:6.2f}"
            f"   {cpu_s * 1000:5.0f} ms {cpu_s / base_cpu_s:6.2f}"
        )


if __name__ == "__main__":
    main()
