"""Links over TCP: listens for them and dials them.

The fallback where UDP does not pass, and several times faster than QUIC in Python on a clean path.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import cast

from transport.errors import LinkFailed, PeerRefused
from transport.faults import EndReason
from transport.links.contract import Acceptor, Address, Link, check_up
from transport.links.tcp_link import TcpLink
from transport.settings import Settings
from transport.tls import TlsState

_CLOSE_GRACE_S = 0.2
_BACKLOG = 128


class _Dial:
    """The owner of a link that we dial: turns what happens into a future."""

    def __init__(self, carrier: TcpCarrier) -> None:
        self._carrier = carrier
        self.proved: asyncio.Future[TcpLink] = asyncio.get_running_loop().create_future()

    def handle_proved(self, link: TcpLink) -> None:
        if not self.proved.done():
            self.proved.set_result(link)

    def handle_failed(self, link: TcpLink, error: PeerRefused | LinkFailed) -> None:  # noqa: ARG002 - one link
        if not self.proved.done():
            self.proved.set_exception(error)

    def handle_gone(self, link: TcpLink) -> None:
        self._carrier.handle_gone(link)


class TcpCarrier:
    """Listens for links over TCP and dials them.

    Args:
        state: Credentials.
        settings: Bounds and delays.
        acceptor: Is told of links that others dial.
    """

    kind = "tcp"

    def __init__(self, state: TlsState, settings: Settings, acceptor: Acceptor) -> None:
        self._state = state
        self._settings = settings
        self._acceptor = acceptor
        self._server: asyncio.Server | None = None
        self._links: set[TcpLink] = set()
        self._handshakes = 0
        self._all_gone: asyncio.Event | None = None

    async def listen(self, listening: socket.socket) -> None:
        """Accept links on a bound socket; it belongs to this carrier from now on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, sock=listening, backlog=_BACKLOG)

    async def dial(self, node_id: str, address: Address) -> Link:
        """Make a link; see `Carrier`."""
        dial = _Dial(self)
        link = TcpLink(dial, self._state, self._settings, node_id)
        self._links.add(link)
        try:
            await asyncio.get_running_loop().create_connection(lambda: link, *address)
            return check_up(await dial.proved)
        except OSError as err:
            self._links.discard(link)
            raise LinkFailed(EndReason.UNREACHABLE, err.strerror or str(err)) from err
        except asyncio.CancelledError:
            self._links.discard(link)
            dial.proved.cancel()
            link.abort()
            raise

    def use(self, state: TlsState) -> None:
        """Use other credentials for links from now on."""
        self._state = state

    async def close(self) -> None:
        """Stop listening, wait a moment for farewells to be read, cut what is left."""
        if self._server is not None:
            self._server.close()
        self._all_gone = asyncio.Event()
        if self._links:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_GRACE_S):
                    await self._all_gone.wait()
        for link in list(self._links):
            link.abort(EndReason.CLOSING)
        await asyncio.sleep(0)  # lets the transports report their end, or they would complain of it later

    # what accepted links tell

    def handle_proved(self, link: TcpLink) -> None:
        """Hand an accepted link on."""
        self._handshakes -= 1
        self._acceptor.handle_accepted(link)

    def handle_failed(self, link: TcpLink, error: PeerRefused | LinkFailed) -> None:
        """Hand on why an accepted connection came to nothing, unless it never said a word."""
        self._handshakes -= 1
        if link.heard:
            self._acceptor.handle_refused(link.remote, error)

    def handle_gone(self, link: TcpLink) -> None:
        """Forget a link whose socket is closed."""
        self._links.discard(link)
        if not self._links and self._all_gone is not None:
            self._all_gone.set()

    def _accept(self) -> asyncio.Protocol:
        if self._handshakes >= self._settings.handshakes_max:
            return _TurnAway()
        self._handshakes += 1
        link = TcpLink(self, self._state, self._settings, None)
        self._links.add(link)
        asyncio.get_running_loop().call_later(self._settings.handshake_timeout_s, self._check_time, link)
        return link

    def _check_time(self, link: TcpLink) -> None:
        if not link.proved:
            link.abort(EndReason.TIMEOUT, "its handshake took too long")


class _TurnAway(asyncio.Protocol):
    """Closes a connection at once: too many strangers are in their handshake already."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).abort()
