"""The project's own mesh, without anything above it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from tests.bench.mesh.ways import BATCH, BATCHES_A_TURN, HOST, RECEIVER, Counter
from transport import Credentials, Mesh, Settings, TransportChoice


class Hands:
    """Takes what the mesh brings and counts it; knows when a sender may go on."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.roomy = asyncio.Event()

    def handle_gossip(self, datagram: bytes, source: tuple[str, int]) -> None:
        """Take no notice."""

    def handle_batch(self, peer: str, lane: int, envelopes: list[bytes]) -> int:
        """Count; nothing is kept."""
        self._counter.add(len(envelopes))
        return 0

    def handle_roomy(self, peer: str) -> None:
        """Let the sender go on."""
        self.roomy.set()

    async def handle_request(self, peer: str, method: str, payload: bytes) -> bytes:
        """Answer with nothing."""
        return b""

    def handle_link(self, peer: str, state: str, kind: str, reason: str) -> None:
        """Take no notice."""


@dataclass(frozen=True, slots=True)
class MeshWay:
    """Two meshes, one link, four lanes.

    Attributes:
        name: For results.
        kind: quic or tcp.
        size_bytes: Of a message.
        datagram_bytes: Of QUIC; None: what the mesh chooses on loopback.
    """

    name: str
    kind: str
    size_bytes: int
    datagram_bytes: int | None = None

    @property
    def _settings(self) -> Settings:
        return Settings(transport=TransportChoice(self.kind), datagram_bytes=self.datagram_bytes)

    def receiving(self, credentials: Credentials, counter: Counter) -> AbstractAsyncContextManager[int]:
        """Listen on loopback, count what arrives, and give the port."""
        return self.listening(credentials, Hands(counter))

    @asynccontextmanager
    async def listening(self, credentials: Credentials, hands: Hands) -> AsyncIterator[int]:
        """Listen on loopback and give the port; what arrives is given to these hands."""
        mesh = Mesh(credentials, self._settings, hands, epoch=1)
        try:
            yield await mesh.open(HOST, 0)
        finally:
            await mesh.close()

    @asynccontextmanager
    async def sending(self, credentials: Credentials, port: int) -> AsyncIterator[tuple[Mesh, Hands]]:
        """Give a mesh with a link to the receiver."""
        hands = Hands(Counter())
        mesh = Mesh(credentials, self._settings, hands, epoch=1)
        await mesh.open(HOST, 0)
        try:
            mesh.learn_peer(RECEIVER, (HOST, port))
            await mesh.request(RECEIVER, "hello", b"", 10)
            yield mesh, hands
        finally:
            await mesh.close()

    async def send(self, credentials: Credentials, port: int) -> None:
        """Send as fast as messages are taken, until cancelled."""
        message, number = bytes(self.size_bytes), 0
        async with self.sending(credentials, port) as (mesh, hands):
            while True:
                number += 1
                if mesh.send(RECEIVER, number, [message] * BATCH):
                    hands.roomy.clear()
                    await hands.roomy.wait()
                elif not number % BATCHES_A_TURN:
                    await asyncio.sleep(0)
