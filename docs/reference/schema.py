"""The page of the database's tables, from the migrations and their comments.

The columns are asked of a database that the migrations made, so they are what is there; what each is for
stands beside it in the migration that brought it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from caxton_node.storage.migrate import Migration, apply, read_migrations
from docs.reference.markdown import note, page, table

_CREATE_TABLE = re.compile(r"CREATE TABLE (\w+)", re.IGNORECASE)
_ADD_COLUMN = re.compile(r"ALTER TABLE (\w+) ADD COLUMN (\w+)", re.IGNORECASE)
_CREATE_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (\w+) ON (\w+)", re.IGNORECASE)
_COLUMN = re.compile(r"^ +(\w+) +[A-Z][^\n]*?-- *(.+)$", re.MULTILINE)


@dataclass
class Notes:
    """What the migrations say about one table.

    Attributes:
        source: The migration that made it.
        about: What it is for.
        columns: What each column is for; those that speak for themselves are absent.
        since: The migration that brought a column later than the table.
        indexes: What each index is for.
    """

    source: str
    about: str
    columns: dict[str, str] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)
    indexes: dict[str, str] = field(default_factory=dict)


def notes_of(steps: Sequence[Migration]) -> dict[str, Notes]:
    """Read the comments of migrations, by table."""
    found: dict[str, Notes] = {}
    for step in steps:
        about = head_of(step.sql)  # for the first table of a migration, if it has no comment of its own
        for comment, statement in statements_of(step.sql):
            is_table = _CREATE_TABLE.match(statement) is not None
            _note(found, str(step), comment or (about if is_table else ""), statement)
            about = "" if is_table else about
    return found


def statements_of(sql: str) -> Iterator[tuple[str, str]]:
    """Yield each statement of a script with the comment right above it; a blank line parts the two."""
    comment: list[str] = []
    pending: list[str] = []
    for line in sql.splitlines():
        if pending or (line.strip() and not line.startswith("--")):
            pending.append(line)
            if sqlite3.complete_statement("\n".join(pending)):
                yield " ".join(comment), "\n".join(pending)
                comment, pending = [], []
        elif line.startswith("--"):
            comment.append(line.removeprefix("--").strip())
        else:
            comment = []


def head_of(sql: str) -> str:
    """Return the first sentence of the comment at the top of a script, which is about the whole."""
    lines = []
    for line in sql.splitlines():
        if not line.startswith("-- "):
            break
        lines.append(line.removeprefix("-- ").strip())
    return " ".join(lines)


def tables() -> Iterator[str]:
    """Yield the parts of the page: the migrations, then a section for each table by name."""
    steps = read_migrations()
    notes = notes_of(steps)
    yield table(["migration", "what it brings"], [[f"`{step}`", head_of(step.sql)] for step in steps])
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        apply(connection, steps, now_unix_ms=0)
        for name in sorted(notes):
            rows = connection.execute(f'PRAGMA table_info("{name}")').fetchall()
            if rows:  # a later migration may have dropped it
                yield from _section(name, notes[name], rows)


def undescribed() -> list[str]:
    """Return the tables of which no migration says what they are for."""
    return sorted(name for name, notes in notes_of(read_migrations()).items() if not notes.about)


def schema() -> str:
    """Return the page of the database's tables."""
    return page(
        "# Database",
        note("`caxton_node/storage/migrations/`"),
        "One SQLite file, `caxton.db` in the data directory, in WAL mode. It is brought up to date at start: "
        "each migration is applied once, in order, in a transaction of its own, and the table "
        "`schema_migrations` keeps its number, name and SHA-256. A file of a newer Caxton, or one whose "
        "migrations were changed, is refused before anything is written. `caxton server check` reads the "
        "whole file of a running node; `caxton backup create` copies it.",
        "Times are UTC since 1970 in the unit of the column's name. A column without a description says all "
        "by its name.",
        *tables(),
    )


def _note(found: dict[str, Notes], source: str, comment: str, statement: str) -> None:
    if made := _CREATE_TABLE.match(statement):
        found[made[1]] = Notes(source, comment, dict(_COLUMN.findall(statement)))
    elif added := _ADD_COLUMN.match(statement):
        found[added[1]].columns[added[2]] = comment
        found[added[1]].since[added[2]] = source
    elif index := _CREATE_INDEX.match(statement):
        found[index[2]].indexes[index[1]] = comment


def _section(name: str, notes: Notes, rows: Sequence[tuple[object, ...]]) -> Iterator[str]:
    yield f"## {name}"
    yield f"{notes.about} Since `{notes.source}`."
    yield table(
        ["column", "type", "what it holds"],
        [
            [f"`{column}`", _type(kind, is_key=bool(key), not_null=bool(not_null), default=default),
             _about(notes, str(column))]
            for _, column, kind, not_null, default, key in rows
        ],
    )  # fmt: skip
    described = [f"`{index}`" + (f": {about}" if about else "") for index, about in notes.indexes.items()]
    if described:
        yield "Indexes: " + "; ".join(described)


def _type(kind: object, *, is_key: bool, not_null: bool, default: object) -> str:
    parts = [str(kind).lower()]
    if is_key:
        parts.append("key")
    elif not not_null:
        parts.append("may be null")
    if default is not None:
        parts.append(f"default `{default}`")
    return ", ".join(parts)


def _about(notes: Notes, column: str) -> str:
    about, since = notes.columns.get(column, ""), notes.since.get(column, "")
    text = about.replace("<", "&lt;")
    return f"{text} Since `{since}`.".strip() if since else text
