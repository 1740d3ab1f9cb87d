"""The answers that idempotency keys had, in the node's database."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.api.rest.idempotency import (
    KEPT_BYTES_MAX,
    KEPT_MAX,
    KEPT_S,
    OF_ONE_BYTES_MAX,
    OF_ONE_MAX,
    Kept,
)
from caxton_node.storage import Database

_BEGIN = """
    INSERT OR REPLACE INTO rest_reply (principal, key, request, begun_unix_s, status, content_type, body)
    VALUES (?, ?, ?, ?, 0, '', x'')
"""
_FINISH = "UPDATE rest_reply SET status = ?, content_type = ?, body = ? WHERE principal = ? AND key = ?"
_FORGET_OLD = "DELETE FROM rest_reply WHERE begun_unix_s <= ?"
_FORGET_MANY_OF_ONE = """
    DELETE FROM rest_reply WHERE rowid IN (
        SELECT rowid FROM (
            SELECT rowid, row_number() OVER newest AS number, sum(length(body)) OVER newest AS size_bytes
            FROM rest_reply
            WINDOW newest AS (PARTITION BY principal ORDER BY begun_unix_s DESC, rowid DESC)
        ) WHERE number > ? OR size_bytes > ?
    )
"""
_FORGET_MANY = """
    DELETE FROM rest_reply WHERE rowid IN (
        SELECT rowid FROM (
            SELECT rowid, row_number() OVER newest AS number, sum(length(body)) OVER newest AS size_bytes
            FROM rest_reply
            WINDOW newest AS (ORDER BY begun_unix_s DESC, rowid DESC)
        ) WHERE number > ? OR size_bytes > ?
    )
"""
SWEPT_AFTER = 500
SWEPT_AFTER_BYTES = 16 * 1024 * 1024
"""So much may come before it is looked again what is too much, since that reads the whole table: a tenth of a
second when it is full."""

_Statement = tuple[str, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class ReplyKey:
    """One key of one caller; two callers may have the same key."""

    principal: str
    key: str


class ReplyStore:
    """Keeps answers.

    Args:
        database: Of the node.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unswept = SWEPT_AFTER  # what an earlier run left was not looked at by this one
        self._unswept_bytes = 0

    async def find(self, key: ReplyKey, now_unix_s: int) -> Kept | None:
        """Return what is known of a key that is not too old."""
        rows = await self._database.read(
            "SELECT request, status, content_type, body FROM rest_reply"
            " WHERE principal = ? AND key = ? AND begun_unix_s > ?",
            (key.principal, key.key, now_unix_s - KEPT_S),
        )
        return Kept(*rows[0]) if rows else None

    async def begin(self, key: ReplyKey, request: bytes, now_unix_s: int) -> None:
        """Note that a request begins; when there are too many the oldest go, the caller's own first."""
        kept_from, row = now_unix_s - KEPT_S, (key.principal, key.key, request, now_unix_s)
        self._unswept += 1
        await self._database.write_many([(_BEGIN, row), (_FORGET_OLD, (kept_from,)), *self._sweep()])

    async def finish(self, key: ReplyKey, kept: Kept) -> None:
        """Keep the answer; when they are too large together the oldest go, the caller's own first."""
        row = (kept.status, kept.content_type, kept.body, key.principal, key.key)
        self._unswept_bytes += len(kept.body)
        await self._database.write_many([(_FINISH, row), *self._sweep()])

    async def forget(self, key: ReplyKey) -> None:
        """Let the key be used again."""
        await self._database.write(
            "DELETE FROM rest_reply WHERE principal = ? AND key = ?", (key.principal, key.key)
        )

    def _sweep(self) -> list[_Statement]:
        """Return what forgets too many, and too large ones, if enough came since the last time."""
        if self._unswept < SWEPT_AFTER and self._unswept_bytes < SWEPT_AFTER_BYTES:
            return []
        self._unswept = self._unswept_bytes = 0
        return [
            (_FORGET_MANY_OF_ONE, (OF_ONE_MAX, OF_ONE_BYTES_MAX)),
            (_FORGET_MANY, (KEPT_MAX, KEPT_BYTES_MAX)),
        ]
