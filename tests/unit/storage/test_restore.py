"""Restoring: the old database is kept, nothing is replaced unasked, and a crash in between is noticed."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from caxton_node.storage import Database, StoreFailed, owned
from caxton_node.storage.errors import BackupUnusable, MomentUnreachable, StoreOccupied
from caxton_node.storage.layout import DATABASE, backups_of
from caxton_node.storage.manifest import Manifest
from caxton_node.storage.restore import Order, restore
from caxton_node.storage.swap import BESIDE, put_in_place, waiting_of
from tests.support.stores import back_up, contents, logged

pytestmark = pytest.mark.story("004")

PUT = "INSERT INTO cluster (key, value) VALUES (?, ?)"


@pytest.fixture
async def made(tmp_path: Path) -> Manifest:
    """Make a database with a row, a backup of it, and another row."""
    async with await Database.open(tmp_path / DATABASE) as database:
        await database.write(PUT, ("before", 1))
        found = back_up(tmp_path)
        await database.write(PUT, ("after", 1))
    return found


def keys_in(path: Path) -> list[object]:
    return [key for key, _ in contents(path)["cluster"]]


async def test_a_backup_is_restored_into_an_empty_directory(tmp_path: Path, made: Manifest) -> None:
    done = restore(Order(tmp_path / "other", backups_of(tmp_path), made.id))
    assert keys_in(tmp_path / "other" / DATABASE) == ["before"]
    assert (done.kept, done.manifest, done.replayed.changes) == (None, made, 0)
    async with await Database.open(tmp_path / "other" / DATABASE) as database:
        await database.write(PUT, ("new", 1))


async def test_a_database_is_replaced_only_when_it_is_said_and_kept_with_its_log(
    tmp_path: Path, made: Manifest
) -> None:
    before = contents(tmp_path / DATABASE)
    with pytest.raises(StoreOccupied, match="is there already"):
        restore(Order(tmp_path, backup=made.id))
    done = restore(Order(tmp_path, backup=made.id, force=True))
    assert keys_in(tmp_path / DATABASE) == ["before"]
    assert done.kept is not None
    assert contents(done.kept) == before


async def test_a_write_ahead_log_never_meets_another_database(tmp_path: Path, made: Manifest) -> None:
    (tmp_path / f"{DATABASE}-wal").write_bytes(b"frames of the old database")
    done = restore(Order(tmp_path, backup=made.id, force=True))
    assert done.kept is not None
    assert [name for name in names_in(tmp_path) if name.endswith("-wal")] == [f"{done.kept.name}-wal"]
    assert keys_in(tmp_path / DATABASE) == ["before"]


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


async def test_without_a_name_the_newest_whole_backup_is_taken(tmp_path: Path, made: Manifest) -> None:
    newer = back_up(tmp_path)
    (backups_of(tmp_path) / newer.id / DATABASE).write_bytes(b"damaged")
    done = restore(Order(tmp_path, force=True))
    assert done.manifest.id == made.id
    assert newer.id in done.skipped[0]


async def test_a_backup_that_is_not_whole_is_refused_and_nothing_is_touched(
    tmp_path: Path, made: Manifest
) -> None:
    (backups_of(tmp_path) / made.id / DATABASE).write_bytes(b"damaged")
    before = names_in(tmp_path)
    with pytest.raises(BackupUnusable, match="is not whole"):
        restore(Order(tmp_path, backup=made.id, force=True))
    with pytest.raises(BackupUnusable, match=r"no backup in .* is whole"):
        restore(Order(tmp_path, force=True))
    assert names_in(tmp_path) == before


async def test_a_moment_before_the_first_backup_is_refused_with_the_earliest_one(
    tmp_path: Path, made: Manifest
) -> None:
    with pytest.raises(MomentUnreachable, match="no backup is old enough") as caught:
        restore(Order(tmp_path, to_unix_us=made.created_unix_us - 1, force=True))
    assert "--to" in caught.value.hint
    with pytest.raises(MomentUnreachable, match="is later than"):
        restore(Order(tmp_path, backup=made.id, to_unix_us=made.created_unix_us - 1, force=True))


def test_a_directory_without_backups_says_so(tmp_path: Path) -> None:
    with pytest.raises(BackupUnusable, match="there is no backup"):
        restore(Order(tmp_path))


async def test_a_running_node_keeps_its_database(tmp_path: Path, made: Manifest) -> None:
    with owned(tmp_path), pytest.raises(StoreFailed, match="another node runs"):
        restore(Order(tmp_path, backup=made.id, force=True))


@pytest.mark.parametrize("is_kept", [False, True], ids=["before the old one was kept", "after it"])
async def test_a_restore_that_was_interrupted_is_finished_by_the_next_start(
    tmp_path: Path, made: Manifest, *, is_kept: bool
) -> None:
    path = tmp_path / DATABASE
    stop_half_way(path, backups_of(tmp_path) / made.id / DATABASE, is_kept=is_kept)
    async with await Database.open(path) as database:
        assert await database.read("SELECT key FROM cluster") == [("before",)]
    assert not waiting_of(path).exists()
    (kept,) = [name for name in names_in(tmp_path) if re.fullmatch(rf"{DATABASE}.replaced-\w+", name)][-1:]
    assert "after" in keys_in(tmp_path / kept)


def stop_half_way(path: Path, new: Path, *, is_kept: bool) -> None:
    """Leave things as a crash between two steps does."""
    shutil.copy(new, waiting_of(path))
    if is_kept:
        path.with_name(f"{DATABASE}.replaced-20260101T000000Z").hardlink_to(path)


async def test_what_was_made_is_put_where_nothing_was(tmp_path: Path, made: Manifest) -> None:
    new = tmp_path / "new.db"
    (tmp_path / DATABASE).rename(new)
    assert put_in_place(new, tmp_path / DATABASE, because="test") is None
    assert not new.exists()


async def test_what_a_killed_restore_left_is_not_mixed_into_the_next_one(
    tmp_path: Path, made: Manifest
) -> None:
    """The changes of its replay are in a write-ahead log, which SQLite would apply to the new copy."""
    other = tmp_path / "other"
    other.mkdir()
    leave_replay_behind(other / f".{DATABASE}.restoring", backups_of(tmp_path) / made.id / DATABASE)
    assert len(names_in(other)) > 1
    restore(Order(other, backups_of(tmp_path), made.id))
    assert keys_in(other / DATABASE) == ["before"]
    assert [name for name in names_in(other) if "restoring" in name] == []


def leave_replay_behind(path: Path, backup: Path) -> None:
    """Leave a copy with changes in its write-ahead log, as a kill in the midst of a replay does."""
    shutil.copy(backup, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(PUT, ("replayed", 1))
        beside = [path.with_name(path.name + suffix) for suffix in BESIDE]
        held = [file.read_bytes() for file in beside]
    for file, data in zip(beside, held, strict=True):
        file.write_bytes(data)


async def test_a_restore_from_a_copied_folder_leaves_the_own_log_behind_as_well(tmp_path: Path) -> None:
    """The own log is one record ahead of the copy, which is what a kill looks like."""
    away = tmp_path / "away"
    async with logged(tmp_path) as database:
        back_up(tmp_path)
        await database.write(PUT, ("both", 1))
        copy_folder(backups_of(tmp_path), away)
        await database.write(PUT, ("undone", 1))
    restore(Order(tmp_path, away, force=True))
    async with logged(tmp_path) as database:
        await database.write(PUT, ("later", 1))
    assert keys_in(tmp_path / DATABASE) == ["both", "later"]
    with pytest.raises(MomentUnreachable, match="does not lead"):
        restore(Order(tmp_path, force=True))  # rather than a state with what was undone in it
    assert keys_in(tmp_path / DATABASE) == ["both", "later"]


def copy_folder(source: Path, target: Path) -> None:
    shutil.copytree(source, target)


async def test_join_tokens_are_void_in_what_was_restored_and_others_are_not(tmp_path: Path) -> None:
    token = "INSERT INTO tokens VALUES (?, ?, 'x', 'admin', 1, NULL, 1)"
    async with await Database.open(tmp_path / DATABASE) as database:
        await database.write_many([(token, ("a", "api")), (token, ("j", "join"))])
        back_up(tmp_path)
    assert restore(Order(tmp_path, force=True)).voided == 1
    assert [row[0] for row in contents(tmp_path / DATABASE)["tokens"]] == ["a"]


async def test_after_a_restore_the_log_begins_anew_and_leads_on(tmp_path: Path) -> None:
    async with logged(tmp_path) as database:
        first = back_up(tmp_path)
        await database.write(PUT, ("a", 1))
        await database.write(PUT, ("b", 2))
    restore(Order(tmp_path, backup=first.id, force=True))
    async with logged(tmp_path) as database:
        back_up(tmp_path)
        await database.write(PUT, ("c", 3))
        expected = contents(tmp_path / DATABASE)
    restore(Order(tmp_path, force=True))
    assert contents(tmp_path / DATABASE) == expected
    assert keys_in(tmp_path / DATABASE) == ["c"]
