"""Plain asyncio TCP: no encryption, no sequences, no credit. What a link could cost at the least."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.bench.mesh.ways import BATCHES_A_TURN, HEAD_BYTES, HOST, Counter, framed
from transport import Credentials


class Receiver(asyncio.Protocol):
    """Cuts a stream into messages of known size."""

    def __init__(self, counter: Counter, frame_bytes: int) -> None:
        self._counter = counter
        self._frame_bytes = frame_bytes
        self._left = 0

    def data_received(self, data: bytes) -> None:
        """Count the messages that are whole."""
        count, self._left = divmod(self._left + len(data), self._frame_bytes)
        if count:
            self._counter.add(count)


class Sender(asyncio.Protocol):
    """Waits when the kernel takes no more."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.ready.set()

    def pause_writing(self) -> None:
        """Stop."""
        self.ready.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self.ready.set()


@dataclass(frozen=True, slots=True)
class PlainWay:
    """One TCP connection."""

    name: str
    size_bytes: int

    @asynccontextmanager
    async def receiving(self, credentials: Credentials, counter: Counter) -> AsyncIterator[int]:
        """Listen on loopback, count what arrives, and give the port."""
        loop, frame_bytes = asyncio.get_running_loop(), self.size_bytes + HEAD_BYTES
        server = await loop.create_server(lambda: Receiver(counter, frame_bytes), HOST, 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def send(self, credentials: Credentials, port: int) -> None:
        """Send as fast as messages are taken, until cancelled."""
        transport, protocol = await asyncio.get_running_loop().create_connection(Sender, HOST, port)
        data, number = framed(self.size_bytes), 0
        while True:
            number += 1
            transport.write(data)
            await protocol.ready.wait()
            if not number % BATCHES_A_TURN:
                await asyncio.sleep(0)
