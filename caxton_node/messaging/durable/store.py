"""Durable messages in SQLite: the statements, and what is read at the start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from caxton_node.messaging.durable.outbox import Entry
from caxton_node.storage import Database
from caxton_node.storage.group import Statement

_PAGE_ROWS = 1_000


class DurableStore:
    """The two tables; decides nothing.

    Args:
        database: Of this node.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def commit(self, statements: Sequence[Statement]) -> None:
        """Write all of these or none; they are on the disk when this returns.

        Raises:
            StoreFailed: Nothing was written.
        """
        await self._database.write_many(statements)

    async def read_outbox(self) -> list[tuple[bytes, int, bytes]]:
        """Return what nobody has handled: copy, expiry in unix milliseconds, envelope; in order."""
        sql = (
            "SELECT id, copy, expires_unix_ms, envelope FROM durable_outbox WHERE id > ? ORDER BY id LIMIT ?"
        )
        found: list[tuple[bytes, int, bytes]] = []
        last = 0
        while rows := await self._database.read(sql, (last, _PAGE_ROWS)):
            last = rows[-1][0]
            found += [(copy, expires_ms, frame) for _, copy, expires_ms, frame in rows]
        return found

    async def read_handled(self) -> list[tuple[bytes, str]]:
        """Return the copies that were handled here, with the node that sent each; oldest first."""
        rows = await self._database.read(
            "SELECT copy, origin FROM durable_handled ORDER BY keep_until_unix_ms"
        )
        return [(copy, origin) for copy, origin in rows]

    async def find_old(self, now_unix_ms: int) -> list[bytes]:
        """Return the handled copies that nobody sends any more."""
        sql = "SELECT copy FROM durable_handled WHERE keep_until_unix_ms <= ? LIMIT ?"
        return [copy for (copy,) in await self._database.read(sql, (now_unix_ms, _PAGE_ROWS))]


def keep(entry: Entry) -> Statement:
    """Write down a message that is to go out."""
    sql = "INSERT OR IGNORE INTO durable_outbox (copy, expires_unix_ms, envelope) VALUES (?, ?, ?)"
    return sql, (entry.copy, entry.expires_ms, entry.frame)


def close(copy: bytes) -> Statement:
    """Forget a message that is done with."""
    return "DELETE FROM durable_outbox WHERE copy = ?", (copy,)


def mark(copy: bytes, origin: str, keep_until_unix_ms: int) -> Statement:
    """Write down that a message of another node was handled."""
    return "INSERT OR REPLACE INTO durable_handled VALUES (?, ?, ?)", (copy, origin, keep_until_unix_ms)


def unmark(copies: Iterable[bytes]) -> list[Statement]:
    """Forget handled messages."""
    return [("DELETE FROM durable_handled WHERE copy = ?", (copy,)) for copy in copies]
