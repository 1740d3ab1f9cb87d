"""One QUIC connection as a link: channels to streams, events to frames, and how it ended.

Channel 0 is stream 0; every other channel is a one-way stream that is opened at its first write.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from aioquic.quic import events
from aioquic.quic.connection import QuicConnection

from transport.decoder import FrameDecoder
from transport.errors import LinkFailed, PeerRefused
from transport.faults import EndReason, read_reason
from transport.identity import Identity
from transport.links.contract import CONTROL, NOBODY, Address, Link, Path, Receiver, deliver, end_once
from transport.links.quic_hook import Verdict, find_end, proved_identity, read_path
from transport.settings import Settings

_STREAMS_MAX = 32
_ALERTS = {
    0x12A: EndReason.UNKNOWN_AUTHORITY,
    0x12C: EndReason.REVOKED,
    0x12D: EndReason.EXPIRED,
    0x174: EndReason.NO_CERTIFICATE,
}


class Endpoint(Protocol):
    """Who owns the socket, the routes and the timers of connections."""

    settings: Settings

    def send_soon(self, link: QuicLink) -> None:
        """Transmit once this turn of the loop is over."""
        ...

    def transmit(self, link: QuicLink) -> None:
        """Send what a connection wants sent, now, and set its timer."""
        ...

    def route(self, connection_id: bytes, link: QuicLink) -> None:
        """Send datagrams with this id to this link."""
        ...

    def unroute(self, connection_id: bytes, link: QuicLink) -> None:
        """Do not any longer."""
        ...

    def forget(self, link: QuicLink) -> None:
        """Drop a connection: its routes, its timer, its turn."""
        ...

    def handle_proved(self, link: QuicLink) -> None:
        """Hand a link to who waits for it."""
        ...

    def handle_failed(self, link: QuicLink, error: PeerRefused | LinkFailed) -> None:
        """Report a handshake that came to nothing."""
        ...


class QuicLink:
    """One QUIC connection, from its first packet to its last; a `Link` once its peer is proved.

    Args:
        endpoint: Owns the socket.
        connection: aioquic's side of it.
        remote: Where the peer is.
        verdict: Fills while the handshake goes on.

    Attributes:
        proved: On the dialling side, what waits for the handshake.
        heard: Whether any datagram has come.
        ids: Connection ids that are routed here.
        dirty: Whether it waits for its turn to transmit.
        timer: The one timer that is set, for the instant `timer_at`.
    """

    kind = "quic"
    identity: Identity

    def __init__(
        self, endpoint: Endpoint, connection: QuicConnection, remote: Address, verdict: Verdict
    ) -> None:
        self.receiver: Receiver = NOBODY
        self.remote = remote
        self.bytes_in = self.bytes_out = 0
        self.closed = False
        self.ended: tuple[EndReason, str] | None = None
        self.proved: asyncio.Future[Link] | None = None
        self.is_proved = False
        self.heard = False
        self.connection = connection
        self.ids: set[bytes] = set()
        self.dirty = False
        self.timer: asyncio.TimerHandle | None = None
        self.timer_at = 0.0
        self._endpoint = endpoint
        self._verdict = verdict
        self._decoders: dict[int, FrameDecoder] = {}
        self._streams: dict[int, int] = {CONTROL: 0}

    @property
    def accepted(self) -> bool:
        """Say whether the peer dialled."""
        return self._verdict.expected is None

    # what a Link does

    def write(self, channel: int, data: bytes) -> None:
        """Send whole frames; what is written in one turn of the loop leaves together."""
        if self.closed:
            return
        self.bytes_out += len(data)
        stream = self._streams.get(channel)
        if stream is None:
            stream = self.connection.get_next_available_stream_id(is_unidirectional=True)
            self._streams[channel] = stream
        self.connection.send_stream_data(stream, data)
        self._endpoint.send_soon(self)

    def close(self, reason: EndReason, detail: str = "") -> None:
        """End the link; QUIC's own close carries the reason."""
        if self.closed:
            return
        self._endpoint.transmit(self)  # aioquic sends nothing but the close after it
        phrase = f"{reason.value}: {detail[:200]}" if detail else reason.value
        self.connection.close(reason_phrase=phrase)
        self._endpoint.transmit(self)
        self._finish(LinkFailed(reason, detail))

    def path(self) -> Path:
        """Return what QUIC's recovery has measured."""
        return read_path(self.connection)

    def abort(self, reason: EndReason = EndReason.LOST, detail: str = "") -> None:
        """End the link without a word."""
        self._endpoint.forget(self)
        self._finish(LinkFailed(reason, detail))

    def abandon(self) -> None:
        """Give up a handshake that nobody has answered, in silence: another is begun in its place."""
        self.closed = True
        if self.proved is not None:
            self.proved.cancel()
        self.connection.close(reason_phrase=EndReason.CLOSING.value)
        self._endpoint.transmit(self)

    def hang_up(self, reason: EndReason, detail: str) -> None:
        """End the link because the other side has said farewell."""
        self.close(reason, detail)

    # what the carrier calls

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """Take a datagram."""
        self.heard = True
        self.connection.receive_datagram(data, source, now)
        self.take_events()

    def take_events(self) -> None:
        """Act on what the connection has to say, then on how it is about to end."""
        event = self.connection.next_event()
        while event is not None:
            self._handle(event)
            event = self.connection.next_event()
        if self.closed:
            return
        if self._verdict.refusal is not None:
            self._finish(self._verdict.refusal)
        elif (end := find_end(self.connection)) is not None:
            self._finish(explain(end))

    # inside

    def _handle(self, event: events.QuicEvent) -> None:
        match event:
            case events.StreamDataReceived(stream_id=stream, data=data, end_stream=ended):
                self._read(stream, data, ended=ended)
            case events.ConnectionIdIssued(connection_id=connection_id):
                self._endpoint.route(connection_id, self)
            case events.ConnectionIdRetired(connection_id=connection_id):
                self._endpoint.unroute(connection_id, self)
            case events.HandshakeCompleted():
                self._prove()
            case events.StreamReset() | events.StopSendingReceived():
                self.close(EndReason.PROTOCOL, "a stream was reset")
            case events.ConnectionTerminated():
                self._endpoint.forget(self)
                self._finish(explain(event))
            case _:
                pass

    def _read(self, stream: int, data: bytes, *, ended: bool) -> None:
        if self.closed or not self.is_proved:
            return
        decoder = self._decoders.get(stream)
        if decoder is None:
            if len(self._decoders) >= _STREAMS_MAX or (stream & 2 == 0 and stream != 0):
                self.close(EndReason.PROTOCOL, "a stream that the mesh does not use")
                return
            decoder = self._decoders[stream] = FrameDecoder(self._endpoint.settings.frame_bytes_max)
        deliver(self, decoder, data)
        if ended:
            self.close(EndReason.PROTOCOL, "a stream was ended")

    def _prove(self) -> None:
        try:
            self.identity = proved_identity(self.connection, self._verdict)
        except PeerRefused as err:
            self.connection.close(reason_phrase=err.reason.value)
            self._endpoint.transmit(self)
            self._finish(err)
            return
        self.is_proved = True
        self._endpoint.handle_proved(self)

    def _finish(self, error: PeerRefused | LinkFailed) -> None:
        if self.is_proved:
            end_once(self, error.reason, error.detail)
        elif not self.closed:
            self.closed = True
            self._endpoint.handle_failed(self, error)


def explain(end: events.ConnectionTerminated) -> PeerRefused | LinkFailed:
    """Translate how a connection ended, as the peer or the clock has it."""
    word, _, detail = end.reason_phrase.partition(": ")
    reason = read_reason(word)
    if 0x100 <= end.error_code <= 0x1FF:  # an alert of TLS
        if reason is EndReason.LOST:
            reason = _ALERTS.get(end.error_code, EndReason.CERTIFICATE_REFUSED)
        return PeerRefused(reason, by_peer=True)
    if end.reason_phrase == "Idle timeout":
        return LinkFailed(EndReason.SILENT)
    if reason is EndReason.LOST:
        return LinkFailed(EndReason.LOST, end.reason_phrase)
    return LinkFailed(reason, detail)
