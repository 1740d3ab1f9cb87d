"""Links over QUIC: one small endpoint for both roles, on aioquic's sans-IO connection.

Against aioquic's own asyncio layer: one socket for dialled and accepted connections (and gossip), the
transmit step once per burst of datagrams instead of once per datagram, segmented sends, and no pacer on a
LAN. Channel 0 is stream 0; every other channel is a one-way stream that is opened at its first write.
"""

from __future__ import annotations

import asyncio
import logging
from ipaddress import ip_address

from aioquic.buffer import Buffer  # type: ignore[attr-defined]  # its public name, not marked as exported
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicPacketType, encode_quic_version_negotiation, pull_quic_header

from transport.errors import LinkFailed, PeerRefused
from transport.faults import EndReason
from transport.links import congestion as _congestion  # noqa: F401 - registers the controller named in tls.py
from transport.links.contract import Acceptor, Address, Link, check_up
from transport.links.path_mtu import SMALLEST_BYTES, datagram_bytes_for
from transport.links.quic_hook import arm, check_version
from transport.links.quic_link import QuicLink
from transport.links.udp import UdpSocket, numbered
from transport.settings import Profile, Settings
from transport.tls import TlsState, quic_configuration

_CID_BYTES = 8
_PATIENCE_MAX = 4
_TIMER_FLOOR_S = 0.001  # uvloop rounds shorter timers to nothing, and the pacer then spins

log = logging.getLogger("transport")


class QuicCarrier:
    """Accepts and dials QUIC connections on a socket that gossip uses as well.

    Args:
        state: Credentials.
        settings: Bounds, delays, profile.
        acceptor: Is told of links that others dial.

    Raises:
        UnsupportedQuic: Another aioquic is installed than the hook was checked with.
    """

    kind = "quic"

    def __init__(self, state: TlsState, settings: Settings, acceptor: Acceptor) -> None:
        check_version()
        # aioquic's own lines repeat what is said here by `log`, without the peer's name
        logging.getLogger("quic").setLevel(logging.ERROR)
        self.settings = settings
        self._state = state
        self._acceptor = acceptor
        self._loop = asyncio.get_running_loop()
        self._routes: dict[bytes, QuicLink] = {}
        self._links: set[QuicLink] = set()
        self._handshakes = 0
        self._dirty: list[QuicLink] = []
        self._flush_due = False
        self._socket: UdpSocket | None = None
        self.stray_datagrams = 0

    def attach(self, socket: UdpSocket) -> None:
        """Use this socket; it is closed by whoever opened it."""
        self._socket = socket

    async def dial(self, node_id: str, address: Address) -> Link:
        """Make a link; see `Carrier`."""
        remote = await self._resolve(address)
        size = datagram_bytes_for(self.settings, remote)
        link, proved = self._connect(node_id, remote, size)
        try:
            if size > SMALLEST_BYTES and not await self._is_heard(link, proved):
                link.abandon()  # perhaps the path is narrower than its first step
                link, proved = self._connect(node_id, remote, SMALLEST_BYTES)
            return check_up(await proved)
        except asyncio.CancelledError:
            link.close(EndReason.CLOSING)
            raise

    def use(self, state: TlsState) -> None:
        """Use other credentials for links from now on."""
        self._state = state

    async def close(self) -> None:
        """Cut every link; farewells have left already, QUIC sends them at once."""
        for link in list(self._links):
            link.abort(EndReason.CLOSING)

    # what the socket calls

    def handle_datagram(self, data: bytes, source: Address) -> None:
        """Take one datagram that is not gossip."""
        is_long = data[0] & 0x80
        if len(data) < 2 * _CID_BYTES:
            self.stray_datagrams += 1
            return
        connection_id = data[6 : 6 + data[5]] if is_long else data[1 : 1 + _CID_BYTES]
        link = self._routes.get(connection_id)
        if link is None and is_long:
            link = self._accept(data, source)
        if link is None:
            self.stray_datagrams += 1
            return
        try:
            link.receive(data, source, self._loop.time())
        except Exception:  # a bug in aioquic or here must cost one link, not the socket of all
            log.exception("a datagram from %s:%d could not be handled", *source)
            link.abort(EndReason.INTERNAL)
            return
        if not link.dirty:
            link.dirty = True
            self._dirty.append(link)

    def flush(self) -> None:
        """Transmit for every connection that has something to say."""
        self._flush_due = False
        dirty, self._dirty = self._dirty, []
        for link in dirty:
            link.dirty = False
            self.transmit(link)

    # what links call

    def send_soon(self, link: QuicLink) -> None:
        """Transmit once this turn of the loop is over."""
        if not link.dirty:
            link.dirty = True
            self._dirty.append(link)
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self.flush)

    def transmit(self, link: QuicLink) -> None:
        """Send what a connection wants sent, and set its timer."""
        if link not in self._links or self._socket is None:
            return
        now = self._loop.time()
        self._socket.send_many(link.connection.datagrams_to_send(now))
        self._arm_timer(link, now)

    def route(self, connection_id: bytes, link: QuicLink) -> None:
        """Send datagrams with this id to this link."""
        self._routes[connection_id] = link
        link.ids.add(connection_id)

    def unroute(self, connection_id: bytes, link: QuicLink) -> None:
        """Do not any longer."""
        self._routes.pop(connection_id, None)
        link.ids.discard(connection_id)

    def forget(self, link: QuicLink) -> None:
        """Drop a connection: its routes, its timer, its turn."""
        self._links.discard(link)
        for connection_id in link.ids:
            self._routes.pop(connection_id, None)
        link.ids.clear()
        if link.timer is not None:
            link.timer.cancel()
            link.timer = None

    def handle_proved(self, link: QuicLink) -> None:
        """Hand a link to who waits for it."""
        if link.accepted:
            self._handshakes -= 1
            self._acceptor.handle_accepted(link)
        elif link.proved is not None and not link.proved.done():
            link.proved.set_result(link)

    def handle_failed(self, link: QuicLink, error: PeerRefused | LinkFailed) -> None:
        """Report a handshake that came to nothing."""
        if link.accepted:
            self._handshakes -= 1
            self._acceptor.handle_refused(link.remote, error)
        elif link.proved is not None and not link.proved.done():
            link.proved.set_exception(error)

    # inside

    def _connect(
        self, node_id: str, remote: Address, datagram_bytes: int
    ) -> tuple[QuicLink, asyncio.Future[Link]]:
        configuration = quic_configuration(self._state, self.settings, datagram_bytes, expected=node_id)
        connection = QuicConnection(configuration=configuration)
        link = self._adopt(connection, remote, node_id)
        link.proved = self._loop.create_future()
        connection.connect(remote, now=self._loop.time())
        self.transmit(link)
        return link, link.proved

    async def _is_heard(self, link: QuicLink, proved: asyncio.Future[Link]) -> bool:
        """Wait for a first answer; half the time that QUIC has before TCP is tried as well."""
        patience_s = self.settings.race_delay_s / 2
        for _ in range(_PATIENCE_MAX):
            until = self._loop.time() + patience_s
            await asyncio.wait({proved}, timeout=patience_s)
            if link.heard or link.closed:
                return True
            if self._loop.time() - until < patience_s / 4:  # else it is we who were late
                return False
        return False

    def _accept(self, data: bytes, source: Address) -> QuicLink | None:
        try:
            header = pull_quic_header(Buffer(data=data), host_cid_length=_CID_BYTES)
        except ValueError:
            return None
        # the dialler has padded its first datagram to what it takes the path for
        size = min(len(data), datagram_bytes_for(self.settings, source))
        configuration = quic_configuration(
            self._state, self.settings, max(size, SMALLEST_BYTES), expected=None
        )
        if header.version is not None and header.version not in configuration.supported_versions:
            self._negotiate_version(
                header.source_cid, header.destination_cid, configuration.supported_versions, source
            )
            return None
        if header.packet_type != QuicPacketType.INITIAL or len(data) < SMALLEST_BYTES:
            return None
        if self._handshakes >= self.settings.handshakes_max:
            return None
        connection = QuicConnection(
            configuration=configuration, original_destination_connection_id=header.destination_cid
        )
        link = self._adopt(connection, source, None)
        self.route(header.destination_cid, link)
        self._handshakes += 1
        self._loop.call_later(self.settings.handshake_timeout_s, self._check_time, link)
        return link

    def _negotiate_version(self, source_cid: bytes, cid: bytes, versions: list[int], source: Address) -> None:
        if self._socket is not None:
            answer = encode_quic_version_negotiation(
                source_cid=cid, destination_cid=source_cid, supported_versions=versions
            )
            self._socket.send(answer, source)

    def _adopt(self, connection: QuicConnection, remote: Address, expected: str | None) -> QuicLink:
        paced = self.settings.profile is Profile.WAN
        verdict = arm(connection, self._state.trust, expected, paced=paced)
        link = QuicLink(self, connection, remote, verdict)
        self._links.add(link)
        self.route(connection.host_cid, link)
        return link

    def _check_time(self, link: QuicLink) -> None:
        if not link.is_proved and not link.closed:
            link.abort(EndReason.TIMEOUT, "its handshake took too long")

    def _arm_timer(self, link: QuicLink, now: float) -> None:
        """Set the one timer of a connection.

        It is only ever moved forward, a later one is set when it fires.
        """
        at = link.connection.get_timer()
        if at is None:
            return
        at = max(at, now + _TIMER_FLOOR_S)
        if link.timer is not None:
            if at >= link.timer_at - _TIMER_FLOOR_S / 10:
                return
            link.timer.cancel()
        link.timer_at = at
        link.timer = self._loop.call_at(at, self._handle_timer, link)

    def _handle_timer(self, link: QuicLink) -> None:
        link.timer = None
        at, now = link.connection.get_timer(), self._loop.time()
        if at is not None and at <= now:
            link.connection.handle_timer(now=now)
            link.take_events()
        self.transmit(link)

    async def _resolve(self, address: Address) -> Address:
        try:
            if _is_ip(address[0]):
                return numbered(address)
            found = await self._loop.getaddrinfo(*address)
        except OSError as err:
            raise LinkFailed(EndReason.UNREACHABLE, err.strerror or str(err)) from err
        return (str(found[0][4][0]), address[1])


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
