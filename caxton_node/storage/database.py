"""The database of a node: open, write, read, close.

    database = await Database.open(data_dir / "caxton.db")
    await database.write("UPDATE boot SET epoch = epoch + 1")     # returns when it is on the disk
    rows = await database.read("SELECT epoch FROM boot")
    row = database.find("SELECT value FROM cluster WHERE key = ?", ("node",))

SQLite in WAL mode: readers never wait for the writer. `synchronous=FULL`, because an acknowledged message
must survive the power cord; the group commit of `group_commit.py` is what makes that affordable.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiosqlite

from caxton_node.storage import integrity, migrate, swap
from caxton_node.storage.change_log import ChangeLog
from caxton_node.storage.change_sequence import move_on
from caxton_node.storage.errors import StoreFailed, translate
from caxton_node.storage.group import Parameters, Statement, WriterConnection
from caxton_node.storage.group_commit import GroupWriter, WriteCounts

_WAL_BYTES_MAX = 64 * 1024 * 1024
_ROWS_PER_HOP = 256
_FIND_WAIT_MS = 50


class Database:
    """One SQLite file with one writer and two readers, one of them behind a thread. Build it with `open`."""

    def __init__(
        self, path: Path, writer: GroupWriter, reader: aiosqlite.Connection, finder: sqlite3.Connection
    ) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader
        self._finder = finder
        self._closed = False

    @classmethod
    async def open(
        cls, path: Path, *, migrations: Path = migrate.MIGRATIONS, change_log: ChangeLog | None = None
    ) -> Self:
        """Check the file, bring its schema up to date, and open it; a missing file is created.

        Args:
            path: The database file; its folder must exist.
            migrations: Folder with the migration files.
            change_log: Where every write is written down as well; closed with the database.

        Raises:
            CorruptStore: The file is damaged; it was left untouched.
            SchemaMismatch: The file has other migrations than this program; it was left untouched.
            StoreFailed: The file cannot be opened, or another process holds it.

        Source: story 004.
        """
        steps = migrate.read_migrations(migrations)
        await asyncio.to_thread(prepare, path, steps, is_logged=change_log is not None)
        connection = WriterConnection(lambda: connect_writable(path), _ROWS_PER_HOP)
        reader = aiosqlite.Connection(lambda: integrity.connect_read_only(path), _ROWS_PER_HOP)
        finder: sqlite3.Connection | None = None
        try:
            await connection
            await reader
            finder = _connect_finder(path)
            if change_log is not None:
                await connection.keep_journal(change_log)
        except BaseException as err:
            await connection.close()
            await reader.close()
            if finder is not None:
                finder.close()
            if isinstance(err, sqlite3.Error | OSError):
                raise translate(path, err) from err
            raise
        return cls(path, GroupWriter(connection, path), reader, finder)

    async def write(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement; return how many rows it changed, once that is durable.

        Concurrent writes share commits, so issue independent ones concurrently and not one after the other.

        Raises:
            WriteRefused: A constraint forbids it; nothing was stored.
            StoreFailed: SQLite could not write, or the database is closed.
        """
        return (await self._writer.write([(sql, parameters)]))[0]

    async def write_many(self, statements: Sequence[Statement]) -> list[int]:
        """Run statements in order, all or none; return the changed rows of each, once that is durable.

        Raises:
            WriteRefused: A constraint forbids one of them; nothing was stored.
            StoreFailed: SQLite could not write, or the database is closed.
        """
        return await self._writer.write(statements) if statements else []

    async def read(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query, in its order; it sees every write that was acknowledged before.

        The result is held in memory: give queries over growing tables a LIMIT.

        Raises:
            CorruptStore: SQLite met a damaged page.
            StoreFailed: The query cannot be run, would write, or the database is closed.
        """
        if self._closed:
            raise StoreFailed(f"the database {self.path} is closed", why="this node is shutting down")
        try:
            return list(await self._reader.execute_fetchall(sql, parameters))  # type: ignore[arg-type]  # rows are plain tuples; the stub says Row
        except sqlite3.Error as err:
            raise translate(self.path, err) from err

    def find(self, sql: str, parameters: Parameters = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query that an index answers, None if there is none; it does not wait.

        The row is read right here: some 5 us, against 50 for the way to a thread and back. That is for single
        rows; whatever walks over a table holds up everybody, and is for `read`.

        Raises:
            CorruptStore: SQLite met a damaged page.
            StoreFailed: The query cannot be run, would write, or the database is closed.
        """
        if self._closed:
            raise StoreFailed(f"the database {self.path} is closed", why="this node is shutting down")
        try:
            row: tuple[Any, ...] | None = self._finder.execute(sql, parameters).fetchone()
        except sqlite3.Error as err:
            raise translate(self.path, err) from err
        return row

    @property
    def counts(self) -> WriteCounts:
        """Return the writer's live counters; read them, do not change them."""
        return self._writer.counts

    async def close(self) -> None:
        """Commit what waits and close the file; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        await self._reader.close()
        self._finder.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def prepare(path: Path, available: Sequence[migrate.Migration], *, is_logged: bool = False) -> None:
    """Make a file fit for use, or raise with the file as it was; blocks, so call it on a thread."""
    swap.finish_half_done(path)
    applied: list[migrate.Applied] = []
    if path.exists() and path.stat().st_size:
        with integrity.open_read_only(path) as connection:
            integrity.check(connection, path)
            applied = migrate.read_ledger(connection)
    steps = migrate.plan(path, applied, available)
    # Messages and hashes of tokens lie in it, and SQLite gives its WAL the same mode. Where this fails,
    # SQLite says why.
    with suppress(OSError):
        path.touch(mode=0o600, exist_ok=False)
    try:
        with closing(connect_writable(path)) as connection:
            migrate.apply(connection, steps, now_unix_ms=time.time_ns() // 1_000_000)
            if steps or not is_logged:
                move_on(connection)
    except sqlite3.Error as err:
        raise translate(path, err) from err


def _connect_finder(path: Path) -> sqlite3.Connection:
    connection = integrity.connect_read_only(path)
    connection.execute(f"PRAGMA busy_timeout = {_FIND_WAIT_MS}")
    return connection


def connect_writable(path: Path) -> sqlite3.Connection:
    """Return an autocommit connection with this node's durability settings."""
    connection = sqlite3.connect(path, timeout=integrity.BUSY_TIMEOUT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(
            "PRAGMA secure_delete = ON"
        )  # messages and hashes of tokens do not outlive their rows
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES_MAX}")
    except BaseException:
        connection.close()
        raise
    return connection
