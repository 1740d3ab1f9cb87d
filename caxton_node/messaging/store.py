"""Dead letters in SQLite: the table `dead_letters`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import astuple

from caxton_node.messaging.letters import Facts, KeptLetter, Sought
from caxton_node.storage import Database, Statement

_FACTS = ", ".join(Facts.__struct_fields__)
_MARKS = ", ".join("?" for _ in Facts.__struct_fields__)
_PUT = f"INSERT INTO dead_letters ({_FACTS}, envelope) VALUES ({_MARKS}, ?)"  # noqa: S608  constants
_OF_IDS = "id IN (SELECT value FROM json_each(?))"
_DELETE = f"DELETE FROM dead_letters WHERE {_OF_IDS}"  # noqa: S608  a constant
_MARK = f"""
UPDATE dead_letters SET sent_again = sent_again + 1, sent_again_unix_ms = ? WHERE {_OF_IDS}
"""  # noqa: S608  a constant
_SOUGHT = """
(:any_id OR id IN (SELECT value FROM json_each(:ids)))
AND (:reason = '' OR reason = :reason)
AND (:receiver = '' OR receiver_name = :receiver)
AND (:receiver_node = '' OR substr(receiver, -length(:receiver_node)) = :receiver_node)
AND (:sender = '' OR sender_name = :sender)
AND (:sender_node = '' OR substr(sender, -length(:sender_node)) = :sender_node)
AND (:conversation_id = '' OR conversation_id = :conversation_id)
AND at_unix_us >= :since_unix_us
"""
_LIST = f"""
SELECT id, {_FACTS}, iif(size_bytes <= :shown_bytes, envelope, NULL) FROM dead_letters
WHERE {_SOUGHT} AND id < :before ORDER BY id DESC LIMIT :count
"""  # noqa: S608  constants
_FIND = f"SELECT id, {_FACTS}, NULL FROM dead_letters WHERE {_SOUGHT} ORDER BY id"  # noqa: S608  constants
_READ = f"SELECT id, {_FACTS}, envelope FROM dead_letters WHERE {_OF_IDS} ORDER BY id"  # noqa: S608  constants
_DROP = f"DELETE FROM dead_letters WHERE {_SOUGHT}"  # noqa: S608  a constant
_COUNT = "SELECT reason, count(*), sum(size_bytes) FROM dead_letters GROUP BY reason"
_EXPIRE = "DELETE FROM dead_letters WHERE at_unix_us < ?"
# The newest that fit both bounds stay: everything up to the first that does not fit goes.
_TRIM = """
DELETE FROM dead_letters WHERE id <= (
    SELECT max(id) FROM (
        SELECT id, row_number() OVER newest AS place, sum(size_bytes) OVER newest AS bytes
        FROM dead_letters WINDOW newest AS (ORDER BY id DESC))
    WHERE place > ? OR bytes > ?)
"""

ID_MAX = 2**63 - 1


class DeadLetterStore:
    """SQL of dead letters, and nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def exchange(self, new: Sequence[tuple[Facts, bytes]], gone: Sequence[int] = ()) -> None:
        """Keep new letters in their order and forget those with the ids `gone`: all of it or nothing."""
        put: list[Statement] = [(_PUT, (*astuple(facts), frame)) for facts, frame in new]
        await self._database.write_many([(_DELETE, (_json(gone),)), *put] if gone else put)

    async def mark(self, ids: Sequence[int], now_unix_ms: int) -> None:
        """Note that letters are sent again now."""
        await self._database.write(_MARK, (now_unix_ms, _json(ids)))

    async def drop(self, sought: Sought) -> int:
        """Forget the letters that are meant; return how many there were."""
        return await self._database.write(_DROP, _values(sought))

    async def expire(self, before_unix_us: int) -> None:
        """Forget what was given up before a moment."""
        await self._database.write(_EXPIRE, (before_unix_us,))

    async def trim(self, count_max: int, bytes_max: int) -> None:
        """Forget the oldest letters as far as there are too many, or too many bytes."""
        await self._database.write(_TRIM, (count_max, bytes_max))

    async def count(self) -> dict[str, tuple[int, int]]:
        """Return how many letters are kept and their bytes, by reason."""
        return {str(reason): (count, size) for reason, count, size in await self._database.read(_COUNT)}

    async def page(
        self, sought: Sought, *, before: int, count_max: int, shown_bytes: int
    ) -> list[KeptLetter]:
        """Return letters with an id below `before`, newest first.

        Args:
            sought: Which.
            before: `ID_MAX` begins with the newest.
            count_max: At most so many.
            shown_bytes: Larger envelopes are left out.
        """
        paging = {"before": before, "count": count_max, "shown_bytes": shown_bytes}
        return list(map(_letter, await self._database.read(_LIST, {**_values(sought), **paging})))

    async def find(self, sought: Sought) -> list[KeptLetter]:
        """Return all letters that are meant, oldest first, without their frames."""
        return list(map(_letter, await self._database.read(_FIND, _values(sought))))

    async def read(self, ids: Sequence[int]) -> list[KeptLetter]:
        """Return letters whole, oldest first; those that are not kept any more are missing."""
        return list(map(_letter, await self._database.read(_READ, (_json(ids),))))


def _values(sought: Sought) -> dict[str, object]:
    receiver, sender = sought.receiver, sought.sender
    return {
        "any_id": not sought.ids,
        "ids": _json(sought.ids),
        "reason": sought.reason,
        "receiver": receiver.name if receiver else "",
        "receiver_node": f"@{receiver.node}" if receiver and receiver.node else "",
        "sender": sender.name if sender else "",
        "sender_node": f"@{sender.node}" if sender and sender.node else "",
        "conversation_id": sought.conversation_id,
        "since_unix_us": sought.since_unix_us,
    }


def _letter(row: tuple[Any, ...]) -> KeptLetter:
    number, *facts, frame = row
    return KeptLetter(number, Facts(*facts), frame)


def _json(ids: Sequence[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()
