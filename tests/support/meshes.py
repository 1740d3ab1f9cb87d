"""Meshes for tests: a handler that keeps everything, and a pair of nodes on loopback that closes itself."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.certificates import Pki
from transport import Credentials, Mesh, RequestRefused, Settings
from transport.links.memory import MemoryNetwork, opener
from transport.links.sockets import Opener, open_sockets

HOST = "127.0.0.1"
KINDS = ("quic", "tcp", "memory")
SOCKET_KINDS = ("quic", "tcp")

Answer = Callable[[str, str, bytes], Awaitable[bytes]]


async def echo(peer: str, method: str, payload: bytes) -> bytes:
    """Answer with what was asked."""
    if method == "refuse":
        raise RequestRefused("not today")
    return peer.encode() + b":" + payload


@dataclass
class Keeper:
    """A handler that keeps everything it is given."""

    answer: Answer = echo
    lanes: dict[tuple[str, int], list[bytes]] = field(default_factory=lambda: defaultdict(list))
    gossip: list[tuple[bytes, tuple[str, int]]] = field(default_factory=list)
    links: list[tuple[str, str, str, str]] = field(default_factory=list)
    on_batch: Callable[[], None] | None = None
    keeps: bool = False
    roomy: list[str] = field(default_factory=list)

    @property
    def envelopes(self) -> list[bytes]:
        """Return all envelopes, lane after lane."""
        return [envelope for lane in self.lanes.values() for envelope in lane]

    @property
    def count(self) -> int:
        """Return how many envelopes came."""
        return sum(map(len, self.lanes.values()))

    def handle_gossip(self, datagram: bytes, source: tuple[str, int]) -> None:
        self.gossip.append((datagram, source))

    def handle_batch(self, peer: str, lane: int, envelopes: list[bytes]) -> int:
        self.lanes[peer, lane] += envelopes
        if self.on_batch is not None:
            self.on_batch()
        return sum(map(len, envelopes)) if self.keeps else 0

    def handle_roomy(self, peer: str) -> None:
        self.roomy.append(peer)

    async def handle_request(self, peer: str, method: str, payload: bytes) -> bytes:
        return await self.answer(peer, method, payload)

    def handle_link(self, peer: str, state: str, kind: str, reason: str) -> None:
        self.links.append((peer, state, kind, reason))

    def links_up(self) -> int:
        """Return how many links are up by what was told."""
        return sum(1 if state == "up" else -1 for _, state, _, _ in self.links)


@dataclass
class Node:
    """An open mesh with its handler."""

    mesh: Mesh
    keeper: Keeper
    address: tuple[str, int]
    node_id: str

    def knows(self, other: Node) -> None:
        self.mesh.learn_peer(other.node_id, other.address)

    def cut_links(self) -> None:
        """Cut every link of this node as if the cable were cut; only this side knows at once."""
        connections = self.mesh._connections
        assert connections is not None
        for peer in list(connections.peers.values()):
            if peer.line is not None:
                peer.line.link.abort()


class Cluster:
    """Opens nodes of one kind of link and closes them again."""

    def __init__(self, kind: str, pki: Pki) -> None:
        self.kind = kind
        self.pki = pki
        self.network = MemoryNetwork()
        self.nodes: list[Node] = []

    async def add(
        self,
        credentials: Credentials | str,
        *,
        epoch: int = 1,
        port: int = 0,
        keeper: Keeper | None = None,
        welcoming: bool = True,
        **settings: Any,
    ) -> Node:
        """Open a node; a string stands for good credentials of that id."""
        good = self.pki.credentials(credentials) if isinstance(credentials, str) else credentials
        keeper = keeper or Keeper()
        choice = "auto" if self.kind == "memory" else self.kind
        chosen = Settings(**{"transport": choice, **settings})
        opens: Opener = opener(self.network) if self.kind == "memory" else open_sockets
        host = "memory" if self.kind == "memory" else HOST
        mesh = Mesh(good, chosen, keeper, epoch=epoch, opener=opens)
        node = Node(mesh, keeper, (host, await mesh.open(host, port, welcoming=welcoming)), good.node_id)
        self.nodes.append(node)
        return node

    async def close(self) -> None:
        for node in self.nodes:
            await node.mesh.close()


@contextlib.asynccontextmanager
async def open_cluster(kind: str, pki: Pki | None = None) -> AsyncIterator[Cluster]:
    """Give a cluster whose nodes are closed at the end."""
    cluster = Cluster(kind, pki or Pki())
    try:
        yield cluster
    finally:
        await cluster.close()


async def until(condition: Callable[[], object], timeout_s: float = 30.0) -> None:
    """Wait until a condition holds; fail when it does not in time."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event to wait on
            await asyncio.sleep(0.002)


class Relay(asyncio.DatagramProtocol):
    """A path for datagrams to one server: loses some, and may change its own port like a NAT."""

    def __init__(self, target: tuple[str, int], loss: float, rng: random.Random) -> None:
        self.address = ("", 0)
        self.dropped = 0
        self._target = target
        self._loss = loss
        self._rng = rng
        self._client: tuple[str, int] | None = None
        self._inner: asyncio.DatagramTransport | None = None
        self._outer: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._inner, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        self.address = self._inner.get_extra_info("sockname")
        await self.rebind()

    async def rebind(self) -> None:
        """Talk to the server from another port from now on."""
        old, loop = self._outer, asyncio.get_running_loop()
        back = _Back(self)
        self._outer, _ = await loop.create_datagram_endpoint(lambda: back, local_addr=(HOST, 0))
        if old is not None:
            old.close()

    def close(self) -> None:
        for transport in (self._inner, self._outer):
            if transport is not None:
                transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._client = addr
        if self._passes() and self._outer is not None:
            self._outer.sendto(data, self._target)

    def send_back(self, data: bytes) -> None:
        if self._passes() and self._inner is not None and self._client is not None:
            self._inner.sendto(data, self._client)

    def _passes(self) -> bool:
        lost = self._rng.random() < self._loss
        self.dropped += lost
        return not lost


class _Back(asyncio.DatagramProtocol):
    """The relay's side towards the server."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._relay.send_back(data)


@contextlib.asynccontextmanager
async def open_relay(target: Node, loss: float = 0.0, seed: int = 1) -> AsyncIterator[Relay]:
    """Give a path to a node's UDP port."""
    relay = Relay(target.address, loss, random.Random(seed))
    await relay.open()
    try:
        yield relay
    finally:
        relay.close()
        await asyncio.sleep(0)
