"""Databases of nodes: opened with a change log, looked into, damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from caxton_node.storage import Database
from caxton_node.storage.backups import Maker, create_backup
from caxton_node.storage.change_log import ChangeLog, ChangeLogSettings, unix_us
from caxton_node.storage.layout import DATABASE, backups_of, changes_of
from caxton_node.storage.manifest import Manifest

MAKER = Maker("n1", "test", "0.0.0")
PAGE_BYTES = 4096
Contents = dict[str, list[tuple[object, ...]]]


@asynccontextmanager
async def logged(
    data_dir: Path,
    *,
    now_unix_us: Callable[[], int] = unix_us,
    bytes_max: int = 2**30,
    segment_bytes: int = 2**20,
) -> AsyncIterator[Database]:
    """Open the database of a data directory with a change log."""
    settings = ChangeLogSettings(changes_of(backups_of(data_dir)), bytes_max, segment_bytes)
    log = ChangeLog(settings, now_unix_us)
    async with await Database.open(data_dir / DATABASE, change_log=log) as database:
        yield database


def back_up(data_dir: Path) -> Manifest:
    """Make a backup of the database of a data directory."""
    return create_backup(data_dir / DATABASE, backups_of(data_dir), MAKER)


def contents(path: Path) -> Contents:
    """Return all rows of all tables in order, but for the place of the change log."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        wanted = [name for (name,) in names.fetchall() if name not in {"change_log", "sqlite_sequence"}]
        return {name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr) for name in wanted}


def pages_of(path: Path, table: str) -> list[int]:
    """Return the numbers of the pages of a table, leaves and others, as SQLite's own page statistics tell."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT pageno FROM dbstat WHERE name = ? ORDER BY pageno", (table,))
        return [number for (number,) in rows]


def overwrite_page(path: Path, number: int) -> None:
    """Put noise in the place of a page."""
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE_BYTES)
        file.write(b"\xa5" * PAGE_BYTES)
