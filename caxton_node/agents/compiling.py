"""Modules made ready to run, off the event loop and few at a time.

A compile waits for its process, perhaps for half a minute. So only some of the threads that everything else
needs as well may wait for one; further deployments wait as tasks, which costs nothing.
"""

from __future__ import annotations

import asyncio

from caxton_node.agents.manifest import Manifest
from caxton_node.agents.shelf import Shelf
from caxton_node.agents.store import Deployed
from caxton_node.runtime.engine import CompiledModule, Engine, to_binary

AT_ONCE = 2


class Compiling:
    """Compiles for the agents of a node.

    Args:
        engine: Of the node.
        shelf: Where modules are kept.
    """

    def __init__(self, engine: Engine, shelf: Shelf) -> None:
        self._engine = engine
        self._shelf = shelf
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
            CorruptStore: Its file is missing or damaged.
        """
        async with self._turns:
            return await asyncio.to_thread(self._compile_kept, row.module_sha256, manifest)

    def _compile(self, module: bytes, manifest: Manifest) -> tuple[bytes, CompiledModule]:
        binary = to_binary(module)
        return binary, self._engine.compile(binary, manifest.profile)

    def _compile_kept(self, sha256: str, manifest: Manifest) -> tuple[bytes, CompiledModule]:
        return self._compile(self._shelf.read(sha256), manifest)
