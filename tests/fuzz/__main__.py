"""Fuzz every target in turn, each in a process of its own: `make fuzz`.

.venv/bin/python -m tests.fuzz [--seconds 600] [--seed N] [--work .fuzz] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from secrets import randbelow
from typing import NamedTuple

from tests.fuzz.target import FOLDER, NAMES

ROOT = FOLDER.parents[1]
# Beyond its time a target may finish one input, and Python must start and end.
GRACE_S = 90
_DONE = re.compile(r"^#\d+\s+\w+\s+cov: (\d+)", re.MULTILINE)
_STAT = re.compile(r"^stat::(\w+):\s+(\d+)", re.MULTILINE)
_CRASH = re.compile(r"Test unit written to (\S+)")


class Round(NamedTuple):
    """How one target did."""

    executions: int
    edges: int
    new_inputs: int
    crash: str
    exit_code: int

    @property
    def ok(self) -> bool:
        """Return whether it ran to its end and found nothing."""
        return self.exit_code == 0 and self.executions > 0 and not self.crash


def main() -> int:
    """Run them and print a line for each; return the exit code: 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=600, help="for all targets together")
    parser.add_argument("--seed", type=int, default=randbelow(2**31), help="a new one each time if left out")
    parser.add_argument("--work", type=Path, default=ROOT / ".fuzz", help="where new inputs and crashes go")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME")
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print(
            "atheris is not installed: pip install --require-hashes -r tests/fuzz/requirements.txt",
            file=sys.stderr,
        )
        return 2
    share_s = max(1, options.seconds // len(options.only))
    print(
        f"seed {options.seed}, {share_s} s for each of {len(options.only)} targets, inputs in {options.work}"
    )
    print(f"{'target':<14} {'executions':>10} {'edges':>6} {'new':>5}  crash", flush=True)
    failed = [name for name in options.only if not _run(name, share_s, options.seed, options.work)]
    if failed:
        print(
            f"failed: {', '.join(failed)}; see {options.work}/*.log and tests/fuzz/README.md", file=sys.stderr
        )
    return 1 if failed else 0


def _run(name: str, seconds: int, seed: int, work: Path) -> bool:
    done = fuzz(name, seconds, seed, work)
    said = done.crash or ("-" if done.ok else f"exit code {done.exit_code}")
    print(f"{name:<14} {done.executions:>10,} {done.edges:>6,} {done.new_inputs:>5,}  {said}", flush=True)
    return done.ok


def fuzz(name: str, seconds: int, seed: int, work: Path) -> Round:
    """Fuzz one target in a child process and read what libFuzzer says at its end."""
    work.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "tests.fuzz.drive", name, "--work", str(work),
        "--seconds", str(seconds), "--seed", str(seed),
    ]  # fmt: skip
    log = work / f"{name}.log"
    with log.open("w") as file:
        try:
            exit_code = subprocess.run(
                command,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                timeout=seconds + GRACE_S,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            exit_code = -1
    return read_log(log.read_text(errors="replace"), exit_code)


def read_log(text: str, exit_code: int) -> Round:
    """Read what libFuzzer printed; a run that ended badly may say little."""
    stats = {name: int(value) for name, value in _STAT.findall(text)}
    edges = max((int(number) for number in _DONE.findall(text)), default=0)
    crash = _CRASH.search(text)
    return Round(
        stats.get("number_of_executed_units", 0),
        edges,
        stats.get("new_units_added", 0),
        crash[1] if crash else "",
        exit_code,
    )


if __name__ == "__main__":
    sys.exit(main())
