"""Listens: HTTPS on a port, and plain HTTP on a Unix socket for the user that runs the node.

Of uvicorn this takes the protocols, not the server: the node has a loop, signals and logs of its own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from caxton_node.api.grpc import sockets
from caxton_node.api.rest.app import RestApp
from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.protocol import HttpProtocol
from caxton_node.api.rest.settings import Settings, Shown
from caxton_node.api.rest.tls import Tls, names_of
from caxton_node.api.rest.websocket_protocol import FRAME_BYTES_MAX, WebSocketProtocol

GRACE_S = 2.0
BACKLOG = 512
HANDSHAKE_WITHIN_S = 10.0


class RestServer:
    """Serves the operations over HTTP.

    Args:
        backend: What to serve.
        shown: Key and certificates of the port.
    """

    def __init__(self, backend: Backend, shown: Shown) -> None:
        self.app = RestApp(backend)
        self._backend = backend
        self._settings = backend.settings
        self.app.names = self._names(shown)
        self._tls = Tls(shown)
        self._state = ServerState()
        self._config = _config(self.app, self._settings)
        self._servers: list[asyncio.Server] = []
        self._sockets: list[Path] = []

    async def open(self) -> int:
        """Listen and serve.

        Returns:
            The TLS port; 0 when only the socket is open.

        Raises:
            PortInUse: Another process has the port, or another node runs on this data directory.
            InvalidConfig: The address or path cannot be used.
        """
        await self._open_socket(self._settings.socket_path.absolute())
        if (shared := self._settings.shared_socket_path) is not None:
            shared.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            await self._open_socket(shared)
            shared.chmod(0o666)  # whoever opens it is known by the kernel's word
        try:
            return await self._open_port() if self._settings.host else 0
        except BaseException:
            await self.close()  # whoever opens in vain has nothing to close
            raise

    def use_certificate(self, shown: Shown) -> None:
        """Show another certificate to connections that begin from now on; those that are open go on."""
        self._tls.replace(shown)
        self.app.names = self._names(shown)

    async def close(self) -> None:
        """Take no new requests, give those under way a moment, and close."""
        for server in self._servers:
            server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await asyncio.gather(*self._state.tasks, return_exceptions=True)
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.app.close()
        for connection in list(self._state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        for path in self._sockets:
            path.unlink(missing_ok=True)

    def _names(self, shown: Shown) -> frozenset[str]:
        return frozenset(self._settings.names) | names_of(shown.chain_pem)

    async def _open_socket(self, path: Path) -> None:
        sockets.check_socket(path)
        with sockets.private_files():
            plug = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            plug.bind(str(path))
        self._sockets.append(path)
        loop = asyncio.get_running_loop()
        self._servers.append(await loop.create_unix_server(self._protocol, sock=plug, backlog=BACKLOG))

    async def _open_port(self) -> int:
        host, port = self._settings.host, self._settings.port
        if port:
            sockets.check_port(host, port, "rest")
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                self._protocol,
                host,
                port,
                ssl=self._tls.context,
                ssl_handshake_timeout=HANDSHAKE_WITHIN_S,
                backlog=BACKLOG,
            )
        except OSError as err:
            raise sockets.translate(host, port, err, "rest") from err
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _protocol(self) -> HttpProtocol:
        return HttpProtocol(self._config, self._state, settings=self._settings, node_id=self._backend.node_id)


def _config(app: RestApp, settings: Settings) -> Config:
    for name in ("uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)  # what is worth a line, the node says itself
        logger.propagate, logger.disabled = False, True
    config = Config(
        app,
        http="httptools",
        ws=cast("Any", partial(WebSocketProtocol, write_within_s=settings.write_within_s)),
        ws_max_size=FRAME_BYTES_MAX,
        ws_per_message_deflate=False,  # a small frame could otherwise unpack to any size
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=int(settings.idle_s),
    )
    config.load()
    return config
