"""A real file of every earlier version, with rows in every table, comes up to date and keeps its rows."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from caxton_node.storage import Database
from caxton_node.storage.database import connect_writable
from caxton_node.storage.integrity import find_damage
from caxton_node.storage.migrate import apply, read_migrations

pytestmark = pytest.mark.story("004")

STEPS = read_migrations()
ROWS = 3
Row = dict[str, object]
_CHOICE = re.compile(r"(\w+)\s+TEXT[^,]*?CHECK\s*\(\s*\1\s+IN\s*\(\s*'(\w+)'", re.IGNORECASE)


def tables_of(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the tables of the product by name, with the statements that made them."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    return {name: sql for name, sql in rows if not name.startswith("sqlite_") and name != "schema_migrations"}


def value_for(column: str, kind: str, number: int, choices: dict[str, str]) -> object:
    """Return a value that the schema takes, another one for each number."""
    if column in choices:
        return choices[column]
    return {"INTEGER": number, "REAL": number / 2, "BLOB": b"%d" % number}.get(kind, f"{column}-{number}")


def fill(connection: sqlite3.Connection) -> None:
    """Put rows into every table, as far as it takes more than the row that it began with."""
    for name, sql in tables_of(connection).items():
        choices = dict(_CHOICE.findall(sql))
        columns = [(row[1], row[2]) for row in connection.execute(f'PRAGMA table_info("{name}")')]
        listed, places = ", ".join(column for column, _ in columns), ", ".join("?" * len(columns))
        for number in range(1, 2 if "CHECK (id = 1)" in sql else ROWS + 1):
            values = [value_for(column, kind, number, choices) for column, kind in columns]
            connection.execute(f'INSERT OR REPLACE INTO "{name}" ({listed}) VALUES ({places})', values)


def rows_of(connection: sqlite3.Connection, name: str) -> list[Row]:
    cursor = connection.execute(f'SELECT * FROM "{name}"')
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def build(path: Path, version: int) -> dict[str, list[Row]]:
    """Make the file that a program with so many migrations left, and return its rows."""
    with closing(connect_writable(path)) as connection:
        apply(connection, STEPS[:version], now_unix_ms=1_700_000_000_000)
        fill(connection)
        return {name: rows_of(connection, name) for name in tables_of(connection)}


def schema_of(path: Path) -> set[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master"))


def is_kept(row: Row, now: list[Row]) -> bool:
    """Tell whether a row is still there, by the columns that it had; a later version may add some."""
    return any(all(each.get(column, value) == value for column, value in row.items()) for each in now)


@pytest.mark.parametrize("version", range(1, len(STEPS) + 1), ids=lambda number: str(STEPS[number - 1]))
async def test_a_file_of_an_earlier_version_comes_up_to_date_with_its_rows(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "caxton.db"
    before = build(path, version)
    assert all(before.values()), "every table has rows"
    async with await Database.open(path) as database:
        assert await database.read("SELECT number FROM schema_migrations ORDER BY number") == [
            (step.number,) for step in STEPS
        ]
    async with await Database.open(tmp_path / "fresh.db"):
        pass
    assert schema_of(path) == schema_of(tmp_path / "fresh.db")
    with closing(sqlite3.connect(path)) as connection:
        assert find_damage(connection) == []
        now = {name: rows_of(connection, name) for name in tables_of(connection)}
    lost = {
        name: row
        for name, rows in before.items()
        for row in rows
        if name in now and name != "change_log" and not is_kept(row, now[name])
    }
    assert lost == {}


@pytest.mark.parametrize("version", [1, len(STEPS) // 2, len(STEPS) - 1])
async def test_a_file_that_was_killed_between_two_versions_goes_on_from_there(
    tmp_path: Path, version: int
) -> None:
    """Each step is a transaction, so a crash leaves a file of some version in between."""
    path = tmp_path / "caxton.db"
    build(path, version)
    with closing(connect_writable(path)) as connection:
        apply(connection, STEPS[version : version + 1], now_unix_ms=1_700_000_000_001)
    async with await Database.open(path) as database:
        assert await database.read("SELECT count(*) FROM schema_migrations") == [(len(STEPS),)]
