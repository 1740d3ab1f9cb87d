"""Modules by their digest, for whoever deploys: from this node or another, and not kept for nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager

from caxton_node.agents.module_exchange import ModuleExchange
from caxton_node.agents.module_uploads import ModuleUploads
from caxton_node.agents.module_wire import check_digest
from caxton_node.agents.shelf import Shelf
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CorruptStore, InvalidArgument


class ModuleLibrary:
    """Lends modules.

    Args:
        shelf: What this node keeps.
        exchange: The way to what other nodes have; None on a node without a cluster.
        clock: Time.
        uploads: What clients send in pieces.

    Attributes:
        uploads: The same.
    """

    def __init__(
        self, shelf: Shelf, exchange: ModuleExchange | None, clock: Clock, uploads: ModuleUploads
    ) -> None:
        self.uploads = uploads
        self._shelf = shelf
        self._exchange = exchange
        self._clock = clock
        self._lent: Counter[str] = Counter()
        self._spoken_for: Counter[str] = Counter()

    def offer(self, module: bytes) -> AbstractContextManager[str]:
        """Hold bytes out to other nodes as long as the context lasts; it gives their digest.

        Raises:
            InvalidArgument: This node has no cluster.
        """
        return self._get_exchange().offer(module)

    @asynccontextmanager
    async def lend(self, digest: str, *, near: str = "") -> AsyncIterator[bytes]:
        """Give a module by its digest; when all are done with it, it is kept only if an agent uses it.

        Args:
            digest: SHA-256, hexadecimal, with or without `sha256:` before it.
            near: The node that is asked first.

        Raises:
            InvalidArgument: It is no digest, or this node has no cluster to ask.
            CaxtonError: As `ModuleExchange.fetch`.
        """
        sha256 = check_digest(digest)
        self._lent[sha256] += 1
        try:
            yield await self._find(sha256, near)
        finally:
            self._lent[sha256] -= 1
            if not self._lent[sha256]:
                del self._lent[sha256]
                if not self.uploads.keeps(sha256):
                    await self._shelf.drop_stray(sha256)

    async def sizes(self) -> dict[str, int]:
        """Return the modules of this node, by digest, with their sizes in bytes."""
        return await asyncio.to_thread(self._shelf.sizes)

    async def hold(self, sha256: str) -> None:
        """Have a module on this node's disk until it is let go, fetched if need be.

        Raises:
            CaxtonError: As `ModuleExchange.fetch`, or the disk did not take it.
        """
        async with self.lend(sha256) as binary:
            await self._shelf.hold(sha256, binary, (), self._clock.unix_us() // 1000)

    @contextmanager
    def spoken_for(self, sha256: str) -> Iterator[None]:
        """Let nobody let a module go while the context lasts."""
        self._spoken_for[sha256] += 1
        try:
            yield
        finally:
            self._spoken_for[sha256] -= 1
            if not self._spoken_for[sha256]:
                del self._spoken_for[sha256]

    async def let_go(self, sha256: str) -> None:
        """Keep a module only as long as an agent uses it, unless it is spoken for."""
        if sha256 not in self._spoken_for:
            await self._shelf.let_go(sha256)

    async def held(self) -> set[str]:
        """Return the modules that are held."""
        return await self._shelf.held()

    async def _find(self, sha256: str, near: str) -> bytes:
        try:
            return await asyncio.to_thread(self._shelf.read, sha256)
        except CorruptStore:
            await self._get_exchange().fetch(sha256, near=near)
        return await asyncio.to_thread(self._shelf.read, sha256)

    def _get_exchange(self) -> ModuleExchange:
        if self._exchange is None:
            raise InvalidArgument("this node has no cluster to share modules with", hint="give the file")
        return self._exchange
