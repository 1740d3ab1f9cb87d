"""Read what can still be read of a damaged database into a new one.

The new file has the schema of the old one, made by the migrations, and the rows that `saved_tables.py` finds;
the old file is never written to, and stays beside the new one. What is lost of the registry comes back from
the peers, because the new file does not say that it had all of it (`claims.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from caxton_node.storage import integrity, migrate
from caxton_node.storage.change_sequence import leave_behind
from caxton_node.storage.database import connect_writable
from caxton_node.storage.errors import StoreFailed, translate
from caxton_node.storage.layout import DATABASE, backups_of, changes_of
from caxton_node.storage.ownership import owned
from caxton_node.storage.saved_tables import TableSalvaged, save_pages, save_tables
from caxton_node.storage.swap import discard, finish_half_done, put_in_place


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What became of a database.

    Attributes:
        tables: By name.
        kept: Where the damaged file is now.
        schema: Number of the last migration in both.
    """

    tables: tuple[TableSalvaged, ...]
    kept: Path | None
    schema: int


def salvage(data_dir: Path, *, migrations: Path = migrate.MIGRATIONS) -> Salvaged:
    """Put a new database with what could be read in the place of a damaged one.

    Raises:
        StoreFailed: There is none, a node runs with this data directory, or it cannot be written.
        CorruptStore: Not even one row can be read; nothing was changed.
        SchemaMismatch: It is of a newer Caxton.
    """
    path = data_dir / DATABASE
    with owned(data_dir):
        finish_half_done(path)
        if not path.exists():
            raise StoreFailed(f"there is no database in {data_dir}", hint="caxton-node backup restore")
        made = data_dir / f".{DATABASE}.salvaging"
        try:
            discard(made)
            tables, schema = _save(path, made, migrate.read_migrations(migrations))
            return Salvaged(tables, put_in_place(made, path, because="damaged"), schema)
        finally:
            discard(made)


def _save(
    path: Path, made: Path, available: Sequence[migrate.Migration]
) -> tuple[tuple[TableSalvaged, ...], int]:
    made.touch(mode=0o600)
    with ExitStack() as stack:
        try:
            target = stack.enter_context(closing(connect_writable(made)))
            source = _open_damaged(path)
            if source is None:
                steps = available
                tables = save_pages(path, target, steps)
            else:
                stack.enter_context(closing(source))
                steps = _steps_of(source, path, available)
                tables = save_tables(source, path, target, steps)
            leave_behind(target, changes_of(backups_of(path.parent)))
            integrity.check(target, made)
        except sqlite3.Error as err:
            raise translate(made, err) from err
    return tuple(sorted(tables, key=lambda each: each.name)), len(steps)


def _open_damaged(path: Path) -> sqlite3.Connection | None:
    """Open the file, None if SQLite cannot even list its tables."""
    source = integrity.connect_read_only(path)
    source.text_factory = lambda data: data.decode(errors="replace")
    try:
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        source.close()
        return None
    return source


def _steps_of(
    source: sqlite3.Connection, path: Path, available: Sequence[migrate.Migration]
) -> Sequence[migrate.Migration]:
    """Return the migrations that the damaged file had; all of them where its ledger cannot be read."""
    applied: list[migrate.Applied] = []
    with suppress(sqlite3.Error):
        applied = migrate.read_ledger(source)
    migrate.plan(path, applied, available)
    return available[: len(applied)] if applied else available
