"""SQL over the table `registry_entries`; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from caxton_node.registry.entry import Entry
from caxton_node.registry.vector_clock import VectorClock
from caxton_node.storage import Database

ROWS_PER_WRITE = 500

_SAVE = """
INSERT INTO registry_entries (kind, key, value, clock, stamp, origin, deleted) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, clock = excluded.clock,
    stamp = excluded.stamp, origin = excluded.origin, deleted = excluded.deleted
"""
_FORGET = "DELETE FROM registry_entries WHERE kind = ? AND key = ? AND stamp = ?"
_SEEN = """
INSERT INTO registry_context (node, stamp) VALUES (?, ?)
ON CONFLICT (node) DO UPDATE SET stamp = max(stamp, excluded.stamp)
"""


class RegistryStore:
    """The durable copy of a replica."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[Entry]:
        """Return every entry, tombstones included."""
        rows = await self._database.read(
            "SELECT kind, key, value, clock, stamp, origin, deleted FROM registry_entries"
        )
        return [
            Entry(kind, key, value, _decode_clock(clock), stamp, origin, bool(deleted))
            for kind, key, value, clock, stamp, origin, deleted in rows
        ]

    async def save(self, entries: Sequence[Entry]) -> None:
        """Write versions over older ones, in transactions of `ROWS_PER_WRITE`."""
        for start in range(0, len(entries), ROWS_PER_WRITE):
            await self._database.write_many(
                [(_SAVE, _row(entry)) for entry in entries[start : start + ROWS_PER_WRITE]]
            )

    async def forget(self, entries: Sequence[Entry]) -> None:
        """Remove versions, unless newer ones have taken their place."""
        for start in range(0, len(entries), ROWS_PER_WRITE):
            await self._database.write_many(
                [
                    (_FORGET, (entry.kind, entry.key, entry.stamp))
                    for entry in entries[start : start + ROWS_PER_WRITE]
                ]
            )

    async def load_context(self) -> dict[str, int]:
        """Return what had been seen of each node's writes."""
        return dict(await self._database.read("SELECT node, stamp FROM registry_context"))

    async def save_context(self, stamps: Mapping[str, int]) -> None:
        """Write what has been seen; all that this speaks of must be stored before."""
        await self._database.write_many([(_SEEN, row) for row in stamps.items()])


def _row(entry: Entry) -> tuple[object, ...]:
    clock = msgspec.msgpack.encode(entry.clock)
    return entry.kind, entry.key, entry.value, clock, entry.stamp, entry.origin, int(entry.deleted)


def _decode_clock(data: bytes) -> VectorClock:
    return msgspec.msgpack.decode(data, type=VectorClock)
