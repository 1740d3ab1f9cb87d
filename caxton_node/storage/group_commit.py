"""One writer that commits in groups.

A durable commit costs one `fdatasync`, about a millisecond, however much it carries. So while one group
is being synced, everybody else's writes wait in a list, and the next transaction takes them all: 16
writers get 30 times the rate of a commit each, and a lone writer waits no longer than it must. A timer
that gathers a group on purpose was rejected: it makes the lone writer pay, and the sync is timer enough.

What a group is to the database, and how its members part when one is refused, is in `group.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from caxton_node.core.errors import CaxtonError
from caxton_node.storage.errors import StoreFailed, WriteRefused, translate
from caxton_node.storage.group import Outcome, Statement, WriterConnection

GROUP_STATEMENTS_MAX = 1024
WAITING_MAX = 16_384


@dataclass(slots=True)
class WriteCounts:
    """Plain counters of a writer since it was opened.

    Attributes:
        statements: Statements that were asked for.
        groups: Commits that carried them.
        refused: Writes that a constraint or an error refused.
        commit_s: Seconds spent in groups, sync included.
        trouble: Why the last group could not be stored; empty when it was.
    """

    statements: int = 0
    groups: int = 0
    refused: int = 0
    commit_s: float = 0.0
    trouble: str = ""


@dataclass(slots=True)
class _Write:
    statements: Sequence[Statement]
    done: asyncio.Future[list[int]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class GroupWriter:
    """Takes writes from any task and resolves each when its group is on the disk.

    Args:
        connection: Open, in autocommit mode, used by nobody else; closed by `close`.
        path: For messages.
    """

    def __init__(self, connection: WriterConnection, path: Path) -> None:
        self.counts = WriteCounts()
        self._connection = connection
        self._path = path
        self._waiting: list[_Write] = []
        self._wanted = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._pump = asyncio.create_task(self._run(), name="storage-writer")

    async def write(self, statements: Sequence[Statement]) -> list[int]:
        """Run the statements, all or none; return how many rows each changed, once that is durable.

        A caller that is cancelled while waiting does not take its write back. When `WAITING_MAX` writes wait
        already, the caller waits for room: the disk sets the pace.

        Raises:
            WriteRefused: A constraint forbids it.
            StoreFailed: SQLite could not write, or the store is closed.
        """
        while len(self._waiting) >= WAITING_MAX and not self._closing:
            self._room.clear()
            await self._room.wait()
        if self._closing:
            raise StoreFailed(f"the database {self._path} is closed", why="this node is shutting down")
        write = _Write(statements)
        self._waiting.append(write)
        self._wanted.set()
        return await write.done

    async def close(self) -> None:
        """Commit what waits, then close the connection; later writes are refused."""
        self._closing = True
        self._wanted.set()
        self._room.set()
        await self._pump
        await self._connection.close_journal()
        await self._connection.close()

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting:
                await self._commit(self._take_group())

    def _take_group(self) -> list[_Write]:
        statements = taken = 0
        for write in self._waiting:
            if taken and statements + len(write.statements) > GROUP_STATEMENTS_MAX:
                break
            statements += len(write.statements)
            taken += 1
        group, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._room.set()
        return group

    async def _commit(self, group: list[_Write]) -> None:
        started = time.perf_counter()
        outcomes: list[Outcome]
        try:
            outcomes = await self._connection.run_group([write.statements for write in group])
        except Exception as err:  # noqa: BLE001 - a bug in one write must not leave everybody waiting for ever
            outcomes = [err] * len(group)
        self.counts.commit_s += time.perf_counter() - started
        self.counts.groups += 1
        trouble = ""
        for write, outcome in zip(group, outcomes, strict=True):
            self.counts.statements += len(write.statements)
            trouble = self._settle(write, outcome) or trouble
        self.counts.trouble = trouble  # in one step: another thread reads it

    def _settle(self, write: _Write, outcome: Outcome) -> str:
        """Tell the caller; return what is wrong with the store, if that is what the outcome shows."""
        if not isinstance(outcome, Exception):
            if not write.done.done():  # else the caller was cancelled
                write.done.set_result(outcome)
            return ""
        self.counts.refused += 1
        error = _caused(translate(self._path, outcome), outcome)
        if not write.done.done():
            write.done.set_exception(error)
        return "" if isinstance(error, WriteRefused) else error.why


def _caused(error: CaxtonError, cause: Exception) -> CaxtonError:
    error.__cause__ = cause
    return error
