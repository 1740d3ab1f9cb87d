"""What a running node does with its store: one thing at a time, off the loop, broken off when it stops."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from caxton_node.storage import Database, StoreFailed
from caxton_node.storage.change_log import ChangeLog, ChangeLogSettings
from caxton_node.storage.change_segments import list_segments
from caxton_node.storage.errors import BackupUnusable, StoreBusy
from caxton_node.storage.layout import DATABASE, backups_of, changes_of
from caxton_node.storage.service import ASKED_MAX, StorageService
from tests.support.stores import MAKER, PAGE_BYTES, pages_of

pytestmark = pytest.mark.story("004")

PUT = "INSERT INTO cluster (key, value) VALUES (?, ?)"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / DATABASE) as opened:
        yield opened


@pytest.fixture
async def service(tmp_path: Path, database: Database) -> AsyncIterator[StorageService]:
    opened = StorageService(database.path, tmp_path, MAKER)
    await opened.open()
    yield opened
    await opened.close()


async def test_a_sound_store_has_no_findings(service: StorageService) -> None:
    done = await service.check()
    assert done.findings == ()
    assert done.size_bytes > 0
    assert done.took_s > 0


async def test_an_index_that_does_not_fit_its_table_is_found_though_every_page_is_whole(
    tmp_path: Path,
) -> None:
    """The check at start does not look at this; the one on demand does."""
    path = tmp_path / DATABASE
    await put(path, range(5))
    number, before = index_page(path)
    await put(path, range(5, 10))
    assert index_page(path)[0] == number
    replace_page(path, number, before)
    async with await Database.open(path):
        service = StorageService(path, tmp_path, MAKER)
        findings = (await service.check()).findings
        await service.close()
    assert any("sqlite_autoindex_cluster_1" in finding for finding in findings)


async def put(path: Path, numbers: range) -> None:
    async with await Database.open(path) as database:
        await database.write_many([(PUT, (f"k{number}", number)) for number in numbers])


def index_page(path: Path) -> tuple[int, bytes]:
    """Return the one page of the index of a small table."""
    (number,) = pages_of(path, "sqlite_autoindex_cluster_1")
    return number, path.read_bytes()[(number - 1) * PAGE_BYTES : number * PAGE_BYTES]


def replace_page(path: Path, number: int, page: bytes) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: (number - 1) * PAGE_BYTES] + page + data[number * PAGE_BYTES :])


async def test_a_reference_to_a_row_that_is_gone_is_found(tmp_path: Path, database: Database) -> None:
    await database.write("CREATE TABLE parts (id INTEGER PRIMARY KEY, whole TEXT REFERENCES cluster (key))")
    leave_orphan(database.path)
    service = StorageService(database.path, tmp_path, MAKER)
    assert (await service.check()).findings == ("row 7 of parts refers to a row of cluster that is gone",)
    await service.close()


def leave_orphan(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO parts VALUES (7, 'nothing')")


@pytest.fixture
def held(service: StorageService) -> Iterator[threading.Event]:
    """Keep the thread of the service busy until the event is set."""
    release = threading.Event()
    service._thread.submit(release.wait)
    yield release
    release.set()


async def test_checks_and_backups_go_one_at_a_time_and_few_may_wait(
    service: StorageService, held: threading.Event
) -> None:
    waiting = [asyncio.create_task(service.check()) for _ in range(ASKED_MAX)]
    await asyncio.sleep(0)
    for work in (service.check(), service.create_backup(), service.verify_backup("x")):
        with pytest.raises(StoreBusy, match="busy"):
            await work
    held.set()
    assert [(await each).findings for each in waiting] == [()] * ASKED_MAX
    assert (await service.create_backup()).node == "n1"


async def test_a_backup_is_broken_off_when_the_node_stops(
    tmp_path: Path, service: StorageService, held: threading.Event
) -> None:
    making = asyncio.create_task(service.create_backup())
    await asyncio.sleep(0)
    closing_service = asyncio.create_task(service.close())
    await asyncio.sleep(0)
    held.set()
    with pytest.raises(StoreFailed, match="broken off"):
        await making
    await closing_service
    assert names_in(backups_of(tmp_path)) == []


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


async def test_a_backup_is_asked_for_by_its_id_and_not_by_a_path(
    tmp_path: Path, service: StorageService
) -> None:
    made = await service.create_backup()
    assert await service.verify_backup(made.id) == (made, [])
    with pytest.raises(BackupUnusable, match="there is no backup"):
        await service.verify_backup(f"../backups/{made.id}")
    with pytest.raises(BackupUnusable):
        await service.verify_backup("")
    with pytest.raises(BackupUnusable):
        await service.verify_backup("..")
    with pytest.raises(BackupUnusable):
        await service.verify_backup("x" * 5_000)


async def test_what_the_system_refuses_beside_the_database_is_an_error_of_the_store(
    tmp_path: Path, service: StorageService
) -> None:
    put_folder(changes_of(backups_of(tmp_path)) / f"{1:020}.log")
    with pytest.raises(StoreFailed, match="cannot be used"):
        await service.create_backup()


def put_folder(path: Path) -> None:
    path.mkdir(parents=True)


async def open_logged(data_dir: Path, *, segment_bytes: int = 2**20) -> tuple[Database, StorageService]:
    log = ChangeLog(ChangeLogSettings(changes_of(backups_of(data_dir)), segment_bytes=segment_bytes))
    database = await Database.open(data_dir / DATABASE, change_log=log)
    service = StorageService(database.path, data_dir, MAKER, log)
    await service.open()
    await service._tasks[1]
    return database, service


async def test_a_change_log_gets_the_backup_that_it_stands_on_once(tmp_path: Path) -> None:
    for _ in range(2):
        database, service = await open_logged(tmp_path)
        await database.write("UPDATE boot SET epoch = epoch + 1")
        assert len(await service.list_backups()) == 1
        await service.close()
        await database.close()
    async with await Database.open(tmp_path / DATABASE) as unlogged:
        await unlogged.write("UPDATE boot SET epoch = 9")
    database, service = await open_logged(tmp_path)
    assert len(await service.list_backups()) == 2
    await service.close()
    await database.close()


async def test_a_backup_prunes_what_the_log_has_from_before_the_oldest_one(tmp_path: Path) -> None:
    database, service = await open_logged(tmp_path, segment_bytes=500)
    for number in range(10):
        await database.write(PUT, (f"k{number}", bytes(300)))
    folder = changes_of(backups_of(tmp_path))
    assert len(list_segments(folder)) == 10
    (oldest,) = await service.list_backups()
    remove(backups_of(tmp_path) / oldest.id)
    await service.create_backup()
    assert len(list_segments(folder)) == 1
    await service.close()
    await database.close()


def remove(folder: Path) -> None:
    shutil.rmtree(folder)
