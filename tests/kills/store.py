"""A process that is killed while it writes to its database, again and again.

    python -m tests.kills.store --rounds 500 [--seed 7]

After every kill the database must open, be sound from end to end, and hold every batch that was acknowledged
and none in part. After the last round the change log, from the first backup on, must lead to the same rows.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

from caxton_node.storage import Database
from caxton_node.storage.integrity import find_damage
from caxton_node.storage.layout import DATABASE, backups_of
from caxton_node.storage.restore import Order, restore
from tests.kills.store_writer import READY, copy_of
from tests.support.stores import back_up, contents, logged

PATIENCE_S = 60.0
WRITING_S = 0.15
OPENING_S = 0.5
EARLY_SHARE = 0.2
"""Part of the rounds in which the process may be killed while it opens its database."""


@dataclass(slots=True)
class Outcome:
    """What came of some rounds.

    Attributes:
        rounds: How many there were.
        early: Kills before the first write could be asked for.
        acknowledged: Batches that were.
        unsure: Batches that were stored and not acknowledged.
        faults: What is wrong.
        took_s: How long it all took.
    """

    rounds: int = 0
    early: int = 0
    acknowledged: int = 0
    unsure: int = 0
    faults: list[str] = field(default_factory=list)
    took_s: float = 0.0


def run(rounds: int, *, seed: int, tell: Callable[[str], None] = lambda _line: None) -> Outcome:
    """Kill a writer so many times, and look at its database each time."""
    started_at, outcome, rng = time.monotonic(), Outcome(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="caxton-kills-") as folder:
        data_dir = Path(folder, "node")
        data_dir.mkdir()
        asyncio.run(_found(data_dir))
        first = 1
        for number in range(1, rounds + 1):
            first = _round(data_dir, first, rng, outcome) + 1
            outcome.rounds = number
            if number % 50 == 0 or outcome.faults:
                tell(f"round {number}: {outcome.acknowledged:,} acknowledged, {len(outcome.faults)} faults")
            if outcome.faults:
                break
        _compare_with_log(data_dir, Path(folder, "restored"), outcome)
    outcome.took_s = time.monotonic() - started_at
    return outcome


async def _found(data_dir: Path) -> None:
    async with logged(data_dir):
        back_up(data_dir)


def _round(data_dir: Path, first: int, rng: random.Random, outcome: Outcome) -> int:
    """Let a process write and kill it; return the last number that may be in the database."""
    is_early = rng.random() < EARLY_SHARE
    command = [sys.executable, "-m", "tests.kills.store_writer", str(data_dir), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        head = b""
        if is_early:
            Timer(rng.uniform(0.0, OPENING_S), process.kill).start()
        else:
            head = process.stdout.readline()
            Timer(rng.uniform(0.0, WRITING_S), process.kill).start()
        said = head + process.stdout.read()
        process.wait(PATIENCE_S)
    lines = said.split(b"\n")[:-1]  # what follows the last line break was not said to its end
    acknowledged = {int(line) for line in lines if line + b"\n" != READY}
    outcome.early += not acknowledged
    outcome.acknowledged += len(acknowledged)
    if not is_early and head != READY:
        outcome.faults.append(f"the writer did not come up: {said!r}")
    stored = _judge(data_dir, first, acknowledged, outcome)
    return max([first, *acknowledged, *stored])


def _judge(data_dir: Path, first: int, acknowledged: set[int], outcome: Outcome) -> set[int]:
    """Look at the file as the killed process left it, write-ahead log and all; return the numbers in it."""
    path = data_dir / DATABASE
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        outcome.faults += find_damage(connection)
        rows = {number for (number,) in connection.execute("SELECT id FROM spooled_messages")}
        copies = {copy for (copy,) in connection.execute("SELECT copy FROM durable_outbox")}
        known = connection.execute("SELECT value FROM cluster WHERE key = 'sum'").fetchone()
    if missing := acknowledged - rows:
        outcome.faults.append(f"acknowledged and missing: {sorted(missing)}")
    if copies != set(map(copy_of, rows)) or (known is not None and known[0] != sum(rows)):
        outcome.faults.append(
            f"a batch was stored in part: {len(rows)} rows, {len(copies)} copies, sum {known}"
        )
    outcome.unsure += len({number for number in rows if number >= first} - acknowledged)
    return rows


def _compare_with_log(data_dir: Path, target: Path, outcome: Outcome) -> None:
    """Let the store open the file once more, and restore from the first backup and all that was logged."""

    async def reopen() -> None:
        async with await Database.open(data_dir / DATABASE):
            pass

    restore(Order(target, backups_of(data_dir)))
    asyncio.run(reopen())
    if contents(target / DATABASE) != contents(data_dir / DATABASE):
        outcome.faults.append("the change log does not lead to what is in the database")


def main() -> int:
    """Run rounds and print what came of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills.store", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    outcome = run(given.rounds, seed=given.seed, tell=lambda line: print(line, flush=True))
    print(outcome)
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
