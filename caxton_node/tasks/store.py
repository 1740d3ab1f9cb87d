"""The tasks of this node in SQLite: the table `tasks`, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from caxton_node.observability.logs import get_logger
from caxton_node.storage import Database
from caxton_node.tasks.lifecycle import FINAL
from caxton_node.tasks.record import Record, Summary, summary_of

_OVER = ", ".join(f"'{state}'" for state in sorted(FINAL))
_PUT = (
    "INSERT INTO tasks (id, state, outcome, summary, record, submitted_unix_ms) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET state = excluded.state, outcome = excluded.outcome, "
    "summary = excluded.summary, record = excluded.record"
)
_TRIM = (
    f"DELETE FROM tasks WHERE state IN ({_OVER}) AND seq <= "  # noqa: S608  constants
    "(SELECT seq FROM tasks ORDER BY seq DESC LIMIT 1 OFFSET ?)"
)
_READ_OPEN = f"SELECT id, record FROM tasks WHERE state NOT IN ({_OVER}) ORDER BY seq"  # noqa: S608  constants

_encode = msgspec.msgpack.Encoder().encode
_decode_record = msgspec.msgpack.Decoder(Record).decode
_decode_summary = msgspec.msgpack.Decoder(Summary).decode
_log = get_logger("tasks")


class TaskStore:
    """Keeps records; a task that was kept before is replaced.

    Args:
        database: Of this node.
        kept_max: Tasks kept; of more the oldest that are over go.
    """

    def __init__(self, database: Database, kept_max: int) -> None:
        self._database = database
        self._kept_max = kept_max

    async def put(self, record: Record) -> None:
        """Keep a task; returns when it is durable."""
        values = (
            record.id, record.state.value, record.outcome, _encode(summary_of(record)), _encode(record),
            record.submitted_unix_ms,
        )  # fmt: skip
        await self._database.write_many([(_PUT, values), (_TRIM, (self._kept_max,))])

    async def find(self, task_id: str) -> Record | None:
        """Return a task, or None if it is not kept."""
        rows = await self._database.read("SELECT record FROM tasks WHERE id = ?", (task_id,))
        return _decode_record(bytes(rows[0][0])) if rows else None

    async def newest(self, count: int, state: str = "") -> list[Summary]:
        """Return the latest tasks, newest first; only those in a state if one is named."""
        where, values = ("WHERE state = ? ", (state, count)) if state else ("", (count,))
        sql = f"SELECT summary FROM tasks {where}ORDER BY seq DESC LIMIT ?"  # noqa: S608  constants
        rows = await self._database.read(sql, values)
        return [_decode_summary(bytes(summary)) for (summary,) in rows]

    async def unfinished(self) -> Sequence[Record]:
        """Return the tasks that were not over, oldest first; one that cannot be read is left out."""
        rows = await self._database.read(_READ_OPEN)
        return [found for task_id, data in rows if (found := _read(str(task_id), bytes(data))) is not None]


def _read(task_id: str, data: bytes) -> Record | None:
    try:
        return _decode_record(data)
    except (
        msgspec.DecodeError
    ) as err:  # one of another age of this program must not keep a node from starting
        _log.error("a stored task cannot be read and is left as it is", task=task_id, reason=str(err))
        return None
