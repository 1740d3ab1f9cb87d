"""The database of a node: open, write, read, close.

    database = await Database.open(data_dir / "caxton.db")
    await database.write("UPDATE boot SET epoch = epoch + 1")     # returns when it is on the disk
    rows = await database.read("SELECT epoch FROM boot")

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

from caxton_node.storage import integrity, migrate
from caxton_node.storage.errors import StoreFailed, translate
from caxton_node.storage.group_commit import GroupWriter, Parameters, Statement, WriteCounts, WriterConnection

_WAL_BYTES_MAX = 64 * 1024 * 1024
_ROWS_PER_HOP = 256


class Database:
    """One SQLite file with one writer and one reader. Build it with `open`."""

    def __init__(self, path: Path, writer: GroupWriter, reader: aiosqlite.Connection) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader
        self._closed = False

    @classmethod
    async def open(cls, path: Path, *, migrations: Path = migrate.MIGRATIONS) -> Self:
        """Check the file, bring its schema up to date, and open it; a missing file is created.

        Args:
            path: The database file; its folder must exist.
            migrations: Folder with the migration files.

        Raises:
            CorruptStore: The file is damaged; it was left untouched.
            SchemaMismatch: The file has other migrations than this program; it was left untouched.
            StoreFailed: The file cannot be opened, or another process holds it.

        Source: story 004.
        """
        await asyncio.to_thread(prepare, path, migrate.read_migrations(migrations))
        connection = WriterConnection(lambda: connect_writable(path), _ROWS_PER_HOP)
        reader = aiosqlite.Connection(lambda: integrity.connect_read_only(path), _ROWS_PER_HOP)
        try:
            await connection
            await reader
        except BaseException as err:
            await connection.close()
            if isinstance(err, sqlite3.Error):
                raise translate(path, err) from err
            raise
        return cls(path, GroupWriter(connection, path), reader)

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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def prepare(path: Path, available: Sequence[migrate.Migration]) -> None:
    """Make a file fit for use, or raise with the file as it was; blocks, so call it on a thread."""
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
    except sqlite3.Error as err:
        raise translate(path, err) from err


def connect_writable(path: Path) -> sqlite3.Connection:
    """Return an autocommit connection with this node's durability settings."""
    connection = sqlite3.connect(path, timeout=integrity.BUSY_TIMEOUT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES_MAX}")
    except BaseException:
        connection.close()
        raise
    return connection
