"""Migrations: numbered SQL files, applied once each, in order, forward only.

    migrations/0001_first_tables.sql     number 1, name first_tables

The ledger table `schema_migrations` keeps number, name and SHA-256 of every file that was applied. A file
that has since changed, gone missing, or that a newer program applied is a `SchemaMismatch` before
anything is written: a schema that nobody can name is worse than a daemon that does not start.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from caxton_node.storage.errors import SchemaMismatch

MIGRATIONS = Path(__file__).with_name("migrations")

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql\Z")
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number          INTEGER PRIMARY KEY,
    name            TEXT NOT NULL,
    checksum        TEXT NOT NULL,
    applied_unix_ms INTEGER NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema.

    Attributes:
        number: Its place, from 1 without gaps.
        name: What it brings, for people.
        sql: The statements.
    """

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the text, in hex."""
        return sha256(self.sql.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


@dataclass(frozen=True, slots=True)
class Applied:
    """One line of a file's ledger."""

    number: int
    name: str
    checksum: str


def read_migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """Return the migrations of a folder in order.

    Raises:
        SchemaMismatch: The numbers do not run 1, 2, 3, ...: the installation is incomplete.
    """
    files = [(match, path) for path in sorted(folder.iterdir()) if (match := _FILE.match(path.name))]
    found = [Migration(int(match[1]), match[2], path.read_text("utf-8")) for match, path in files]
    if [step.number for step in found] != list(range(1, len(found) + 1)):
        raise SchemaMismatch(
            f"the migrations in {folder} do not run 1, 2, 3, ...",
            why=f"found {', '.join(map(str, found)) or 'none'}",
            hint="install Caxton again",
        )
    return found


def read_ledger(connection: sqlite3.Connection) -> list[Applied]:
    """Return what was applied to this file, in order; empty for a new one."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations'").fetchone()
    if known is None:
        return []
    rows = connection.execute("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
    return [Applied(*row) for row in rows]


def plan(path: Path, applied: Sequence[Applied], available: Sequence[Migration]) -> list[Migration]:
    """Return the migrations still to apply, in order.

    Raises:
        SchemaMismatch: The ledger is not a prefix of what is available.
    """
    by_number = {step.number: step for step in available}
    for expected, done in enumerate(applied, start=1):
        if done.number != expected:
            raise _mismatch(path, f"its ledger lacks migration {expected:04}", "restore a backup")
        step = by_number.get(done.number)
        if step is None:
            raise _mismatch(
                path,
                f"it has migration {done.number:04}_{done.name}, which this Caxton does not know",
                "a newer Caxton wrote it: run that version, or restore a backup from before the upgrade",
            )
        if step.checksum != done.checksum:
            raise _mismatch(
                path,
                f"migration {step} is not the one that was applied (checksum {step.checksum[:12]}, "
                f"applied {done.checksum[:12]})",
                "install a released Caxton: its migrations never change",
            )
    return list(available[len(applied) :])


def apply(connection: sqlite3.Connection, steps: Sequence[Migration], now_unix_ms: int) -> None:
    """Apply each step with its ledger line in one transaction of its own.

    A step that fails leaves the file as the step before left it. The connection must be in autocommit mode.
    """
    for step in steps:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(_LEDGER)
            for statement in split(step.sql):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)",
                (step.number, step.name, step.checksum, now_unix_ms),
            )
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def split(sql: str) -> Iterator[str]:
    """Yield the statements of a script.

    `Connection.executescript` is not used because it commits first, which would part a step from its
    ledger line.
    """
    pending = ""
    for piece in re.split(r"(?<=;)", sql):
        pending += piece
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if any(line.strip() and not line.strip().startswith("--") for line in pending.splitlines()):
        yield pending


def _mismatch(path: Path, why: str, hint: str) -> SchemaMismatch:
    return SchemaMismatch(f"{path} does not fit this Caxton", why=why, hint=hint)
