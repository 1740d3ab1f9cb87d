"""Runs one target under atheris.

.venv/bin/python -m tests.fuzz.drive NAME [--seconds 60] [--seed 1] [--work .fuzz] [FILE ...]

With files it only replays them. Coverage of `caxton_node` and `swim` guides it; wasmtime has none.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import sys
from hashlib import sha1
from pathlib import Path
from random import Random

import atheris

from tests.fuzz.target import NAMES, Target, load

UNIT_SECONDS_MAX = 20
MEMORY_MB_MAX = 3_000


def main() -> None:
    """Fuzz until time is up or a fault is found; libFuzzer ends the process."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.drive")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path(".fuzz"))
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    with atheris.instrument_imports(include=["caxton_node", "swim"]):
        target = load(options.name)
    crashes = options.work / "crashes"
    crashes.mkdir(parents=True, exist_ok=True)
    arguments = [
        sys.argv[0],
        f"-artifact_prefix={crashes / options.name}-",
        f"-max_len={target.size_max}",
        f"-timeout={UNIT_SECONDS_MAX}",
        f"-rss_limit_mb={MEMORY_MB_MAX}",
        "-print_final_stats=1",
    ]
    if options.files:
        arguments += options.files
    else:
        arguments += [
            f"-max_total_time={options.seconds}",
            f"-seed={options.seed}",
            *_folders(target, options.work),
        ]
    _fuzz(target, arguments)


def _folders(target: Target, work: Path) -> list[str]:
    """Return the folders of inputs: new ones go into the first, the kept ones are only read."""
    own, seeds = work / "corpus" / target.name, work / "seeds" / target.name
    for folder in (own, seeds):
        folder.mkdir(parents=True, exist_ok=True)
    _write_seeds(target, seeds)
    return [str(folder) for folder in (own, seeds, target.corpus, target.regressions) if folder.is_dir()]


def _write_seeds(target: Target, folder: Path) -> None:
    """Make the seeds in a child, so that no engine is made here before libFuzzer has its signals.

    The order matters: wasmtime sorts out the traps of guests, so it must come last and hand on the rest.
    """
    child = os.fork()
    if child == 0:
        for data in target.seeds():
            (folder / sha1(data).hexdigest()).write_bytes(data)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, "the seeds could not be made"


def _fuzz(target: Target, arguments: list[str]) -> None:
    def check(data: bytes) -> None:
        # Only now, since it hands a signal on to whoever had it before: libFuzzer, which keeps the input.
        if not faulthandler.is_enabled():
            faulthandler.enable()
        target.check(data)

    def vary(data: bytes, size_max: int, seed: int) -> bytes:
        assert target.mutate is not None
        return target.mutate(data, size_max, Random(seed), atheris.Mutate)

    atheris.Setup(arguments, check, **({"custom_mutator": vary} if target.mutate else {}))
    sys.stdout.flush()
    atheris.Fuzz()


if __name__ == "__main__":
    main()
