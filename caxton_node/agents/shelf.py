"""What is kept of a deployment: its row and its module's file, both or neither."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from caxton_node.agents.modules import ModuleFolder
from caxton_node.agents.store import AgentStore, Deployed


class Shelf:
    """Keeps and forgets deployments, one at a time.

    One at a time, since agents share modules: otherwise the last user of a file could remove it while the
    next one had just found it there.

    Args:
        store: The rows.
        modules: The files.
    """

    def __init__(self, store: AgentStore, modules: ModuleFolder) -> None:
        self._store = store
        self._modules = modules
        self._lock = asyncio.Lock()

    async def keep(self, row: Deployed, binary: bytes, imports: Sequence[str], now_ms: int) -> None:
        """Keep a deployment, in place of an earlier one of this name.

        Raises:
            CaxtonError: The store did not take it; the file is gone again unless others use it.
        """
        async with self._lock:
            is_new = await asyncio.to_thread(self._modules.write, row.module_sha256, binary)
            try:
                await self._store.put(row, imports, now_ms)
            except Exception:
                if is_new:
                    await asyncio.to_thread(self._modules.delete, row.module_sha256)
                raise

    async def rewrite(self, row: Deployed, now_ms: int) -> None:
        """Keep other facts about a deployment whose module is here."""
        async with self._lock:
            await self._store.put(row, (), now_ms)

    def read(self, module_sha256: str) -> bytes:
        """Return a module; blocks.

        Raises:
            CorruptStore: Its file is missing or damaged.
        """
        return self._modules.read(module_sha256)

    async def forget(self, row: Deployed) -> None:
        """Forget a deployment, and its module if no other agent uses it."""
        async with self._lock:
            if await self._store.delete(row.manifest.name, row.module_sha256):
                await asyncio.to_thread(self._modules.delete, row.module_sha256)

    async def drop_unused(self, module_sha256: str) -> None:
        """Forget a module if no agent uses it any more."""
        async with self._lock:
            if await self._store.forget_module(module_sha256):
                await asyncio.to_thread(self._modules.delete, module_sha256)

    async def drop_stray(self, module_sha256: str) -> None:
        """Remove the file of a module that was fetched and not deployed."""
        async with self._lock:
            if not await self._store.knows_module(module_sha256):
                await asyncio.to_thread(self._modules.delete, module_sha256)

    async def sweep(self) -> None:
        """Remove what a node that died in the middle of a change has left: modules that no agent uses."""
        async with self._lock:
            used = await self._store.sweep_modules()
            await asyncio.to_thread(self._modules.keep_only, used)
