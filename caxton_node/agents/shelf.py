"""What is kept of a deployment: its row and its module's file, both or neither."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from caxton_node.agents.module_announcing import Holdings, Unannounced
from caxton_node.agents.modules import ModuleFolder
from caxton_node.agents.shared_lock import SharedLock
from caxton_node.agents.store import AgentStore, Deployed
from caxton_node.core.errors import CaxtonError


class Shelf:
    """Keeps deployments, many at a time, and forgets them, one at a time.

    One at a time and no other meanwhile, since agents share modules: otherwise the last user of a file could
    remove it while the next one had just found it there. Those that are kept together share a commit of the
    store, which is what a deployment would otherwise wait for most.

    Args:
        store: The rows.
        modules: The files.
        holdings: Told which of them are here.
    """

    def __init__(self, store: AgentStore, modules: ModuleFolder, holdings: Holdings | None = None) -> None:
        self._store = store
        self._modules = modules
        self._holdings = holdings or Unannounced()
        self._lock = SharedLock()
        self._writing = asyncio.Lock()

    async def keep(self, row: Deployed, binary: bytes, imports: Sequence[str], now_ms: int) -> None:
        """Keep a deployment, in place of an earlier one of this name.

        Raises:
            CaxtonError: The store did not take it; the file is gone again unless others use it.
        """
        try:
            async with self._lock.together():
                await self._write(row.module_sha256, binary)
                await self._store.put(row, imports, now_ms)
                self._holdings.hold(row.module_sha256, row.module_bytes)
        except Exception:
            with suppress(CaxtonError):  # the store may be what is broken; the next start of the node sweeps
                await self.drop_stray(row.module_sha256)
            raise

    async def hold(self, module_sha256: str, binary: bytes, imports: Sequence[str], now_ms: int) -> None:
        """Keep a module whether an agent uses it or not.

        Raises:
            CaxtonError: The store did not take it; it is gone again when nobody uses it.
        """
        async with self._lock.together():
            await self._write(module_sha256, binary)
            await self._store.hold_module(module_sha256, len(binary), imports, now_ms)
            self._holdings.hold(module_sha256, len(binary))

    async def let_go(self, module_sha256: str) -> None:
        """Keep a module only as long as an agent uses it."""
        await self._store.let_go_of_module(module_sha256)
        await self.drop_unused(module_sha256)

    async def rewrite(self, row: Deployed, now_ms: int) -> None:
        """Keep other facts about a deployment whose module is here."""
        async with self._lock.together():
            await self._store.put(row, (), now_ms)

    def read(self, module_sha256: str) -> bytes:
        """Return a module; blocks.

        Raises:
            CorruptStore: Its file is missing or damaged.
        """
        return self._modules.read(module_sha256)

    def sizes(self) -> dict[str, int]:
        """Return the modules that are here, by digest, with their sizes in bytes; blocks."""
        return self._modules.sizes()

    async def forget(self, row: Deployed) -> None:
        """Forget a deployment, and its module if no other agent uses it."""
        async with self._lock.alone():
            if await self._store.delete(row.manifest.name, row.module_sha256):
                await self._remove(row.module_sha256)

    async def drop_unused(self, module_sha256: str) -> None:
        """Forget a module if no agent uses it any more."""
        async with self._lock.alone():
            if await self._store.forget_module(module_sha256):
                await self._remove(module_sha256)

    async def drop_stray(self, module_sha256: str) -> None:
        """Remove the file of a module that was fetched and not deployed."""
        async with self._lock.alone():
            if not await self._store.knows_module(module_sha256):
                await asyncio.to_thread(self._modules.delete, module_sha256)

    async def sweep(self) -> None:
        """Remove what a node that died in the middle of a change has left: modules that no agent uses."""
        async with self._lock.alone():
            used = await self._store.sweep_modules()
            await asyncio.to_thread(self._modules.keep_only, used)
            self._holdings.settle(await asyncio.to_thread(self._modules.sizes))

    async def held(self) -> set[str]:
        """Return the modules that are kept whether an agent uses them or not."""
        return await self._store.held_modules()

    async def _write(self, module_sha256: str, binary: bytes) -> None:
        async with self._writing:  # two that write the same file would meet in the one beside it
            await asyncio.to_thread(self._modules.write, module_sha256, binary)

    async def _remove(self, module_sha256: str) -> None:
        self._holdings.drop(module_sha256)
        await asyncio.to_thread(self._modules.delete, module_sha256)
