"""The answers that idempotency keys had, in the node's database."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.api.rest.idempotency import KEPT_MAX, KEPT_S, Kept
from caxton_node.storage import Database

_BEGIN = """
    INSERT OR REPLACE INTO rest_reply (principal, key, request, begun_unix_s, status, content_type, body)
    VALUES (?, ?, ?, ?, 0, '', x'')
"""
_FORGET_OLD = "DELETE FROM rest_reply WHERE begun_unix_s <= ?"
_FORGET_MANY = """
    DELETE FROM rest_reply WHERE rowid IN (
        SELECT rowid FROM rest_reply ORDER BY begun_unix_s DESC, rowid DESC LIMIT -1 OFFSET ?
    )
"""


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

    async def find(self, key: ReplyKey, now_unix_s: int) -> Kept | None:
        """Return what is known of a key that is not too old."""
        rows = await self._database.read(
            "SELECT request, status, content_type, body FROM rest_reply"
            " WHERE principal = ? AND key = ? AND begun_unix_s > ?",
            (key.principal, key.key, now_unix_s - KEPT_S),
        )
        return Kept(*rows[0]) if rows else None

    async def begin(self, key: ReplyKey, request: bytes, now_unix_s: int) -> None:
        """Note that a request begins; the oldest ones are forgotten when there are too many."""
        kept_from, row = now_unix_s - KEPT_S, (key.principal, key.key, request, now_unix_s)
        await self._database.write_many(
            [(_BEGIN, row), (_FORGET_OLD, (kept_from,)), (_FORGET_MANY, (KEPT_MAX,))]
        )

    async def finish(self, key: ReplyKey, kept: Kept) -> None:
        """Keep the answer."""
        await self._database.write(
            "UPDATE rest_reply SET status = ?, content_type = ?, body = ? WHERE principal = ? AND key = ?",
            (kept.status, kept.content_type, kept.body, key.principal, key.key),
        )

    async def forget(self, key: ReplyKey) -> None:
        """Let the key be used again."""
        await self._database.write(
            "DELETE FROM rest_reply WHERE principal = ? AND key = ?", (key.principal, key.key)
        )
