"""SQL over the table `registry_conflicts`; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caxton_node.registry.conflicts import Conflict, Version
from caxton_node.storage import Database, Statement

CONFLICTS_KEPT = 20_000

_PUT = """
INSERT INTO registry_conflicts (kind, key, loser_stamp, loser_origin, loser_digest, loser_summary,
    winner_stamp, winner_origin, winner_digest, winner_summary, noticed_unix_ms, action)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_PUT_IF_NEW = """
INSERT INTO registry_conflicts (kind, key, loser_stamp, loser_origin, loser_digest, loser_summary,
    winner_stamp, winner_origin, winner_digest, winner_summary, noticed_unix_ms, action)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 WHERE NOT EXISTS (
    SELECT 1 FROM registry_conflicts WHERE kind = ?1 AND key = ?2 AND loser_digest = ?5)
ON CONFLICT DO NOTHING
"""
_ACT = """
UPDATE registry_conflicts SET action = ? WHERE kind = ? AND key = ? AND loser_digest = ? AND action = ''
"""
_TRIM = f"""
DELETE FROM registry_conflicts WHERE id <= (SELECT MAX(id) FROM registry_conflicts) - {CONFLICTS_KEPT}
"""  # noqa: S608  a constant
_READ = """
SELECT kind, key, loser_stamp, loser_origin, loser_digest, loser_summary, winner_stamp, winner_origin,
    winner_digest, winner_summary, noticed_unix_ms, action FROM registry_conflicts
WHERE noticed_unix_ms >= :since AND (-loser_stamp, kind, key, loser_origin) > (:at, :kind, :key, :origin)
ORDER BY loser_stamp DESC, kind, key, loser_origin LIMIT :limit
"""
_READ_DONE = """
SELECT key, loser_digest, noticed_unix_ms FROM registry_conflicts WHERE kind = ? AND action = ?
"""

FIRST: tuple[int, str, str, str] = (-(2**62) - 1, "", "", "")


def put(conflict: Conflict, *, if_new: bool = False) -> Statement:
    """Return the statement that keeps a row, unless it is kept already.

    Args:
        conflict: The row.
        if_new: Not even if another version of this entry that said the same has a row.
    """
    loser, winner = conflict.loser, conflict.winner
    return _PUT_IF_NEW if if_new else _PUT, (
        conflict.kind, conflict.key, loser.stamp, loser.origin, loser.digest, loser.summary, winner.stamp,
        winner.origin, winner.digest, winner.summary, conflict.noticed_unix_ms, conflict.action,
    )  # fmt: skip


def act(kind: str, key: str, digest: str, action: str) -> Statement:
    """Return the statement that notes what was done about the versions of an entry that said this."""
    return _ACT, (action, kind, key, digest)


class ConflictStore:
    """The rows of the partition report, as many as are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, statements: Sequence[Statement]) -> None:
        """Run what `put` and `act` returned, in order, and let the oldest rows go."""
        await self._database.write_many([*statements, (_TRIM, ())])

    async def read(
        self, *, since_unix_ms: int, after: tuple[int, str, str, str], limit: int
    ) -> list[Conflict]:
        """Return rows in their places, from the one behind `after` on.

        Args:
            since_unix_ms: Only those noticed then or later.
            after: The last place that was read before, or `FIRST`.
            limit: At most so many.
        """
        at, kind, key, origin = after
        asked = {
            "since": since_unix_ms, "at": at, "kind": kind, "key": key, "origin": origin, "limit": limit
        }  # fmt: skip
        return [_conflict(row) for row in await self._database.read(_READ, asked)]

    async def read_done(self, kind: str, action: str) -> list[tuple[str, str, int]]:
        """Return key, digest of the loser and time (unix ms) of each row about which this was done."""
        rows = await self._database.read(_READ_DONE, (kind, action))
        return [(str(key), str(digest), int(at)) for key, digest, at in rows]


def _conflict(row: tuple[Any, ...]) -> Conflict:
    kind, key, *versions, noticed, action = row
    return Conflict(kind, key, Version(*versions[:4]), Version(*versions[4:]), noticed, action)
