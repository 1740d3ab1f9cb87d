"""The gRPC server of a node: TLS on a port, and a Unix socket for the user that runs the node.

Health and reflection are the standard services, open to everybody: neither tells anything about agents.
"""

from __future__ import annotations

import os

# Read by gRPC when it is imported: its own diagnostics do not belong into the node's log, and children of the
# node are started without its fork hooks.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_NAME
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]  # the stubs leave it out
from grpc_reflection.v1alpha import reflection

from caxton_node.api.grpc import reflection_v1, sockets
from caxton_node.api.grpc.handler import OperationsHandler
from caxton_node.api.grpc.settings import Settings
from caxton_node.api.grpc.shown import Shown
from caxton_node.api.operations import PACKAGE, SERVICES
from caxton_node.api.pipeline import Pipeline
from caxton_node.core.addresses import host_port

GRACE_S = 2.0
NAMES = tuple(f"{PACKAGE}.{service}" for service in SERVICES)
REFLECTED = (*NAMES, HEALTH_NAME, reflection.SERVICE_NAME, reflection_v1.SERVICE_NAME)

__all__ = ["GrpcServer", "Settings"]


class GrpcServer:
    """Serves the operations. Keep a reference: gRPC stops listening when the object is collected.

    Args:
        pipeline: Runs the operations.
        node_id: This node, named in errors.
        settings: Where to listen.

    Attributes:
        certificate_port: Where clients must show a certificate; 0 when there is no such port.
    """

    def __init__(self, pipeline: Pipeline, node_id: str, settings: Settings) -> None:
        self.certificate_port = 0
        self._settings = settings
        self._socket_path = settings.socket_path.absolute()
        self._bound = False
        self._shown = Shown(settings.key_pem, settings.chain_pem, settings.ca_pem)
        self._health = health.HealthServicer()
        self._server = grpc.aio.server(options=settings.options())
        handler = OperationsHandler(pipeline, node_id, slow_reader_s=settings.slow_reader_s)
        self._server.add_generic_rpc_handlers((handler,))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(REFLECTED, self._server)
        self._server.add_generic_rpc_handlers((reflection_v1.make_handler(REFLECTED),))

    async def open(self) -> int:
        """Listen and serve.

        Returns:
            The TLS port; 0 when only the socket is open.

        Raises:
            PortInUse: Another process has the port, or another node runs on this data directory.
            InvalidConfig: The address or path cannot be used.
        """
        settings = self._settings
        self._bind_socket()
        port = self._bind_port(settings.port, asks_clients=False) if settings.host else 0
        if settings.host and settings.certificate_port is not None:
            self.certificate_port = self._bind_port(settings.certificate_port, asks_clients=True)
        await self._server.start()
        await self.show_ready(ready=True)
        return port

    async def show_ready(self, *, ready: bool) -> None:
        """Tell whoever asks the standard health service, for the node as a whole and for each service."""
        states = health_pb2.HealthCheckResponse
        for name in ("", *NAMES):
            await self._health.set(name, states.SERVING if ready else states.NOT_SERVING)

    def use_certificate(self, key_pem: bytes, chain_pem: bytes, ca_pem: bytes = b"") -> None:
        """Show another certificate to connections that begin from now on; those that are open go on."""
        self._shown.replace(key_pem, chain_pem, ca_pem)

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

    def _bind_port(self, port: int, *, asks_clients: bool) -> int:
        host = self._settings.host
        if port:
            sockets.check_port(host, port)
        address = host_port(host, port)
        try:
            return self._server.add_secure_port(
                address, self._shown.server_credentials(asks_clients=asks_clients)
            )
        except RuntimeError as err:
            raise sockets.translate(host, port, err) from err
