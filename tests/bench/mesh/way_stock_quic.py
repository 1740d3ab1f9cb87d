"""aioquic as it comes, by its public asyncio interface: one stream, one connection.

It asks no client for a certificate, so only the server is proved. It holds no sender back, so the receiver
confirms each 256 KiB and the sender keeps at most 1 MiB open, as the mesh does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aioquic.asyncio.client import connect
from aioquic.asyncio.server import serve
from aioquic.quic.configuration import QuicConfiguration
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from tests.bench.mesh.ways import BATCHES_A_TURN, HEAD_BYTES, HOST, RECEIVER, Counter, framed
from transport import Credentials
from transport.identity import dns_name

WINDOW_BYTES = 1024 * 1024
CONFIRM_BYTES = 256 * 1024
READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StockQuicWay:
    """One stream of stock aioquic.

    Attributes:
        name: For results.
        size_bytes: Of a message.
        datagram_bytes: Of QUIC; its own default is 1,200.
    """

    name: str
    size_bytes: int
    datagram_bytes: int

    def _configuration(self, *, is_client: bool) -> QuicConfiguration:
        return QuicConfiguration(
            alpn_protocols=["bench"], is_client=is_client, max_datagram_size=self.datagram_bytes
        )

    @asynccontextmanager
    async def receiving(self, credentials: Credentials, counter: Counter) -> AsyncIterator[int]:
        """Listen on loopback, count what arrives, and give the port."""
        configuration = self._configuration(is_client=False)
        configuration.certificate = load_pem_x509_certificate(credentials.certificate_pem)
        configuration.private_key = load_pem_private_key(credentials.key_pem, None)
        tasks: set[asyncio.Task[None]] = set()

        def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(asyncio.ensure_future(self._receive(reader, writer, counter)))

        server = await serve(HOST, 0, configuration=configuration, stream_handler=take)
        try:
            assert server._transport is not None  # it does not say which port the kernel has chosen
            yield server._transport.get_extra_info("sockname")[1]
        finally:
            server.close()

    async def _receive(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: Counter
    ) -> None:
        left = unconfirmed = 0
        while data := await reader.read(READ_BYTES):
            count, left = divmod(left + len(data), self.size_bytes + HEAD_BYTES)
            counter.add(count)
            confirmed, unconfirmed = divmod(unconfirmed + len(data), CONFIRM_BYTES)
            if confirmed:
                writer.write(bytes(confirmed))

    async def send(self, credentials: Credentials, port: int) -> None:
        """Send as fast as messages are confirmed, until cancelled."""
        configuration = self._configuration(is_client=True)
        configuration.load_verify_locations(cadata=credentials.ca_pem)
        configuration.server_name = dns_name(RECEIVER)
        data, number, open_bytes = framed(self.size_bytes), 0, 0
        async with connect(HOST, port, configuration=configuration) as protocol:
            reader, writer = await protocol.create_stream()
            while True:
                number += 1
                writer.write(data)
                open_bytes += len(data)
                if open_bytes >= WINDOW_BYTES:
                    open_bytes -= CONFIRM_BYTES * len(await reader.read(READ_BYTES))
                elif not number % BATCHES_A_TURN:
                    await asyncio.sleep(0)
