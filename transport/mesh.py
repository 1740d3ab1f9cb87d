"""The mesh: introduces port, dialer and connections to one another, and is what other packages hold.

Everything here is called on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime

from transport import tls
from transport.connections import Connections
from transport.credentials import Credentials
from transport.dialer import Dialer
from transport.errors import InvalidCredentials, MeshClosed, PeerUnknown
from transport.handler import Address, Handler
from transport.links.sockets import Opener, OpenPort, open_sockets
from transport.peer import Peer
from transport.settings import Settings
from transport.status import PeerStatus, Stats


class Mesh:
    """This node's end of the encrypted mesh.

    Args:
        credentials: Who this node is and whom it trusts.
        settings: Bounds and delays.
        handler: Takes what comes from peers.
        epoch: Boot counter of this node, higher than in any earlier life: peers then know that it remembers
            nothing.
        opener: Opens the port; the default opens sockets.

    Raises:
        InvalidCredentials: They do not belong together.
    """

    def __init__(
        self,
        credentials: Credentials,
        settings: Settings,
        handler: Handler,
        *,
        epoch: int,
        opener: Opener = open_sockets,
    ) -> None:
        self._stats = Stats()
        self._state = tls.build(credentials)
        self._settings = settings
        self._handler = handler
        self._epoch = epoch
        self._opener = opener
        self._port: OpenPort | None = None
        self._connections: Connections | None = None
        self._ticker: asyncio.TimerHandle | None = None

    @property
    def stats(self) -> Stats:
        """Return the counters; they go on counting in the same object."""
        if self._port is not None:
            self._stats.stray_datagrams, self._stats.dropped_datagrams = self._port.count_lost()
        return self._stats

    async def open(self, host: str, port: int, *, welcoming: bool = True) -> int:
        """Open UDP and TCP on one number and begin to accept links.

        Args:
            host: IP address to bind.
            port: Number, or 0 for any that is free for both.
            welcoming: False puts peers off until `welcome`: what they send then waits with them, while a
                handler that is not ready would have to drop it.

        Returns:
            The number.

        Raises:
            PortInUse: Another process holds it; nothing is open.
            UnsupportedQuic: Another aioquic is installed than the certificate hook was checked with.
        """
        credentials = self._state.credentials
        connections = Connections(
            node_id=credentials.node_id,
            cluster=credentials.cluster,
            epoch=self._epoch,
            trust=self._state.trust,
            handler=self._handler,
            settings=self._settings,
            stats=self._stats,
            rng=random.Random(),  # noqa: S311 - spreads redials, protects nothing
        )
        connections.is_welcoming = welcoming
        handle_gossip = self._handler.handle_gossip
        self._port = await self._opener(
            self._state, self._settings, connections, handle_gossip, host=host, port=port
        )
        connections.dialer = Dialer(self._port.carriers, self._settings)
        self._connections = connections
        self._tick()
        return self._port.port

    def welcome(self) -> None:
        """Take links from peers from now on.

        Raises:
            MeshClosed: The mesh is not open.
        """
        self._open_connections().is_welcoming = True

    async def close(self) -> None:
        """Say farewell on every link and close the port.

        Undelivered mail is lost unless `forget_peer` took it.
        """
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        connections, self._connections = self._connections, None
        port, self._port = self._port, None
        if connections is not None and port is not None:
            await connections.close()
            for carrier in port.carriers.values():
                await carrier.close()
            port.close()

    def send_gossip(self, datagram: bytes, address: Address) -> None:
        """Send one gossip datagram; its first byte must be below 0x40. It may get lost, as gossip may.

        Raises:
            MeshClosed: The mesh is not open.
        """
        if self._port is None:
            raise MeshClosed("the mesh is not open")
        self._port.send_gossip(datagram, address)

    def learn_peer(self, node_id: str, address: Address, *, epoch: int | None = None) -> None:
        """Remember where a node is reached; nothing is dialled before there is something to send.

        Args:
            node_id: The node.
            address: Where it listens.
            epoch: Its boot counter, when that is known from elsewhere: a link to an older process of it,
                which a crash may have left behind, is given up at once instead of after `silence_timeout_s`.

        Raises:
            MeshClosed: The mesh is not open.
        """
        self._open_connections().learn(node_id, address, epoch)

    def forget_peer(self, node_id: str) -> list[bytes]:
        """Forget a node and close its link.

        Returns:
            The envelopes that it has not acknowledged, in order within each lane. The last ones of each lane
            may have been handled by it all the same. Empty when the node is not known.

        Raises:
            MeshClosed: The mesh is not open.
        """
        return self._open_connections().drop(node_id)

    def send(self, node_id: str, lane_key: int, envelopes: Sequence[bytes]) -> bool:
        """Send envelopes, all or none; a link is dialled when there is none.

        Args:
            node_id: Who gets them.
            lane_key: Any number; equal keys keep their order.
            envelopes: Opaque bytes; they belong to the mesh from now on.

        Returns:
            Whether so much waits for it that senders should wait until `Handler.handle_roomy`.

        Raises:
            PeerUnknown: Its address was never learned; nothing was taken.
            BacklogFull: Too much is waiting for it; nothing was taken.
            TooLarge: An envelope is over its limit; nothing was taken.
            MeshClosed: The mesh is not open.
        """
        return bool(envelopes) and self._get_peer(node_id).send(lane_key, envelopes)

    def release(self, node_id: str, size: int) -> None:
        """Give a peer credit for bytes that `Handler.handle_batch` had kept.

        One that is gone needs none.
        """
        peer = self._connections.peers.get(node_id) if self._connections is not None else None
        if peer is not None:
            peer.release(size)

    async def request(self, node_id: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask a node and wait for its answer.

        Raises:
            PeerUnknown: Its address was never learned; nothing was sent.
            TooLarge: The payload is over its limit; nothing was sent.
            BacklogFull: Too much is waiting for it; nothing was sent.
            RequestRefused: Its handler answered with an error.
            RequestTimeout: No answer in time; the work may go on.
            LinkFailed: No link, or it ended before the answer; the work may go on.
            MeshClosed: The mesh is not open.
        """
        return await self._get_peer(node_id).requests.ask(method, payload, timeout_s)

    def peers(self) -> list[PeerStatus]:
        """Return every known peer, ordered by id; empty when the mesh is not open. Safe on any thread."""
        connections = self._connections
        if connections is None:
            return []
        # One step for the interpreter: the thread of the metrics asks too, while peers come and go.
        peers = sorted(connections.peers.items())
        return [connections.status(peer) for _, peer in peers]

    def linked(self) -> frozenset[str]:
        """Return the nodes to which a link is up."""
        connections = self._connections
        peers = connections.peers.values() if connections is not None else ()
        return frozenset(peer.node_id for peer in peers if peer.line is not None)

    def use_credentials(self, credentials: Credentials) -> None:
        """Use other credentials from now on: a renewed certificate, other authorities, more denied nodes.

        Links whose peer is denied now end at once. Others go on and are replaced within `renew_spread_s` when
        this node's certificate is another one, sooner when their peer's authority is not among ours any more.

        Raises:
            InvalidCredentials: They do not belong together, or are another node's; the old ones stay in use.
        """
        old = self._state.credentials
        if (credentials.node_id, credentials.cluster) != (old.node_id, old.cluster):
            raise InvalidCredentials("a running node cannot change its id or its cluster")
        self._state = tls.build(credentials)
        if self._port is not None and self._connections is not None:
            for carrier in self._port.carriers.values():
                carrier.use(self._state)
            renewed = credentials.certificate_pem != old.certificate_pem
            self._connections.use_trust(self._state.trust, renewed=renewed)

    def _get_peer(self, node_id: str) -> Peer:
        peer = self._open_connections().peers.get(node_id)
        if peer is None or (peer.address is None and peer.line is None):
            raise PeerUnknown(f"no address is known for node {node_id!r}")
        return peer

    def _open_connections(self) -> Connections:
        if self._connections is None:
            raise MeshClosed("the mesh is not open")
        return self._connections

    def _tick(self) -> None:
        if self._connections is None:
            return
        loop = asyncio.get_running_loop()
        self._ticker = loop.call_later(self._settings.ping_interval_s / 4, self._tick)  # first: it may raise
        self._connections.tick(loop.time(), datetime.now(UTC))
