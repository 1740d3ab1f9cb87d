"""The database: durable grouped writes, reads, clear errors, a damaged file left alone."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from caxton_node.core.errors import CorruptStore
from caxton_node.storage import Database, StoreFailed, WriteRefused

pytestmark = pytest.mark.story("004")

PUT = "INSERT INTO cluster (key, value) VALUES (?, ?)"


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "caxton.db") as opened:
        yield opened


async def test_a_new_file_gets_every_table_of_the_contract(database: Database) -> None:
    names = {name for (name,) in await database.read("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names >= {
        "agents", "modules", "registry_entries", "spooled_messages", "members", "boot", "tokens", "cluster",
    }  # fmt: skip


async def test_an_acknowledged_write_is_read_at_once(database: Database) -> None:
    assert await database.write(PUT, ("name", "demo")) == 1
    assert await database.read("SELECT value FROM cluster WHERE key = ?", ("name",)) == [("demo",)]


async def test_the_settings_that_make_it_durable_are_in_force(database: Database) -> None:
    assert await database.read("PRAGMA journal_mode") == [("wal",)]
    writer = database._writer._connection
    assert await writer.execute_fetchall("PRAGMA synchronous") == [(2,)]
    assert await writer.execute_fetchall("PRAGMA foreign_keys") == [(1,)]


async def test_concurrent_writes_share_commits(database: Database) -> None:
    await asyncio.gather(*(database.write(PUT, (f"k{n}", n)) for n in range(500)))
    assert await database.read("SELECT count(*) FROM cluster") == [(500,)]
    assert database.counts.statements == 500
    assert database.counts.groups <= 3


class Broken(dict[str, object]):
    """Parameters that fail when SQLite asks for one."""

    def __missing__(self, key: str) -> object:
        raise RuntimeError(f"no {key} today")


async def test_a_bug_in_one_write_leaves_the_writer_at_work(database: Database) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(WriteRefused, match="refused") as caught:
            await database.write("INSERT INTO cluster (key, value) VALUES (:key, 1)", Broken())
        assert "no key today" in caught.value.why
        assert await database.write(PUT, ("name", "demo")) == 1


async def test_a_store_that_is_full_says_so_until_it_takes_writes_again(database: Database) -> None:
    writer = database._writer._connection
    ((pages,),) = await writer.execute_fetchall("PRAGMA page_count")
    await writer.execute_fetchall(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFailed, match="full"):
        await database.write(PUT, ("large", bytes(1_000_000)))
    assert "full" in database.counts.trouble
    await writer.execute_fetchall(f"PRAGMA max_page_count = {pages + 1000}")
    await database.write(PUT, ("large", bytes(1_000_000)))
    assert database.counts.trouble == ""
    with pytest.raises(WriteRefused):
        await database.write(PUT, ("large", b"again"))
    assert database.counts.trouble == ""  # that was the writer's fault


async def test_a_refused_write_does_not_disturb_its_group(database: Database) -> None:
    outcomes = await asyncio.gather(
        database.write(PUT, ("a", 1)), database.write(PUT, ("a", 2)), database.write(PUT, ("b", 3)),
        return_exceptions=True,
    )  # fmt: skip
    assert outcomes[0] == outcomes[2] == 1
    assert isinstance(outcomes[1], WriteRefused)
    assert "UNIQUE" in outcomes[1].why
    assert await database.read("SELECT key, value FROM cluster ORDER BY key") == [("a", 1), ("b", 3)]


async def test_a_batch_is_stored_whole_or_not_at_all(database: Database) -> None:
    bad = asyncio.create_task(database.write_many([(PUT, ("x", 1)), (PUT, ("y", 2)), (PUT, ("x", 3))]))
    good = asyncio.create_task(database.write_many([(PUT, ("p", 1)), (PUT, ("q", 2))]))
    with pytest.raises(WriteRefused):
        await bad
    assert await good == [1, 1]
    assert await database.read("SELECT key FROM cluster ORDER BY key") == [("p",), ("q",)]


@pytest.mark.parametrize(
    "parameters",
    [("k", 2**70), ("k", object()), ("k", "\ud800"), ("only one",)],
    ids=["too large", "no value", "no text", "too few"],
)
async def test_unfit_parameters_are_refused_and_the_writer_lives(
    database: Database, parameters: tuple[object, ...]
) -> None:
    with pytest.raises((WriteRefused, StoreFailed)):
        await database.write(PUT, parameters)
    assert await database.write(PUT, ("after", 1)) == 1


async def test_a_cancelled_caller_does_not_stop_the_writer(database: Database) -> None:
    task = asyncio.create_task(database.write(PUT, ("gone", 1)))
    await asyncio.sleep(0)
    task.cancel()
    await database.write(PUT, ("here", 1))
    assert ("here",) in await database.read("SELECT key FROM cluster")


async def test_callers_wait_for_room_when_the_disk_is_behind(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caxton_node.storage.group_commit.WAITING_MAX", 4)
    await asyncio.gather(*(database.write(PUT, (f"k{n}", n)) for n in range(50)))
    assert await database.read("SELECT count(*) FROM cluster") == [(50,)]


async def test_a_single_row_is_found_without_waiting_as_soon_as_it_is_acknowledged(
    database: Database,
) -> None:
    assert database.find("SELECT value FROM cluster WHERE key = ?", ("k",)) is None
    for number in range(3):
        await database.write("INSERT OR REPLACE INTO cluster VALUES ('k', ?)", (number,))
        assert database.find("SELECT value FROM cluster WHERE key = ?", ("k",)) == (number,)
    with pytest.raises(StoreFailed, match="readonly"):
        database.find("DELETE FROM cluster")
    with pytest.raises(StoreFailed, match="no such table"):
        database.find("SELECT 1 FROM nowhere")


async def test_finding_leaves_no_transaction_open_that_would_keep_the_log_from_ending(
    database: Database,
) -> None:
    await database.write_many([(PUT, (f"k{n}", n)) for n in range(10)])
    assert database.find("SELECT value FROM cluster") is not None
    writer = database._writer._connection
    assert await writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)") == [(0, 0, 0)]


async def test_the_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StoreFailed, match="readonly"):
        await database.read("DELETE FROM cluster")


async def test_closing_commits_what_waits_and_refuses_the_rest(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "caxton.db")
    writes = [asyncio.create_task(database.write(PUT, (f"k{n}", n))) for n in range(100)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*writes) == [1] * 100
    with pytest.raises(StoreFailed, match="closed"):
        await database.write(PUT, ("late", 1))
    with pytest.raises(StoreFailed, match="closed"):
        await database.read("SELECT 1")
    with pytest.raises(StoreFailed, match="closed"):
        database.find("SELECT 1")
    async with await Database.open(tmp_path / "caxton.db") as again:
        assert await again.read("SELECT count(*) FROM cluster") == [(100,)]


async def test_acknowledged_writes_survive_a_process_that_just_stops(tmp_path: Path) -> None:
    """What is on the disk at the moment of the acknowledgement is opened as a crash would have left it."""
    async with await Database.open(tmp_path / "caxton.db") as database:
        await asyncio.gather(*(database.write(PUT, (f"k{n}", n)) for n in range(200)))
        (tmp_path / "crashed").mkdir()
        for suffix in ("", "-wal"):
            shutil.copy(tmp_path / f"caxton.db{suffix}", tmp_path / "crashed" / f"caxton.db{suffix}")
    async with await Database.open(tmp_path / "crashed" / "caxton.db") as survivor:
        assert await survivor.read("SELECT count(*) FROM cluster") == [(200,)]


async def damaged_file(folder: Path) -> Path:
    path = folder / "caxton.db"
    async with await Database.open(path) as database:
        await database.write_many([(PUT, (f"k{n}", "x" * 500)) for n in range(1000)])
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xa5" * 8192
    path.write_bytes(content)
    return path


async def test_a_damaged_file_is_named_and_left_untouched(tmp_path: Path) -> None:
    path = await damaged_file(tmp_path)
    before = path.read_bytes()
    with pytest.raises(CorruptStore) as caught:
        await Database.open(path)
    assert str(path) in caught.value.what
    assert "SQLite says: " in caught.value.why
    assert "caxton-node backup restore" in caught.value.hint
    assert "caxton-node salvage" in caught.value.hint
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_named_and_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "caxton.db"
    path.write_bytes(b"this is a shopping list, not a database\n" * 300)
    before = path.read_bytes()
    with pytest.raises(CorruptStore, match="not a database"):
        await Database.open(path)
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["caxton.db"]


async def test_a_missing_folder_says_what_to_check(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="unable to open") as caught:
        await Database.open(tmp_path / "nowhere" / "caxton.db")
    assert "nowhere" in caught.value.hint


async def test_a_file_that_another_process_locks_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caxton_node.storage.integrity.BUSY_TIMEOUT_S", 0.0)
    path = tmp_path / "caxton.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreFailed, match="second daemon"):
            await Database.open(path)


async def test_a_full_disk_fails_the_group_and_leaves_the_store_usable(database: Database) -> None:
    writer = database._writer._connection
    ((pages,),) = await writer.execute_fetchall("PRAGMA page_count")
    await writer.execute_fetchall(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreFailed, match="free space"):
        await database.write(PUT, ("big", b"x" * 1_000_000))
    assert await database.write(PUT, ("small", 1)) == 1
