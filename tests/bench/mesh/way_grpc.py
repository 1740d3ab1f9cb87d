"""grpc.aio: one bidirectional stream with mutual TLS, a batch in each of its messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from tests.bench.mesh.ways import HEAD_BYTES, HOST, RECEIVER, Counter, framed
from transport import Credentials
from transport.identity import dns_name

METHOD = "/bench.Mail/Send"


class Mail(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # its stub is generic, it is not
    """The service: takes batches, says nothing."""

    def __init__(self, counter: Counter, frame_bytes: int) -> None:
        self._counter = counter
        self._frame_bytes = frame_bytes

    def service(self, handler_call_details: Any) -> Any:
        """Give the handler, without any serializer: bytes in, bytes out."""
        assert handler_call_details.method == METHOD
        return grpc.stream_stream_rpc_method_handler(self._take)

    async def _take(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        size = self._frame_bytes
        async for batch in requests:
            messages = [batch[at + HEAD_BYTES : at + size] for at in range(0, len(batch), size)]
            self._counter.add(len(messages))
        yield b""


@dataclass(frozen=True, slots=True)
class GrpcWay:
    """One stream of grpc.aio."""

    name: str
    size_bytes: int

    @asynccontextmanager
    async def receiving(self, credentials: Credentials, counter: Counter) -> AsyncIterator[int]:
        """Listen on loopback, count what arrives, and give the port."""
        proof = grpc.ssl_server_credentials(
            [(credentials.key_pem, credentials.certificate_pem)], credentials.ca_pem, True
        )
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((Mail(counter, self.size_bytes + HEAD_BYTES),))
        port = server.add_secure_port(f"{HOST}:0", proof)
        await server.start()
        try:
            yield port
        finally:
            await server.stop(None)

    async def send(self, credentials: Credentials, port: int) -> None:
        """Send as fast as messages are taken, until cancelled."""
        proof = grpc.ssl_channel_credentials(
            credentials.ca_pem, credentials.key_pem, credentials.certificate_pem
        )
        name = [("grpc.ssl_target_name_override", dns_name(RECEIVER))]
        data = framed(self.size_bytes)
        async with grpc.aio.secure_channel(f"{HOST}:{port}", proof, options=name) as channel:
            call = channel.stream_stream(METHOD, None, None)(None)
            while True:
                await call.write(data)
