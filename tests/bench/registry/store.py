"""The store: durable writes beside bare sqlite3 with the same group commit, and reads of single rows.

`durable_writes` counts writes that were acknowledged after their sync, from 256 tasks that each wait for
theirs; the reference commits groups of the same mean size with the standard library alone, on this disk, in
turns with ours. `durable_writes_logged` is the same with a change log. `point_read` finds rows by key, all
over a table.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from caxton_node.storage import Database
from caxton_node.storage.change_log import ChangeLog, ChangeLogSettings
from caxton_node.storage.database import connect_writable
from caxton_node.storage.layout import DATABASE
from tests.bench.report import Reporter, percentile

WRITERS = 256
ENVELOPE = bytes(200)
TURNS, TURN_S = 6, 1.5
TURNS_QUICK, TURN_QUICK_S = 3, 0.7
ROWS = 100_000
READS, READS_QUICK = 50_000, 8_000
PUT = "INSERT INTO durable_outbox (copy, expires_unix_ms, envelope) VALUES (?, ?, ?)"
FIND = "SELECT expires_unix_ms, envelope FROM durable_outbox WHERE copy = ?"
MS = 1_000.0


@dataclass
class Rate:
    """What was written in how long."""

    writes: int = 0
    groups: int = 0
    took_s: float = 0.0

    @property
    def per_s(self) -> float:
        """Return writes per second."""
        return self.writes / self.took_s

    @property
    def group(self) -> int:
        """Return how many writes shared a commit."""
        return max(1, round(self.writes / self.groups))


def copy_of(number: int) -> bytes:
    """Return a key; keys come in no order, as ids do."""
    return (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(16, "big")


async def write_for(database: Database, duration_s: float, numbers: itertools.count[int], rate: Rate) -> None:
    """Let tasks write, each waiting for its acknowledgement, for so long."""
    groups, started_at = database.counts.groups, time.perf_counter()

    async def write_on() -> None:
        while time.perf_counter() - started_at < duration_s:
            await database.write(PUT, (copy_of(next(numbers)), 1, ENVELOPE))
            rate.writes += 1

    await asyncio.gather(*(write_on() for _ in range(WRITERS)))
    rate.took_s += time.perf_counter() - started_at
    rate.groups += database.counts.groups - groups


def write_bare(
    connection: sqlite3.Connection, duration_s: float, numbers: itertools.count[int], group: int, rate: Rate
) -> None:
    """Commit groups of the same size with the standard library alone, for so long."""
    started_at = time.perf_counter()
    while time.perf_counter() - started_at < duration_s:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(group):
            connection.execute(PUT, (copy_of(next(numbers)), 1, ENVELOPE))
        connection.execute("COMMIT")
        rate.writes += group
        rate.groups += 1
    rate.took_s += time.perf_counter() - started_at


async def measure_writes(folder: Path, *, turns: int, turn_s: float) -> tuple[Rate, Rate, Rate]:
    """Return the rates of the store, of the store with a change log, and of the reference, taken in turns."""
    plain, with_log, bare = Rate(), Rate(), Rate()
    for name in ("plain", "logged", "bare"):
        (folder / name).mkdir()
    log = ChangeLog(ChangeLogSettings(folder / "logged" / "changes"))
    numbers = itertools.count()
    async with (
        await Database.open(folder / "plain" / DATABASE) as ours,
        await Database.open(folder / "logged" / DATABASE, change_log=log) as logged,
    ):
        async with await Database.open(folder / "bare" / DATABASE):
            pass  # the same tables
        with closing(connect_writable(folder / "bare" / DATABASE)) as connection:
            for _ in range(turns):
                await write_for(ours, turn_s, numbers, plain)
                write_bare(connection, turn_s, numbers, plain.group, bare)
                await write_for(logged, turn_s, numbers, with_log)
    return plain, with_log, bare


async def measure_reads(folder: Path, reads: int) -> tuple[list[float], list[float]]:
    """Return the times of single rows by `find`, and by `read` over its thread, in ms, sorted."""
    async with await Database.open(folder / DATABASE) as database:
        for start in range(0, ROWS, 1_000):
            batch = range(start, start + 1_000)
            await database.write_many([(PUT, (copy_of(number), number, ENVELOPE)) for number in batch])
        here = [find_once(database, number) for number in keys(reads)]
        over = [await read_once(database, number) for number in keys(reads)]
    return sorted(here), sorted(over)


def find_once(database: Database, number: int) -> float:
    """Find one row; return how long it took, in ms."""
    started_at = time.perf_counter()
    row = database.find(FIND, (copy_of(number),))
    took_ms = (time.perf_counter() - started_at) * MS
    assert row == (number, ENVELOPE)
    return took_ms


async def read_once(database: Database, number: int) -> float:
    """Read one row; return how long it took, in ms."""
    started_at = time.perf_counter()
    rows = await database.read(FIND, (copy_of(number),))
    took_ms = (time.perf_counter() - started_at) * MS
    assert rows == [(number, ENVELOPE)]
    return took_ms


def keys(reads: int) -> list[int]:
    """Return which rows to read: all over the table."""
    return [number * 7919 % ROWS for number in range(reads)]


def run(reporter: Reporter) -> None:
    """Measure and print."""
    quick = reporter.options.quick
    turns, turn_s = (TURNS_QUICK, TURN_QUICK_S) if quick else (TURNS, TURN_S)
    with tempfile.TemporaryDirectory() as folder:
        plain, with_log, bare = asyncio.run(measure_writes(Path(folder), turns=turns, turn_s=turn_s))
    for metric, rate in (("durable_writes", plain), ("durable_writes_logged", with_log)):
        reporter.emit(
            metric,
            rate.per_s,
            "1/s",
            baseline=bare.per_s,
            n=rate.writes,
            note=f"{WRITERS} writers, {rate.group} writes a commit; baseline: sqlite3 with {bare.group}",
        )
    with tempfile.TemporaryDirectory() as folder:
        here, over = asyncio.run(measure_reads(Path(folder), READS_QUICK if quick else READS))
    reporter.emit(
        "point_read",
        percentile(here, 0.99),
        "ms",
        n=len(here),
        p50=percentile(here, 0.50),
        p99=percentile(here, 0.99),
        over_thread_p50=percentile(over, 0.50),
        over_thread_p99=percentile(over, 0.99),
        note=f"{ROWS:,} rows; over_thread: the same by aiosqlite, which is for queries of many rows",
    )
