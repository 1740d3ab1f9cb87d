"""One TCP connection as a link: all channels on one TLS 1.3 stream, and how it ended."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol, cast

from transport.decoder import FrameDecoder
from transport.errors import LinkFailed, PeerRefused
from transport.faults import EndReason
from transport.identity import Identity, dns_name, judge
from transport.links import tcp_congestion
from transport.links.contract import NOBODY, Address, Path, Receiver, deliver, end_once
from transport.links.tcp_info import read_path
from transport.links.tls_pipe import TlsPipe
from transport.messages import encode_farewell
from transport.settings import MIB, Profile, Settings
from transport.tls import TlsState

_LINGER_S = 1.0
_WRITE_BUFFER_MAX = 32 * MIB


class LinkOwner(Protocol):
    """Who made a link and learns how its handshake went."""

    def handle_proved(self, link: TcpLink) -> None:
        """Take a link whose peer is proved."""
        ...

    def handle_failed(self, link: TcpLink, error: PeerRefused | LinkFailed) -> None:
        """Learn why a handshake came to nothing."""
        ...

    def handle_gone(self, link: TcpLink) -> None:
        """Forget a link whose socket is closed."""
        ...


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

    def __init__(self, owner: LinkOwner, state: TlsState, settings: Settings, expected: str | None) -> None:
        self.receiver: Receiver = NOBODY
        self.remote: Address = ("", 0)
        self.bytes_in = self.bytes_out = 0
        self.closed = False
        self.ended: tuple[EndReason, str] | None = None
        self.proved = False
        self.heard = False
        self._owner = owner
        self._trust = state.trust
        self._profile = settings.profile
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
        if self._profile is Profile.LAN:
            tcp_congestion.prefer(transport.get_extra_info("socket"))
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

    def path(self) -> Path:
        """Return what the kernel has measured."""
        connected = self._transport.get_extra_info("socket") if self._transport is not None else None
        return read_path(connected) if connected is not None else Path(None, 0, 0)

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
