"""One port or Unix socket: takes connections while it has room, and counts those that still shake hands.

Each has room of its own, so that strangers on the port keep nobody from the socket. The loop's own servers
tell of a connection when TLS is through; a handshake that never ends would then cost a descriptor and be
counted nowhere.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from uvicorn.server import ServerState

from caxton_node.api.rest.bodies import Bodies
from caxton_node.api.rest.settings import Settings

BACKLOG: Final = 512
ACCEPTED_AT_ONCE: Final = 64
HANDSHAKE_WITHIN_S: Final = 10.0
AGAIN_AFTER_S: Final = 0.5
BODIES_MAX: Final = 4
"""So many of the longest bodies may be held at once, and half of them from one source."""

Protocol = Callable[["Listener"], asyncio.Protocol]


class Listener:
    """Accepts connections of one socket.

    Args:
        plug: The socket, bound.
        protocol: Makes what serves a connection.
        settings: How much is taken.
        tls: What to shake hands with; None for a Unix socket.

    Attributes:
        state: The open connections and what is done for them.
        bodies: What they hold of requests.
    """

    def __init__(
        self,
        plug: socket.socket,
        protocol: Protocol,
        settings: Settings,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.state = ServerState()
        most = settings.request_bytes_max
        self.bodies = Bodies(BODIES_MAX * most, BODIES_MAX * most // 2)
        self._plug = plug
        self._protocol = protocol
        self._connections_max = settings.connections_max
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._shaking: set[asyncio.Protocol] = set()
        self._welcomes: set[asyncio.Task[None]] = set()
        self._resting: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        """Return the port, when it has one."""
        return int(self._plug.getsockname()[1])

    @property
    def taken(self) -> int:
        """Return how many connections there are, those in the handshake too."""
        return len(self.state.connections) + len(self._shaking)

    def note_made(self, protocol: asyncio.Protocol) -> None:
        """Note that a connection is through its handshake, and among those of `state`."""
        self._shaking.discard(protocol)

    def open(self) -> None:
        """Begin to listen.

        Raises:
            OSError: Another process does.
        """
        self._plug.setblocking(False)
        self._plug.listen(BACKLOG)
        self._loop.add_reader(self._plug, self._accept)

    def close(self) -> None:
        """Take no new connections; those that are open go on. Repeating it changes nothing."""
        if self._plug.fileno() < 0:
            return
        if self._resting is not None:
            self._resting.cancel()
        self._loop.remove_reader(self._plug)
        self._plug.close()
        for welcome in self._welcomes:
            welcome.cancel()

    def _accept(self) -> None:
        self._resting = None
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                plug, _ = self._plug.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no descriptors are left: who waits, waits on
                self._rest()
                return
            if self.taken >= self._connections_max:
                plug.close()
                continue
            plug.setblocking(False)
            protocol = self._protocol(self)
            self._shaking.add(protocol)
            welcome = self._loop.create_task(self._welcome(plug, protocol), name="rest-welcome")
            self._welcomes.add(welcome)
            welcome.add_done_callback(self._welcomes.discard)

    def _rest(self) -> None:
        self._loop.remove_reader(self._plug)
        self._resting = self._loop.call_later(AGAIN_AFTER_S, self._loop.add_reader, self._plug, self._accept)

    async def _welcome(self, plug: socket.socket, protocol: asyncio.Protocol) -> None:
        """Shake hands."""
        try:
            with suppress(OSError, TimeoutError):  # the client's affair; `ssl.SSLError` is an OSError
                if self._tls is None:
                    await self._loop.connect_accepted_socket(lambda: protocol, plug)
                    return
                plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await self._loop.connect_accepted_socket(
                    lambda: protocol,
                    plug,
                    ssl=self._tls,
                    ssl_handshake_timeout=HANDSHAKE_WITHIN_S,
                )
        finally:
            self._shaking.discard(protocol)
