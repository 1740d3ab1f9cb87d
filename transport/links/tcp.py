"""Links over TCP: TLS 1.3 with certificates on both sides, all channels on one stream.

The fallback where UDP does not pass, and seven times faster than QUIC in Python on a clean path.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from datetime import UTC, datetime
from typing import Protocol, cast

from transport.decoder import FrameDecoder
from transport.errors import LinkFailed, PeerRefused
from transport.faults import EndReason
from transport.identity import Identity, dns_name, judge
from transport.links.contract import NOBODY, Acceptor, Address, Link, Receiver, deliver, end_once
from transport.links.tls_pipe import TlsPipe
from transport.messages import encode_farewell
from transport.settings import MIB, Settings
from transport.tls import TlsState

_LINGER_S = 1.0
_CLOSE_GRACE_S = 0.2
_WRITE_BUFFER_MAX = 32 * MIB
_BACKLOG = 128


class _Owner(Protocol):
    """Who made a link and learns how its handshake went."""

    def handle_proved(self, link: TcpLink) -> None: ...

    def handle_failed(self, link: TcpLink, error: PeerRefused | LinkFailed) -> None: ...

    def handle_gone(self, link: TcpLink) -> None: ...


class TcpLink(asyncio.Protocol):
    """One TCP connection, from its first byte to its last; a `Link` once its peer is proved.

    Args:
        owner: Learns how the handshake went and when the socket is gone.
        state: Credentials and contexts.
        settings: Bounds.
        expected: The node that is dialled; None when the connection was accepted.
    """

    kind = "tcp"
    identity: Identity

    def __init__(self, owner: _Owner, state: TlsState, settings: Settings, expected: str | None) -> None:
        self.receiver: Receiver = NOBODY
        self.remote: Address = ("", 0)
        self.bytes_in = self.bytes_out = 0
        self.closed = False
        self.proved = False
        self.heard = False
        self._owner = owner
        self._trust = state.trust
        self._expected = expected
        self._pipe = (
            TlsPipe(state.server, None) if expected is None else TlsPipe(state.client, dns_name(expected))
        )
        self._decoder = FrameDecoder(settings.frame_bytes_max)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._pending: list[bytes] = []

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without inheriting from it
        peer = transport.get_extra_info("peername") or ("", 0)  # None when it is gone already
        self.remote = (peer[0], peer[1])
        self._transport.set_write_buffer_limits(_WRITE_BUFFER_MAX)
        self._shake_hands()

    def data_received(self, data: bytes) -> None:
        """Go on with the handshake, or take frames."""
        if self.closed:
            return
        self.heard = True
        self._pipe.put_ciphertext(data)
        if not self._pipe.established:
            self._shake_hands()
        if self.proved:
            self._read()

    def eof_received(self) -> bool:
        """Note that the other side has nothing more to say; returning False closes the socket."""
        self._finish(EndReason.LOST, "the peer closed the connection")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end of the socket."""
        self._transport = None
        self._finish(EndReason.LOST, str(exc) if exc else "")
        self._owner.handle_gone(self)

    def pause_writing(self) -> None:
        """Give up a peer that reads nothing.

        Credits bound batches and bulk, so something is wrong with it.
        """
        self.abort(EndReason.OVERLOADED, "the peer does not read")

    # what a Link does

    def write(self, channel: int, data: bytes) -> None:  # noqa: ARG002 - all channels share the one stream
        """Send whole frames; what is written in one turn of the loop leaves in one piece."""
        if self.closed:
            return
        self.bytes_out += len(data)
        if not self._pending:
            self._loop.call_soon(self._flush)
        self._pending.append(data)

    def close(self, reason: EndReason, detail: str = "") -> None:
        """End the link; the farewell goes last."""
        if self.closed:
            return
        self._pending.append(encode_farewell(reason, detail))
        self._flush()
        self._linger()
        self._finish(reason, detail)

    def abort(self, reason: EndReason = EndReason.LOST, detail: str = "") -> None:
        """End the link without a word."""
        if self._transport is not None:
            self._transport.abort()
        self._finish(reason, detail)

    def hang_up(self, reason: EndReason, detail: str) -> None:
        """End the link because the other side has said farewell."""
        if self._transport is not None:
            self._transport.close()
        self._finish(reason, detail)

    # inside

    def _shake_hands(self) -> None:
        try:
            complete = self._pipe.advance()
            if complete:
                self.identity = judge(
                    self._pipe.peer_certificate(),
                    self._trust,
                    datetime.now(UTC),
                    peer_dialled=self._expected is None,
                    expected=self._expected,
                )
        except (PeerRefused, LinkFailed) as err:
            self._give_up(err)
            return
        self._send_ciphertext()
        if complete:
            self.proved = True
            self._owner.handle_proved(self)

    def _give_up(self, error: PeerRefused | LinkFailed) -> None:
        """End a handshake, but let the peer have the alert, or our reason where TLS is up already."""
        self.closed = True
        if self._pipe.established:
            self._pipe.write(encode_farewell(error.reason, ""))
        self._send_ciphertext()
        self._linger()
        self._owner.handle_failed(self, error)

    def _read(self) -> None:
        while not self.closed:
            try:
                data = self._pipe.read()
            except (PeerRefused, LinkFailed) as err:
                self.abort(err.reason, err.detail)
                return
            if data is None:
                self.abort(EndReason.LOST, "the peer closed the connection")
            elif data:
                deliver(self, self._decoder, data)
            else:
                return

    def _flush(self) -> None:
        if self._pending and self._transport is not None:
            data, self._pending = b"".join(self._pending), []
            self._pipe.write(data)
            self._send_ciphertext()

    def _send_ciphertext(self) -> None:
        data = self._pipe.take_ciphertext()
        if data and self._transport is not None:
            self._transport.write(data)

    def _linger(self) -> None:
        """Close our half and wait for the other.

        Closing it all would reset the connection under our last words.
        """
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()
            self._loop.call_later(_LINGER_S, self._transport.abort)

    def _finish(self, reason: EndReason, detail: str) -> None:
        self._pending = []
        if self.proved:
            end_once(self, reason, detail)
        elif not self.closed:
            self.closed = True
            self._owner.handle_failed(self, LinkFailed(reason, detail))


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
            return await dial.proved
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
                await asyncio.wait_for(self._all_gone.wait(), _CLOSE_GRACE_S)
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
