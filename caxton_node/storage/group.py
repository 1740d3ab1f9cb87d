"""One group of writes as one transaction, on the thread that owns the connection.

Its members do not share a fate: a statement that a constraint refuses is undone by SQLite alone, a batch
(`write_many`) by its savepoint. Only what SQLite cannot commit at all fails the whole group.

A group may be written down by a `Journal` as well, after its statements were run and before it is committed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import aiosqlite

Parameters: TypeAlias = Sequence[object] | Mapping[str, object]
Statement: TypeAlias = tuple[str, Parameters]
Outcome: TypeAlias = list[int] | Exception


class Journal(Protocol):
    """Whoever writes down what is committed; every method is called on the thread that writes."""

    def open(self, connection: sqlite3.Connection) -> None:
        """Look where the database is."""

    def append(self, connection: sqlite3.Connection, writes: Sequence[Sequence[Statement]]) -> None:
        """Write down a group that is about to be committed; what is raised undoes the group."""

    def committed(self) -> None:
        """Take note that the group is in the database, if something was written down of it."""

    def undone(self) -> None:
        """Take back what was written down of a group that is not in the database."""

    def close(self) -> None:
        """Write down no more."""


class WriterConnection(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole group in one hop to its thread."""

    journal: Journal | None = None

    async def keep_journal(self, journal: Journal) -> None:
        """Have every group from now on written down."""
        await self._execute(journal.open, self._conn)  # type: ignore[no-untyped-call]  # see run_group
        self.journal = journal

    async def close_journal(self) -> None:
        """Let the journal go, if there is one."""
        journal, self.journal = self.journal, None
        if journal is not None:
            await self._execute(journal.close)  # type: ignore[no-untyped-call]  # see run_group

    async def run_group(self, writes: Sequence[Sequence[Statement]]) -> list[Outcome]:
        """Run each write in one transaction; return row counts or the error of each, in order."""
        outcomes: list[Outcome] = await self._execute(run_group, self._conn, writes, self.journal)  # type: ignore[no-untyped-call]  # aiosqlite leaves this one method without annotations
        return outcomes


def run_group(
    connection: sqlite3.Connection, writes: Sequence[Sequence[Statement]], journal: Journal | None = None
) -> list[Outcome]:
    """Run writes in one transaction on the thread that owns the connection.

    Returns:
        Per write, in order: the changed rows of each of its statements, or why nothing of it was stored.
    """
    outcomes: list[Outcome] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        for statements in writes:
            outcomes.append(_run_write(connection, statements))
            if not connection.in_transaction:  # SQLite gave the whole transaction up: disk full, IO error
                return [outcomes[-1]] * len(writes)
        if journal is not None:
            _write_down(connection, writes, outcomes, journal)
        connection.execute("COMMIT")
    except Exception as err:  # noqa: BLE001 - whatever it is, the next group must find no open transaction
        if journal is not None:
            journal.undone()
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return [err] * len(writes)
    if journal is not None:
        journal.committed()
    return outcomes


def _write_down(
    connection: sqlite3.Connection,
    writes: Sequence[Sequence[Statement]],
    outcomes: Sequence[Outcome],
    journal: Journal,
) -> None:
    pairs = zip(writes, outcomes, strict=True)
    stored = [statements for statements, outcome in pairs if not isinstance(outcome, Exception)]
    if stored:
        journal.append(connection, stored)


def _run_write(connection: sqlite3.Connection, statements: Sequence[Statement]) -> Outcome:
    try:
        if len(statements) == 1:
            return [connection.execute(*statements[0]).rowcount]
        connection.execute("SAVEPOINT batch")
        changed = [connection.execute(sql, parameters).rowcount for sql, parameters in statements]
        connection.execute("RELEASE batch")
    except Exception as err:  # noqa: BLE001 - whatever is wrong with one write stays with that write
        if len(statements) > 1 and connection.in_transaction:
            connection.execute("ROLLBACK TO batch")
            connection.execute("RELEASE batch")
        return err
    return changed
