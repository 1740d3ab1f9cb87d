"""The tables of a damaged database, saved one by one into a new one.

Row by row around the pages that are damaged, and page by page where SQLite finds no way.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from caxton_node.storage import migrate
from caxton_node.storage.claims import CLAIMS_OF_COMPLETENESS
from caxton_node.storage.errors import corrupt
from caxton_node.storage.leftovers import Row as LooseRow
from caxton_node.storage.leftovers import Shape, leftovers, shapes_of
from caxton_node.storage.pages import Pages
from caxton_node.storage.wreck import Row, Wreck

_LEFT_OUT = CLAIMS_OF_COMPLETENESS | {"schema_migrations"}
"""Tables that are not saved: the migrations write the latter."""


@dataclass(frozen=True, slots=True)
class TableSalvaged:
    """What became of one table.

    Attributes:
        name: Of the table.
        kept: Rows that are in the new database.
        lost: Rows that are not; None: some, and nobody can say how many.
    """

    name: str
    kept: int
    lost: int | None


def save_tables(
    source: sqlite3.Connection, path: Path, target: sqlite3.Connection, steps: Sequence[migrate.Migration]
) -> list[TableSalvaged]:
    """Save what SQLite reads of each table, then what lies on pages to which nothing leads any more."""
    shapes = _prepare(target, steps)
    tables = {name: _save_table(source, target, name) for name in shapes if name not in _LEFT_OUT}
    wanted = [name for name, each in tables.items() if each.lost != 0]
    if wanted:
        found = leftovers(Pages(_image_of(source, path)), shapes, _roots_of(source), wanted)
        for name, rows in _by_table(found).items():
            more = _insert_new(target, name, rows)
            kept, lost = tables[name].kept + more, tables[name].lost
            tables[name] = TableSalvaged(name, kept, None if lost is None else max(0, lost - more))
    return list(tables.values())


def save_pages(
    path: Path, target: sqlite3.Connection, steps: Sequence[migrate.Migration]
) -> list[TableSalvaged]:
    """Save the rows of every page that can be told to be of a table, where nothing else can be read.

    Raises:
        CorruptStore: There is not one.
    """
    shapes = _prepare(target, steps)
    found = _by_table(leftovers(Pages(path.read_bytes()), shapes, {}, list(shapes)))
    if not found:
        raise corrupt(path, "it is not a database, and not even one row can be read from its pages")
    for name, rows in found.items():
        if name not in _LEFT_OUT:
            target.execute(f'DELETE FROM "{name}"')  # noqa: S608  names of our own schema
            _insert_new(target, name, rows)
    count = "SELECT count(*) FROM"
    return [
        TableSalvaged(name, target.execute(f'{count} "{name}"').fetchone()[0], None)
        for name in shapes
        if name not in _LEFT_OUT
    ]


def _prepare(target: sqlite3.Connection, steps: Sequence[migrate.Migration]) -> dict[str, Shape]:
    migrate.apply(target, steps, now_unix_ms=time.time_ns() // 1_000_000)
    target.execute("PRAGMA foreign_keys = OFF")  # a parent may come after its child, or be lost
    return shapes_of(target)


def _image_of(source: sqlite3.Connection, path: Path) -> bytes:
    """Return the pages of a file with those of its write-ahead log, which a copy takes without a look."""
    try:
        with closing(sqlite3.connect(":memory:")) as copy:
            source.backup(copy)
            return copy.serialize()
    except sqlite3.Error:
        return path.read_bytes()


def _roots_of(source: sqlite3.Connection) -> dict[str, list[int]]:
    """Return where the trees of each table begin, its own first."""
    found: dict[str, list[int]] = {}
    with suppress(sqlite3.Error):
        rows = source.execute(
            "SELECT tbl_name, rootpage FROM sqlite_master ORDER BY type = 'index', rootpage"
        )
        for name, root in rows:
            found.setdefault(name, []).append(root)
    return found


def _by_table(found: Iterable[tuple[str, LooseRow]]) -> dict[str, list[LooseRow]]:
    rows: dict[str, list[LooseRow]] = {}
    for name, row in found:
        rows.setdefault(name, []).append(row)
    return rows


def _save_table(source: sqlite3.Connection, target: sqlite3.Connection, name: str) -> TableSalvaged:
    wreck = Wreck(source, target, name)
    target.execute("BEGIN")
    target.execute("SAVEPOINT seeds")
    target.execute(f'DELETE FROM "{name}"')  # noqa: S608  names of our own schema
    kept, refused = _insert(target, name, wreck.columns, wreck.rows())
    if not kept and wreck.is_damaged:
        target.execute("ROLLBACK TO seeds")  # the row that a new database begins with is better than none
    target.execute("COMMIT")
    lost = None if wreck.lost is None else wreck.lost + refused
    return TableSalvaged(name, kept, lost)


def _insert(
    target: sqlite3.Connection, name: str, columns: Sequence[str], rows: Iterator[Row]
) -> tuple[int, int]:
    """Insert rows; return how many went in, and how many the schema refused, which are damaged too."""
    if not columns:
        return 0, 0
    sql, kept, refused = _insertion(name, columns), 0, 0
    for row in rows:
        try:
            target.execute(sql, row)
            kept += 1
        except sqlite3.IntegrityError:
            refused += 1
    return kept, refused


def _insert_new(target: sqlite3.Connection, name: str, rows: Iterable[LooseRow]) -> int:
    """Insert rows whose key is not there yet and that the schema takes; return how many."""
    inserted = 0
    target.execute("BEGIN")
    for row in rows:
        with suppress(sqlite3.IntegrityError):
            target.execute(_insertion(name, list(row)), tuple(row.values()))
            inserted += 1
    target.execute("COMMIT")
    return inserted


def _insertion(name: str, columns: Sequence[str]) -> str:
    listed, places = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))
    return f'INSERT INTO "{name}" ({listed}) VALUES ({places})'  # noqa: S608  names of our own schema
