"""Listens: HTTPS on a port, and plain HTTP on a Unix socket for the user that runs the node.

Of uvicorn this takes the protocols, not the server: the node has a loop, signals and logs of its own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from uvicorn.config import Config

from caxton_node.api.grpc import sockets
from caxton_node.api.rest.app import RestApp
from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.listener import Listener
from caxton_node.api.rest.protocol import HttpProtocol
from caxton_node.api.rest.settings import Settings, Shown
from caxton_node.api.rest.tls import Tls, names_of
from caxton_node.api.rest.websocket_protocol import FRAME_BYTES_MAX, WebSocketProtocol

GRACE_S = 2.0


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
        self._config = _config(self.app, self._settings)
        self._listeners: list[Listener] = []
        self._sockets: list[Path] = []

    async def open(self) -> int:
        """Listen and serve.

        Returns:
            The TLS port; 0 when only the socket is open.

        Raises:
            PortInUse: Another process has the port, or another node runs on this data directory.
            InvalidConfig: The address or path cannot be used.
        """
        self._open_socket(self._settings.socket_path.absolute())
        if (shared := self._settings.shared_socket_path) is not None:
            self._open_socket(shared, folder_mode=0o755)
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
        for listener in self._listeners:
            listener.close()
        for connection in self._connections():
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await asyncio.gather(*self._tasks(), return_exceptions=True)
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.app.close()
        for connection in self._connections():
            if connection.transport is not None:
                connection.transport.abort()
        for path in self._sockets:
            path.unlink(missing_ok=True)

    def _connections(self) -> list[Any]:
        return [each for listener in self._listeners for each in listener.state.connections]

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [each for listener in self._listeners for each in listener.state.tasks]

    def _names(self, shown: Shown) -> frozenset[str]:
        return frozenset(self._settings.names) | names_of(shown.chain_pem)

    def _open_socket(self, path: Path, folder_mode: int = 0o700) -> None:
        sockets.check_socket(path, folder_mode)
        with sockets.private_files():
            plug = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            plug.bind(str(path))
        self._sockets.append(path)
        self._listen(plug, None)

    async def _open_port(self) -> int:
        host, port = self._settings.host, self._settings.port
        if port:
            sockets.check_port(host, port, "rest")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            for family, _, _, _, address in dict.fromkeys(found):
                plug = socket.create_server((address[0], port), family=family)
                port = self._listen(plug, self._tls.context).port
        except OSError as err:
            raise sockets.translate(host, port, err, "rest") from err
        return port

    def _listen(self, plug: socket.socket, tls: ssl.SSLContext | None) -> Listener:
        listener = Listener(plug, self._protocol, self._settings, tls)
        self._listeners.append(listener)
        listener.open()
        return listener

    def _protocol(self, listener: Listener) -> HttpProtocol:
        return HttpProtocol(self._config, listener, settings=self._settings, node_id=self._backend.node_id)


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
