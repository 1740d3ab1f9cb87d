"""Nodes that share modules over real meshes, without the rest of a node."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from caxton_node.agents.module_exchange import ModuleExchange
from caxton_node.agents.modules import ModuleFolder
from caxton_node.cluster.mesh_errors import requesting
from caxton_node.core.errors import CaxtonError
from caxton_node.observability import Board
from tests.support.meshes import Cluster, Node, open_cluster
from transport import RequestRefused

Answer = Callable[[str, bytes], Awaitable[bytes]]
BYTES_MAX = 50 * 1024 * 1024


class Peers:
    """A mesh as the exchange sees it; implements `PeersPort`."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.known: list[str] = []
        self.likely: list[str] = []
        self.handlers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str]] = []
        node.keeper.answer = self._answer

    def holders(self, sha256: str) -> Sequence[str]:
        return self.likely

    def others(self) -> Sequence[str]:
        return self.known

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        self.asked.append((node, method))
        with requesting(node, method, timeout_s):
            return await self.node.mesh.request(node, method, payload, timeout_s)

    def serve(self, method: str, handler: Answer) -> None:
        self.handlers[method] = handler

    async def _answer(self, peer: str, method: str, payload: bytes) -> bytes:
        try:
            return await self.handlers[method](peer, payload)
        except CaxtonError as err:
            raise RequestRefused(str(err)) from err


@dataclass
class Sharer:
    """A node that gives and fetches modules."""

    node: Node
    peers: Peers
    folder: ModuleFolder
    exchange: ModuleExchange
    board: Board

    def put(self, module: bytes) -> str:
        """Keep a module; returns its digest."""
        sha256 = hashlib.sha256(module).hexdigest()
        self.folder.write(sha256, module)
        return sha256

    def part(self, sha256: str) -> Path:
        """Return where what has come so far is."""
        return self.folder.folder / f"{sha256}.part"

    def counted(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the series of a metric by their labels."""
        return {one.labels: one.value for one in self.board.read() if one.name == name}  # type: ignore[misc]


async def add_sharer(
    cluster: Cluster, data_dir: Path, name: str, *, bytes_max: int = BYTES_MAX, port: int = 0
) -> Sharer:
    """Open a node."""
    node = await cluster.add(name, port=port)
    peers, folder, board = Peers(node), ModuleFolder(data_dir / name), Board()
    return Sharer(node, peers, folder, ModuleExchange(folder, peers, board, bytes_max), board)


@asynccontextmanager
async def sharers(data_dir: Path, *names: str, bytes_max: int = BYTES_MAX) -> AsyncIterator[list[Sharer]]:
    """Open nodes of which each knows all others."""
    async with open_cluster("tcp") as cluster:
        opened = [await add_sharer(cluster, data_dir, name, bytes_max=bytes_max) for name in names]
        for one in opened:
            for other in opened:
                if other is not one:
                    one.node.knows(other.node)
                    one.peers.known.append(other.node.node_id)
        try:
            yield opened
        finally:
            for one in opened:
                await one.exchange.close()
