"""Run every benchmark in a process of its own and keep the figures: `make bench`.

.venv/bin/python -m tests.bench [--quick] [--write PAGE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

BENCHES = (
    "local_routing",
    "batching",
    "contract_net",
    "runtime",
    "hostile_neighbours",
    "swim_sim",
    "swim_real",
    "mesh",
    "registry",
    "api",
    "junk",
)
ROOT = Path(__file__).parents[2]
COLUMNS = ("bench", "metric", "value", "unit", "p50", "p99", "ratio", "note")


def main() -> int:
    """Run, print, and write the page if asked to; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--quick", action="store_true", help="end within 40 s each")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the figures to this page")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    failed = [name for name in BENCHES if not run(name, rows, quick=options.quick)]
    if options.write and not failed:
        options.write.write_text(page(rows, quick=options.quick))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(name: str, rows: list[dict[str, object]], *, quick: bool) -> bool:
    """Run one bench, adding its results to the rows; return whether it ended well."""
    command = [sys.executable, "-m", f"tests.bench.{name}", "--json", *(["--quick"] if quick else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            rows.append(json.loads(line))
    return process.returncode == 0


def page(rows: list[dict[str, object]], *, quick: bool) -> str:
    """Return the page with the figures of this run."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.strip()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, CPython {platform.python_version()}"
    table = [
        "| " + " | ".join(str(row.get(column, "")).replace("|", "/") for column in COLUMNS) + " |"
        for row in rows
    ]
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"The figures of one run of `make bench{' QUICK=1' if quick else ''}`:",
            f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {machine}.",
            "Machines differ and neighbours disturb:",
            "compare `ratio`, which is against a reference measured in the same run, before absolute values.",
            "",
            "One bench: `.venv/bin/python -m tests.bench.NAME --json [--quick]`, one JSON object per line.",
            "",
            "| " + " | ".join(COLUMNS) + " |",
            "|" + "---|" * len(COLUMNS),
            *table,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
