"""Writes changes to the durable copy, a little later than they happen.

What has been seen (`context.py`) is stored after all that it speaks of. The other way round, a crash between
the two would leave a node that takes what it had not stored for deleted, and tells its peers so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from caxton_node.registry.background import Settings
from caxton_node.registry.entry import Entry, Id
from caxton_node.registry.store import RegistryStore


class Saver:
    """Keeps the durable copy of one replica.

    Args:
        store: Where it is kept.
        settings: How long changes are gathered.
    """

    def __init__(self, store: RegistryStore, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._unsaved: dict[Id, Entry] = {}
        self._forgotten: list[Entry] = []
        self._seen: Mapping[str, int] | None = None
        self._wanted = asyncio.Event()
        self._one = asyncio.Lock()

    def add(self, entries: Iterable[Entry]) -> None:
        """Store these with the next turn."""
        self._unsaved.update((entry.id, entry) for entry in entries)
        if self._unsaved:
            self._wanted.set()

    def drop(self, entries: Sequence[Entry]) -> None:
        """Remove these versions with the next turn."""
        self._forgotten += entries
        if self._forgotten:
            self._wanted.set()

    def keep_seen(self, stamps: Mapping[str, int]) -> None:
        """Store what has been seen, with the next turn and after all that was added before."""
        self._seen = dict(stamps)
        self._wanted.set()

    async def turn(self) -> None:
        """Wait for changes, gather more for a moment, store them."""
        await self._wanted.wait()
        await asyncio.sleep(self._settings.save_delay_s)
        await self.flush()

    async def flush(self) -> None:
        """Store what is not stored yet; if that fails it stays to be stored, and the error is raised."""
        async with self._one:
            self._wanted.clear()
            entries, self._unsaved = self._unsaved, {}
            forgotten, self._forgotten = self._forgotten, []
            seen, self._seen = self._seen, None
            try:
                await self._store.save(list(entries.values()))
                await self._store.forget(forgotten)  # by version: what was written anew stays
                await self._store.save_context(seen or {})
            except BaseException:
                self._unsaved = entries | self._unsaved
                self._forgotten = forgotten + self._forgotten
                self._seen = seen if self._seen is None else self._seen
                self._wanted.set()
                raise
