"""A power cut leaves the write-ahead log cut off or with something else behind its end.

The model: what was synced is there, what was written after the last sync is there in part, or as noise, or as
zeros. Every commit is synced before it is acknowledged, so the log up to its end is what a cut must leave.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from caxton_node.storage import Database
from caxton_node.storage.integrity import find_damage
from caxton_node.storage.layout import DATABASE

pytestmark = pytest.mark.story("004")

PUT = "INSERT INTO open_requests (id, envelope) VALUES (?, ?)"
COPY = "INSERT INTO durable_outbox (copy, expires_unix_ms, envelope) VALUES (?, 0, ?)"
COMMITS = 24
WAL_HEAD_BYTES, FRAME_HEAD_BYTES, PAGE_BYTES = 32, 24, 4096
FRAME_BYTES = FRAME_HEAD_BYTES + PAGE_BYTES


class Written:
    """What a database wrote: its file, its log, and where in the log each commit ended.

    Attributes:
        database: Bytes of the file.
        log: Bytes of the write-ahead log.
        ends: Byte at which the log ended when commit n was acknowledged.
    """

    def __init__(self, database: bytes, log: bytes, ends: list[int]) -> None:
        self.database = database
        self.log = log
        self.ends = ends


def end_of_last_commit(log: bytes) -> int:
    """Return where the frames of the last transaction end: the last of them has the size of the database."""
    starts = range(WAL_HEAD_BYTES, len(log) - FRAME_BYTES + 1, FRAME_BYTES)
    return max(at for at in starts if is_commit(log, at)) + FRAME_BYTES


def is_commit(log: bytes, at: int) -> bool:
    return log[at + 8 : at + 16] == log[16:24] and log[at + 4 : at + 8] != bytes(4)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return asyncio.run(write(tmp_path_factory.mktemp("written") / DATABASE))


async def write(path: Path) -> Written:
    rng, ends = random.Random(4), []
    async with await Database.open(path) as database:
        for number in range(1, COMMITS + 1):
            envelope = rng.randbytes(rng.choice((10, 500, 9000)))
            await database.write_many([(PUT, (number, envelope)), (COPY, (number.to_bytes(16), envelope))])
            ends.append(end_of_last_commit(log_of(path)))
        return Written(bytes_of(path), log_of(path), ends)


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def log_of(path: Path) -> bytes:
    return path.with_name(f"{path.name}-wal").read_bytes()


def open_and_look(folder: Path, written: Written, log: bytes) -> list[int]:
    """Put the files down as the cut left them, open them; return the commits that are there."""
    path = folder / DATABASE
    path.write_bytes(written.database)
    path.with_name(f"{path.name}-wal").write_bytes(log)
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        assert find_damage(connection) == []
        rows = [number for (number,) in connection.execute("SELECT id FROM open_requests ORDER BY id")]
        copies = connection.execute("SELECT copy FROM durable_outbox ORDER BY copy")
        assert [int.from_bytes(copy) for (copy,) in copies] == rows, "a transaction is there in part"
        return rows


def judge(folder: Path, written: Written, cut: int, tail: bytes) -> None:
    rows = open_and_look(folder, written, written.log[:cut] + tail)
    synced = [number for number, end in enumerate(written.ends, 1) if end <= cut]
    assert rows == synced, f"cut at {cut}"


TAILS: list[Callable[[random.Random, bytes], bytes]] = [
    lambda _rng, _rest: b"",
    lambda _rng, rest: bytes(len(rest)),
    lambda rng, rest: rng.randbytes(len(rest)),
    lambda rng, _rest: rng.randbytes(rng.randrange(3 * FRAME_BYTES)),
    # Sectors are written in any order: some of what follows is there, and not what lies before it.
    lambda rng, rest: b"".join(
        rest[at : at + 512] if rng.random() < 0.5 else bytes(len(rest[at : at + 512]))
        for at in range(0, len(rest), 512)
    ),
]


@pytest.mark.parametrize("tail", range(len(TAILS)), ids=["cut", "zeros", "noise", "more noise", "sectors"])
def test_a_torn_end_of_the_log_loses_no_synced_commit_and_halves_none(
    tmp_path: Path, written: Written, tail: int
) -> None:
    rng = random.Random(tail)
    for _ in range(60):
        cut = rng.randrange(written.ends[0], written.ends[-1])
        following = next(end for end in written.ends if end > cut)
        rest = written.log[cut:following]
        made = TAILS[tail](rng, rest)
        if made[: len(rest)] == rest:
            continue  # by chance it is what was written
        judge(tmp_path, written, cut, made)


def test_a_cut_at_every_byte_around_the_end_of_a_commit_is_judged_by_that_byte(
    tmp_path: Path, written: Written
) -> None:
    end = written.ends[COMMITS // 2]
    for cut in (*range(end - 40, end + 40), end - FRAME_BYTES, end + FRAME_HEAD_BYTES):
        judge(tmp_path, written, cut, b"")


async def test_the_store_itself_opens_a_torn_database_and_goes_on(tmp_path: Path, written: Written) -> None:
    cut = written.ends[9] + 1234
    open_and_look(tmp_path, written, written.log[:cut])
    (tmp_path / "again").mkdir()
    path = tmp_path / "again" / DATABASE
    put_down(path, written, cut)
    async with await Database.open(path) as database:
        assert await database.read("SELECT max(id) FROM open_requests") == [(10,)]
        await database.write(PUT, (11, b"again"))


def put_down(path: Path, written: Written, cut: int) -> None:
    path.write_bytes(written.database)
    path.with_name(f"{path.name}-wal").write_bytes(written.log[:cut] + b"\x5a" * 10_000)
