"""Migrations: each applied once, and every way in which a file and a program can disagree."""

from __future__ import annotations

from pathlib import Path

import pytest

from caxton_node.storage import Database, SchemaMismatch, StoreFailed
from caxton_node.storage.migrate import MIGRATIONS, read_migrations, split

pytestmark = pytest.mark.story("004")


def folder_with(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir(exist_ok=True)
    for name, sql in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(sql)
    return folder


async def open_with(tmp_path: Path, folder: Path) -> list[str]:
    async with await Database.open(tmp_path / "caxton.db", migrations=folder) as database:
        return [name for (name,) in await database.read("SELECT name FROM schema_migrations ORDER BY number")]


async def refused(tmp_path: Path, folder: Path) -> SchemaMismatch:
    path = tmp_path / "caxton.db"
    before = path.read_bytes()
    with pytest.raises(SchemaMismatch) as caught:
        await Database.open(path, migrations=folder)
    assert path.read_bytes() == before
    return caught.value


async def test_a_new_migration_is_applied_on_top_of_the_old_ones(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m0001_one="CREATE TABLE one (x);")
    assert await open_with(tmp_path, folder) == ["one"]
    folder_with(tmp_path, m0002_two="CREATE TABLE two (x); INSERT INTO one VALUES (';');")
    assert await open_with(tmp_path, folder) == ["one", "two"]
    assert await open_with(tmp_path, folder) == ["one", "two"]


async def test_a_changed_migration_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m0001_one="CREATE TABLE one (x);")
    await open_with(tmp_path, folder)
    folder_with(tmp_path, m0001_one="CREATE TABLE one (x, y);")
    assert "0001_one is not the one that was applied" in (await refused(tmp_path, folder)).why


async def test_a_file_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m0001_one="CREATE TABLE one (x);", m0002_two="CREATE TABLE two (x);")
    await open_with(tmp_path, folder)
    (folder / "0002_two.sql").unlink()
    error = await refused(tmp_path, folder)
    assert "0002_two, which this Caxton does not know" in error.why
    assert "newer Caxton" in error.hint


async def test_a_ledger_with_a_gap_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m0001_one="CREATE TABLE one (x);", m0002_two="CREATE TABLE two (x);")
    async with await Database.open(tmp_path / "caxton.db", migrations=folder) as database:
        await database.write("DELETE FROM schema_migrations WHERE number = 1")
    assert "lacks migration 0001" in (await refused(tmp_path, folder)).why


def test_an_installation_with_a_gap_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m0001_one="SELECT 1;", m0003_three="SELECT 1;")
    with pytest.raises(SchemaMismatch, match="found 0001_one, 0003_three"):
        read_migrations(folder)


async def test_a_failing_migration_leaves_the_file_at_the_step_before(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m0001_one="CREATE TABLE one (x);")
    folder_with(tmp_path, m0002_two="CREATE TABLE two (x); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(StoreFailed, match="no such table: nowhere"):
        await Database.open(tmp_path / "caxton.db", migrations=folder)
    (folder / "0002_two.sql").unlink()
    async with await Database.open(tmp_path / "caxton.db", migrations=folder) as database:
        tables = await database.read("SELECT name FROM sqlite_master WHERE name IN ('one', 'two')")
    assert tables == [("one",)]


def test_statements_are_split_at_semicolons_that_end_them() -> None:
    script = (
        "-- a; comment\nCREATE TABLE t (\n  x TEXT -- the ; x\n);\nINSERT INTO t\nVALUES (';');\n-- end\n"
    )
    assert len(list(split(script))) == 2


def test_the_shipped_migrations_are_in_order_and_named() -> None:
    steps = read_migrations(MIGRATIONS)
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
