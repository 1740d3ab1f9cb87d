"""Durable timers in SQLite, and what waits to be written there.

What happens to timers is written in the order in which it happened, a batch at a time. Before a ring is
written down its message must be: a node that dies in between rings once more, and never not at all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from caxton_node.core.errors import CaxtonError
from caxton_node.messaging.platform_acts import Refused
from caxton_node.observability.background import tell_of_bug
from caxton_node.storage import Database, Statement

BATCH_MAX = 256
WAITING_MAX = 1_000
_PUT = """
INSERT INTO agent_timers (agent, id, due_unix_ms, every_ms, request) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (agent, id) DO UPDATE SET due_unix_ms = excluded.due_unix_ms, every_ms = excluded.every_ms,
    request = excluded.request
"""
Done = Callable[[CaxtonError | None], None]
Tell = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class KeptTimer:
    """One row.

    Attributes:
        agent: `tenant/name`.
        id: The agent's name for it.
        due_unix_ms: When it is due.
        every_ms: How often from then on; 0: it rings once.
        request: The envelope's bytes.
    """

    agent: str
    id: str
    due_unix_ms: int
    every_ms: int
    request: bytes


def keeping(timer: KeptTimer) -> Statement:
    """Return what keeps a timer, in place of one of the same agent and id."""
    return _PUT, (timer.agent, timer.id, timer.due_unix_ms, timer.every_ms, timer.request)


def forgetting(agent: str, timer_id: str) -> Statement:
    """Return what forgets a timer."""
    return "DELETE FROM agent_timers WHERE agent = ? AND id = ?", (agent, timer_id)


def forgetting_all(agent: str) -> Statement:
    """Return what forgets all timers of an agent."""
    return "DELETE FROM agent_timers WHERE agent = ?", (agent,)


@dataclass(frozen=True, slots=True)
class _Job:
    """What waits: a statement, whom to tell before it for a ring, and what to do when it is durable."""

    statement: Statement
    done: Done
    tell: Tell | None = None


class TimerStore:
    """Reads and writes durable timers.

    Args:
        database: Where they are kept.
        stored: Returns when all that was sent durably is on the disk.
    """

    def __init__(self, database: Database, stored: Callable[[], Awaitable[None]]) -> None:
        self._database = database
        self._stored = stored
        self._jobs: deque[_Job] = deque()
        self._asked = 0
        self._pump: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._jobs)

    async def read(self, most: int) -> list[KeptTimer]:
        """Return the kept timers, at most so many, those due first."""
        sql = (
            "SELECT agent, id, due_unix_ms, every_ms, request FROM agent_timers ORDER BY due_unix_ms LIMIT ?"
        )
        rows = await self._database.read(sql, (most,))
        return [
            KeptTimer(str(agent), str(name), int(due), int(every), bytes(request))
            for agent, name, due, every, request in rows
        ]

    def check_room(self) -> None:
        """Refuse what agents ask for when the disk is behind; rings are bounded by the timers.

        Raises:
            Refused: Too much waits.
        """
        if self._asked >= WAITING_MAX:
            raise Refused("busy", "more timers wait for the disk than may; ask again later")

    def write(self, statement: Statement, done: Done) -> None:
        """Run a statement after all that was given before.

        Args:
            statement: What to run.
            done: Called with None when that is durable, or with why it is not.
        """
        self._asked += 1
        self._add(_Job(statement, done))

    def write_ring(self, statement: Statement, tell: Tell, done: Done) -> None:
        """Tell of a ring after all that was given before, and run the statement once that is durable.

        Args:
            statement: Notes that it has rung.
            tell: Sends the durable message, or returns False if there is none to send.
            done: As of `write`.
        """
        self._add(_Job(statement, done, tell))

    async def close(self) -> None:
        """Write what waits."""
        if self._pump is not None:
            await asyncio.gather(self._pump, return_exceptions=True)

    def _add(self, job: _Job) -> None:
        self._jobs.append(job)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._write_waiting(), name="ams-timers")
            self._pump.add_done_callback(tell_of_bug)

    async def _write_waiting(self) -> None:
        while self._jobs:
            batch = self._take_batch()
            outcome = await self._write_batch(batch)
            for job in batch:
                job.done(outcome)

    def _take_batch(self) -> list[_Job]:
        """Take what comes next, as far as it is all rings or none: AGREE is said before the first ring."""
        batch = [self._jobs.popleft()]
        rings = batch[0].tell is not None
        while self._jobs and len(batch) < BATCH_MAX and (self._jobs[0].tell is not None) is rings:
            batch.append(self._jobs.popleft())
        self._asked -= 0 if rings else len(batch)
        return batch

    async def _write_batch(self, batch: list[_Job]) -> CaxtonError | None:
        try:
            told = [job.tell() for job in batch if job.tell is not None]
            if any(told):
                await self._stored()
            await self._database.write_many([job.statement for job in batch])
        except CaxtonError as err:
            return err
        return None
