"""The gRPC server of a node: TLS on a port, and a Unix socket for the user that runs the node.

Health and reflection are the standard services, open to everybody: neither tells anything about agents.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

# Read by gRPC when it is imported: its own diagnostics do not belong into the node's log, and children of the
# node are started without its fork hooks.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_NAME
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]  # the stubs leave it out
from grpc_reflection.v1alpha import reflection

from caxton_node.api.grpc import sockets
from caxton_node.api.grpc.handler import OperationsHandler
from caxton_node.api.operations import PACKAGE, SERVICES
from caxton_node.api.pipeline import Pipeline

MESSAGE_BYTES_MAX = 64 * 1024 * 1024  # a module of 50 MiB and its request around it
STREAMS_MAX = 1000
GRACE_S = 2.0
NAMES = tuple(f"{PACKAGE}.{service}" for service in SERVICES)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen and what to show.

    Attributes:
        socket_path: The management socket.
        host: Address of the TLS port; empty opens the socket only.
        port: 0 picks a free one.
        key_pem: Private key of the node.
        chain_pem: Certificate of the node and behind it those of the CAs, so that a newcomer can compare
            their fingerprints with the one in the join token before it sends anything.
    """

    socket_path: Path
    host: str = ""
    port: int = 0
    key_pem: bytes = field(default=b"", repr=False)
    chain_pem: bytes = b""


class _Shown:
    """The certificate that new connections see; gRPC asks for it on threads of its own."""

    def __init__(self, key_pem: bytes, chain_pem: bytes) -> None:
        self._pair = (key_pem, chain_pem)
        self._taken: tuple[bytes, bytes] | None = None

    def replace(self, key_pem: bytes, chain_pem: bytes) -> None:
        """Show another one from the next connection on."""
        self._pair = (key_pem, chain_pem)  # one reference: a reader sees the old pair or the new one

    def take(self) -> grpc.ServerCertificateConfiguration:
        """Return the one in force."""
        pair = self._taken = self._pair
        return grpc.ssl_server_certificate_configuration([pair])

    def take_new(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the one in force if it is another than was taken last, else None: go on with that."""
        return None if self._taken is self._pair else self.take()


class GrpcServer:
    """Serves the operations. Keep a reference: gRPC stops listening when the object is collected.

    Args:
        pipeline: Runs the operations.
        node_id: This node, named in errors.
        settings: Where to listen.
    """

    def __init__(self, pipeline: Pipeline, node_id: str, settings: Settings) -> None:
        self._settings = settings
        self._socket_path = settings.socket_path.absolute()
        self._bound = False
        self._shown = _Shown(settings.key_pem, settings.chain_pem)
        self._health = health.HealthServicer()
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),  # two nodes on one port would share its calls at random
                ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
                ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
                ("grpc.max_concurrent_streams", STREAMS_MAX),
            ]
        )
        self._server.add_generic_rpc_handlers((OperationsHandler(pipeline, node_id),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((*NAMES, HEALTH_NAME, reflection.SERVICE_NAME), self._server)

    async def open(self) -> int:
        """Listen and serve.

        Returns:
            The TLS port; 0 when only the socket is open.

        Raises:
            PortInUse: Another process has the port, or another node runs on this data directory.
            InvalidConfig: The address or path cannot be used.
        """
        self._bind_socket()
        port = self._bind_port() if self._settings.host else 0
        await self._server.start()
        for name in ("", *NAMES):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return port

    def use_certificate(self, key_pem: bytes, chain_pem: bytes) -> None:
        """Show another certificate to connections that begin from now on; those that are open go on."""
        self._shown.replace(key_pem, chain_pem)

    async def close(self) -> None:
        """Take no new calls, give those under way a moment, and close."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(GRACE_S)
        if self._bound:
            self._socket_path.unlink(missing_ok=True)

    def _bind_socket(self) -> None:
        sockets.check_socket(self._socket_path)
        with sockets.private_files():
            self._server.add_insecure_port(f"unix:{self._socket_path}")
        self._bound = True

    def _bind_port(self) -> int:
        host, port = self._settings.host, self._settings.port
        if port:
            sockets.check_port(host, port)
        credentials = grpc.dynamic_ssl_server_credentials(self._shown.take(), self._shown.take_new)  # type: ignore[arg-type]  # None says that nothing is new; the stubs forget it
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            return self._server.add_secure_port(address, credentials)
        except RuntimeError as err:
            raise sockets.translate(host, port, err) from err
