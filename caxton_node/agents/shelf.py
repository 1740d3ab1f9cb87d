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

    async def keep(self, row: Deployed, binary: bytes, imports: Sequence[str]) -> None:
        """Keep a new deployment.

        Raises:
            CaxtonError: The store did not take it; the file is gone again unless others use it.
        """
        async with self._lock:
            is_new = await asyncio.to_thread(self._modules.write, row.module_sha256, binary)
            try:
                await self._store.put(row, imports)
            except Exception:
                if is_new:
                    await asyncio.to_thread(self._modules.delete, row.module_sha256)
                raise

    async def forget(self, row: Deployed) -> None:
        """Forget a deployment, and its module if no other agent uses it."""
        async with self._lock:
            if await self._store.delete(row.manifest.name, row.module_sha256):
                await asyncio.to_thread(self._modules.delete, row.module_sha256)
