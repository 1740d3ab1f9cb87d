"""Links inside one process, for tests: the contract of the real ones without sockets.

Certificates are real and judged like everywhere else; only the bytes take a short way.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from cryptography import x509

from transport.decoder import FrameDecoder
from transport.errors import LinkFailed, PeerRefused
from transport.faults import EndReason
from transport.identity import Identity, judge
from transport.links.contract import NOBODY, Acceptor, Address, Link, Path, Receiver, deliver, end_once
from transport.links.sockets import OnGossip, Opener, OpenPort
from transport.settings import Settings
from transport.tls import TlsState

_HOST = "memory"  # what stands for a host in addresses


class MemoryLink:
    """One end of a link; the other end is another of these."""

    kind = "memory"

    def __init__(
        self, network: MemoryNetwork, settings: Settings, identity: Identity, remote: Address
    ) -> None:
        self.receiver: Receiver = NOBODY
        self.identity = identity
        self.remote = remote
        self.bytes_in = self.bytes_out = 0
        self.closed = False
        self.ended: tuple[EndReason, str] | None = None
        self.other: MemoryLink | None = None
        self._cut = False
        self._network = network
        self.decoder = FrameDecoder(settings.frame_bytes_max)
        self._loop = asyncio.get_running_loop()

    def write(self, channel: int, data: bytes) -> None:  # noqa: ARG002 - all channels share the one order
        """Send whole frames; they arrive in the next turn of the loop."""
        if not self.closed:
            self.bytes_out += len(data)
            self._loop.call_soon(self._arrive, data)

    def close(self, reason: EndReason, detail: str = "") -> None:
        """End the link and tell the other side."""
        if not self.closed and self.other is not None:
            self._loop.call_soon(self.other.hang_up, reason, detail)
        self._finish(reason, detail)

    def path(self) -> Path:
        """Return nothing: there is no path."""
        return Path(None, 0, 0)

    def abort(self, reason: EndReason = EndReason.LOST, detail: str = "") -> None:
        """Cut the link with what is on its way; the other side finds out, as when a process dies nearby."""
        self._cut = True
        if not self.closed and self.other is not None:
            self._loop.call_soon(self.other.hang_up, EndReason.LOST, "")
        self._finish(reason, detail)

    def hang_up(self, reason: EndReason, detail: str) -> None:
        """End the link because the other side has."""
        self._finish(reason, detail)

    def _arrive(self, data: bytes) -> None:
        other = self.other
        if other is not None and not other.closed and not self._cut:
            deliver(other, other.decoder, data)

    def _finish(self, reason: EndReason, detail: str) -> None:
        self._network.links.discard(self)
        end_once(self, reason, detail)


class MemoryNetwork:
    """Where carriers find each other by port number."""

    def __init__(self) -> None:
        self.carriers: dict[int, MemoryCarrier] = {}
        self.links: set[MemoryLink] = set()

    def cut_all(self) -> None:
        """Cut every link there is."""
        for link in list(self.links):
            link.abort()


class MemoryCarrier:
    """Accepts and dials links inside one process."""

    kind = "memory"

    def __init__(
        self,
        network: MemoryNetwork,
        state: TlsState,
        settings: Settings,
        acceptor: Acceptor,
        on_gossip: OnGossip,
    ) -> None:
        self.port = max(network.carriers, default=0) + 1
        self.on_gossip = on_gossip
        self.state = state
        self._network = network
        self.settings = settings
        self.acceptor = acceptor
        network.carriers[self.port] = self

    async def dial(self, node_id: str, address: Address) -> Link:
        """Make a link; see `Carrier`."""
        await asyncio.sleep(0)
        target = self._network.carriers.get(address[1])
        if target is None:
            raise LinkFailed(EndReason.UNREACHABLE)
        try:
            theirs = self._judge(self.state, target.state, peer_dialled=False, expected=node_id)
        except PeerRefused as err:
            refused = PeerRefused(err.reason, err.detail, by_peer=True)
            target.acceptor.handle_refused((_HOST, self.port), refused)
            raise
        try:
            ours = self._judge(target.state, self.state, peer_dialled=True, expected=None)
        except PeerRefused as err:
            target.acceptor.handle_refused((_HOST, self.port), err)
            raise PeerRefused(err.reason, by_peer=True) from err
        near = MemoryLink(self._network, self.settings, theirs, (_HOST, target.port))
        far = MemoryLink(self._network, target.settings, ours, (_HOST, self.port))
        near.other, far.other = far, near
        self._network.links |= {near, far}
        target.acceptor.handle_accepted(far)
        return near

    def use(self, state: TlsState) -> None:
        """Use other credentials for links from now on."""
        self.state = state

    def send_gossip(self, data: bytes, address: Address) -> None:
        """Send a datagram to another carrier, or to nobody."""
        target = self._network.carriers.get(address[1])
        if target is not None:
            asyncio.get_running_loop().call_soon(target.on_gossip, data, (_HOST, self.port))

    async def close(self) -> None:
        """Leave the network; links go with it."""
        self._network.carriers.pop(self.port, None)
        await asyncio.sleep(0)

    @staticmethod
    def _judge(judging: TlsState, shown: TlsState, *, peer_dialled: bool, expected: str | None) -> Identity:
        if not shown.credentials.certificate_pem:
            raise PeerRefused(EndReason.NO_CERTIFICATE)
        certificate = x509.load_pem_x509_certificate(shown.credentials.certificate_pem)
        return judge(
            certificate, judging.trust, datetime.now(UTC), peer_dialled=peer_dialled, expected=expected
        )


def opener(network: MemoryNetwork) -> Opener:
    """Return what a `Mesh` needs to open its port inside this network."""

    async def open_memory(
        state: TlsState, settings: Settings, acceptor: Acceptor, on_gossip: OnGossip, *, host: str, port: int
    ) -> OpenPort:
        assert host == _HOST
        assert port == 0
        carrier = MemoryCarrier(network, state, settings, acceptor, on_gossip)
        return OpenPort(
            port=carrier.port,
            carriers={"memory": carrier},
            send_gossip=carrier.send_gossip,
            count_lost=lambda: (0, 0),
            close=lambda: None,
        )

    return open_memory
