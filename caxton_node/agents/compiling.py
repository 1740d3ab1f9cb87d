"""Modules made ready to run, off the event loop and few at a time; one whose file is lost comes from a peer.

A compile waits for its process, perhaps for half a minute. So only some of the threads that everything else
needs as well may wait for one; further deployments wait as tasks, which costs nothing.
"""

from __future__ import annotations

import asyncio

from caxton_node.agents.manifest import Manifest
from caxton_node.agents.module_exchange import ModuleExchange
from caxton_node.agents.shelf import Shelf
from caxton_node.agents.store import Deployed
from caxton_node.core.errors import CaxtonError, CorruptStore
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.engine import CompiledModule, Engine, to_binary

AT_ONCE = 2

_log = get_logger("agents")


class Compiling:
    """Compiles for the agents of a node.

    Args:
        engine: Of the node.
        shelf: Where modules are kept.
        exchange: The way to those that other nodes have; None on a node without a cluster.
    """

    def __init__(self, engine: Engine, shelf: Shelf, exchange: ModuleExchange | None = None) -> None:
        self._engine = engine
        self._shelf = shelf
        self._exchange = exchange
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def new(self, module: bytes, manifest: Manifest) -> tuple[bytes, CompiledModule]:
        """Return a module in binary form, and compiled.

        Raises:
            InvalidModule: It cannot be run.
            ResourceLimit: Compiling it takes too much.
        """
        async with self._turns:
            return await asyncio.to_thread(self._compile, module, manifest)

    async def kept(self, row: Deployed, manifest: Manifest) -> tuple[bytes, CompiledModule]:
        """Return the kept module of a deployment, compiled for this manifest.

        Raises:
            CorruptStore: Its file is missing or damaged, and no other node that is alive has it.
        """
        try:
            return await self._kept(row, manifest)
        except CorruptStore as err:
            await self._replace(row.module_sha256, err)
        return await self._kept(row, manifest)

    async def _kept(self, row: Deployed, manifest: Manifest) -> tuple[bytes, CompiledModule]:
        async with self._turns:
            return await asyncio.to_thread(self._compile_kept, row.module_sha256, manifest)

    async def _replace(self, sha256: str, lost: CorruptStore) -> None:
        """Fetch a module that is lost; if that fails, the loss is what the operator is to see."""
        if self._exchange is None:
            raise lost
        try:
            await self._exchange.fetch(sha256)
        except CaxtonError as err:
            why = f"{lost.why}; and {err.what}"
            raise CorruptStore(lost.what, why=why, hint=lost.hint) from err
        _log.warning("a module was lost and came from another node", module=sha256[:12], lost=str(lost))

    def _compile(self, module: bytes, manifest: Manifest) -> tuple[bytes, CompiledModule]:
        binary = to_binary(module)
        return binary, self._engine.compile(binary, manifest.profile)

    def _compile_kept(self, sha256: str, manifest: Manifest) -> tuple[bytes, CompiledModule]:
        return self._compile(self._shelf.read(sha256), manifest)
