"""What is open while a node is down, in SQLite: tables `conversations`, `open_requests`, `last_stop`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from caxton_node.storage import Database, Statement

_CLEAR: tuple[Statement, ...] = (
    ("DELETE FROM conversations", ()),
    ("DELETE FROM open_requests", ()),
    ("DELETE FROM last_stop", ()),
)


@dataclass(frozen=True, slots=True)
class Open:
    """What was open when the node stopped.

    Attributes:
        talks: Ids and records of conversations.
        requests: Envelopes of requests, oldest first.
        forgotten: Open conversations for which there was no room.
    """

    talks: Sequence[tuple[str, bytes]]
    requests: Sequence[bytes]
    forgotten: int


class ConversationStore:
    """SQL of what is open, and nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, kept: Open, now_unix_ms: int) -> None:
        """Keep what is open at a stop in good order, in place of what was kept before: all or nothing."""
        talks: list[Statement] = [
            ("INSERT INTO conversations (id, record) VALUES (?, ?)", talk) for talk in kept.talks
        ]
        requests: list[Statement] = [
            ("INSERT INTO open_requests (envelope) VALUES (?)", (frame,)) for frame in kept.requests
        ]
        stop = "INSERT INTO last_stop (id, at_unix_ms, forgotten) VALUES (1, ?, ?)"
        await self._database.write_many([*_CLEAR, *talks, *requests, (stop, (now_unix_ms, kept.forgotten))])

    async def find(self) -> Open | None:
        """Return what was kept; None after a crash, of which nothing is known."""
        stops = await self._database.read("SELECT forgotten FROM last_stop")
        if not stops:
            return None
        talks = await self._database.read("SELECT id, record FROM conversations ORDER BY id")
        requests = await self._database.read("SELECT envelope FROM open_requests ORDER BY id")
        return Open(
            [(str(name), bytes(record)) for name, record in talks],
            [bytes(frame) for (frame,) in requests],
            int(stops[0][0]),
        )

    async def clear(self) -> None:
        """Forget what was kept: from here on the node lives, and what is open changes."""
        await self._database.write_many(_CLEAR)
