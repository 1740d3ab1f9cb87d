"""Backups: made while others write, whole or not there, and each way of being damaged is found."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from caxton_node.storage import Database, StoreFailed
from caxton_node.storage.backups import (
    create_backup,
    find_backup,
    list_backups,
    remove_unfinished,
    verify_backup,
)
from caxton_node.storage.errors import BackupUnusable
from caxton_node.storage.layout import DATABASE, MANIFEST, backups_of
from caxton_node.storage.manifest import BackupFile, Manifest, write_manifest
from caxton_node.storage.restore import Order, restore
from caxton_node.storage.snapshot import Stopped, digest_of
from tests.support.stores import MAKER, back_up, contents, overwrite_page

pytestmark = pytest.mark.story("004")

PUT = "INSERT INTO cluster (key, value) VALUES (?, ?)"


@pytest.fixture
async def made(tmp_path: Path) -> Manifest:
    async with await Database.open(tmp_path / DATABASE) as database:
        await database.write_many([(PUT, (f"k{n}", "x" * 300)) for n in range(300)])
    return back_up(tmp_path)


def verdict(data_dir: Path, backup: str) -> list[str]:
    return verify_backup(*find_backup(backups_of(data_dir), backup))


async def test_a_backup_holds_what_was_committed_and_says_so_of_itself(
    tmp_path: Path, made: Manifest
) -> None:
    place = backups_of(tmp_path) / made.id
    assert contents(place / DATABASE) == contents(tmp_path / DATABASE)
    assert verdict(tmp_path, made.id) == []
    assert (made.node, made.cluster, made.caxton) == ("n1", "test", "0.0.0")
    assert made.stamp == made.created_unix_us // 1000 << 16
    assert list_backups(backups_of(tmp_path)) == [made]
    assert oct(place.stat().st_mode & 0o777) == "0o700"
    assert oct((place / DATABASE).stat().st_mode & 0o777) == "0o600"


async def test_a_backup_beside_a_busy_writer_holds_one_moment_and_nobody_waits(tmp_path: Path) -> None:
    """Each batch is two rows, so a copy of two moments would have one of them without the other."""
    async with await Database.open(tmp_path / DATABASE) as database:
        await database.write_many([(PUT, (f"old{n}", bytes(3_000))) for n in range(2_000)])
        is_done = asyncio.Event()

        async def write_on() -> int:
            number = 0
            while not is_done.is_set():
                await database.write_many([(PUT, (f"a{number}", 1)), (PUT, (f"b{number}", 1))])
                number += 1
            return number

        writing = asyncio.create_task(write_on())
        made = await asyncio.to_thread(back_up, tmp_path)
        is_done.set()
        assert await writing > 0
    rows = {str(key) for key, _ in contents(backups_of(tmp_path) / made.id / DATABASE)["cluster"]}
    assert {key[1:] for key in rows if key.startswith("a")} == {
        key[1:] for key in rows if key.startswith("b")
    }
    assert verdict(tmp_path, made.id) == []


async def test_two_backups_of_one_second_have_names_of_their_own(tmp_path: Path, made: Manifest) -> None:
    ids = {made.id, back_up(tmp_path).id, back_up(tmp_path).id}
    assert len(ids) == 3
    assert [each.id for each in list_backups(backups_of(tmp_path))] == sorted(
        ids, key=lambda each: find_backup(backups_of(tmp_path), each)[1].created_unix_us
    )


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "is missing": lambda place: (place / DATABASE).unlink(),
    "bytes and should have": lambda place: (place / DATABASE).write_bytes(b"short"),
    "SHA-256 differs": lambda place: _flip(place / DATABASE),
}


@pytest.mark.parametrize("says", DAMAGES)
async def test_a_backup_that_was_changed_is_found_out(tmp_path: Path, made: Manifest, says: str) -> None:
    DAMAGES[says](backups_of(tmp_path) / made.id)
    (finding,) = verdict(tmp_path, made.id)
    assert says in finding


async def test_a_database_that_was_damaged_before_it_was_backed_up_is_found_out(
    tmp_path: Path, made: Manifest
) -> None:
    place = backups_of(tmp_path) / made.id
    overwrite_page(place / DATABASE, 9)
    file = BackupFile(DATABASE, (place / DATABASE).stat().st_size, digest_of(place / DATABASE))
    write_manifest(place, replace(made, files=(file,)))
    assert verdict(tmp_path, made.id) != []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 2}', '{"format": 1, "id": "x"}', "\xff"],
)
async def test_a_manifest_that_cannot_be_read_is_no_backup(tmp_path: Path, made: Manifest, text: str) -> None:
    (backups_of(tmp_path) / made.id / MANIFEST).write_text(text, "latin-1")
    assert list_backups(backups_of(tmp_path)) == []
    with pytest.raises(BackupUnusable, match="manifest"):
        find_backup(backups_of(tmp_path), made.id)


async def test_a_manifest_does_not_lead_out_of_its_folder(tmp_path: Path, made: Manifest) -> None:
    path = backups_of(tmp_path) / made.id / MANIFEST
    data = json.loads(path.read_text())
    data["files"][0]["name"] = "../../caxton.db"
    path.write_text(json.dumps(data))
    with pytest.raises(BackupUnusable, match="is no name of a file"):
        find_backup(backups_of(tmp_path), made.id)


async def test_a_backup_is_called_what_its_folder_is_called(tmp_path: Path, made: Manifest) -> None:
    place = backups_of(tmp_path) / "before the upgrade"
    rename(backups_of(tmp_path) / made.id, place)
    assert list_backups(backups_of(tmp_path)) == [replace(made, id=place.name)]
    assert verdict(tmp_path, place.name) == verdict(tmp_path, str(place)) == []
    restore(Order(tmp_path, force=True))


def rename(place: Path, new: Path) -> None:
    place.rename(new)


@pytest.mark.parametrize("wanted", ["x" * 5_000, "/" + "x" * 5_000, "a\0b", "", "..", ".", "../backups", "/"])
async def test_a_name_that_cannot_be_one_is_refused_and_not_repeated_at_length(
    tmp_path: Path, made: Manifest, wanted: str
) -> None:
    with pytest.raises(BackupUnusable, match="there is no backup") as caught:
        find_backup(backups_of(tmp_path), wanted)
    assert len(str(caught.value)) < 500


def test_a_backup_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(BackupUnusable, match="has none"):
        find_backup(tmp_path, "20260101T000000Z")


async def test_nothing_is_left_of_a_backup_that_was_broken_off(tmp_path: Path, made: Manifest) -> None:
    folder = backups_of(tmp_path)
    with pytest.raises(Stopped):
        create_backup(tmp_path / DATABASE, folder, MAKER, lambda: True)
    assert [entry.name for entry in folder.iterdir()] == [made.id]
    (folder / ".20260101T000000.part").mkdir()
    remove_unfinished(folder)
    assert [entry.name for entry in folder.iterdir()] == [made.id]


async def test_a_backup_for_which_there_is_no_room_is_not_begun(
    tmp_path: Path, made: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caxton_node.storage.backups._SPARE_BYTES", shutil.disk_usage(tmp_path).total)
    with pytest.raises(StoreFailed, match="no room") as caught:
        back_up(tmp_path)
    assert "MiB are free" in caught.value.why
    assert list_backups(backups_of(tmp_path)) == [made]


async def test_a_copy_is_a_single_file_that_needs_no_other(tmp_path: Path, made: Manifest) -> None:
    place = backups_of(tmp_path) / made.id
    assert sorted(entry.name for entry in place.iterdir()) == [DATABASE, MANIFEST]
    verdict(tmp_path, made.id)
    assert sorted(entry.name for entry in place.iterdir()) == [DATABASE, MANIFEST]
    with closing(sqlite3.connect(place / DATABASE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
