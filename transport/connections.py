"""Which peer has which link: makes links when there is something to send, settles double dials, dials again.

When two nodes dial each other at once, the link dialled by the smaller id is kept: it refuses the other's
greeting as a double dial, the other answers its own. A link is replaced only by one that its dialler has
kept, so a peer that lost a link which we still believe in gets a new one.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections import OrderedDict

from transport.dialer import Dialer, Reached
from transport.errors import LinkFailed, PeerRefused
from transport.faults import EndReason
from transport.frames import Credit, FrameType, encode_credit
from transport.greeter import Candidate
from transport.handler import Address, Handler
from transport.links.contract import CONTROL, Link
from transport.messages import PROTOCOL_VERSION, Greeting, encode_greeting
from transport.peer import Peer
from transport.redials import Redials
from transport.refusals import Refusals
from transport.session import Inbound, Session
from transport.settings import Settings
from transport.status import PeerState, PeerStatus, Stats

_MEMORY_MAX = 4096

log = logging.getLogger("transport")


class Connections:
    """The peers of one node and their links.

    Args:
        node_id: This node.
        cluster: Its cluster.
        epoch: Boot counter of this node.
        handler: Takes what peers send.
        settings: Bounds and delays.
        stats: Counters.
        rng: Spreads redials.
    """

    def __init__(
        self,
        *,
        node_id: str,
        cluster: str,
        epoch: int,
        handler: Handler,
        settings: Settings,
        stats: Stats,
        rng: random.Random,
    ) -> None:
        self.peers: dict[str, Peer] = {}
        self.dialer: Dialer | None = None
        self.is_welcoming = True
        self._node_id = node_id
        self._cluster = cluster
        self._epoch = epoch
        self._handler = handler
        self._settings = settings
        self._stats = stats
        self._refusals = Refusals(stats)
        self._loop = asyncio.get_running_loop()
        self._session_numbers = itertools.count(1)
        self._dials: dict[str, asyncio.Task[None]] = {}
        self._redials = Redials(settings, rng)
        self._candidates: set[Candidate] = set()
        self._memory: OrderedDict[str, Inbound] = OrderedDict()
        self._closed = False

    def learn(self, node_id: str, address: Address, epoch: int | None) -> None:
        """Remember where a node is; a dial that was put off is made now."""
        peer = self._peer(node_id)
        peer.address = address
        known = self._memory.get(node_id)
        if epoch is not None and peer.line is not None and known is not None and known.epoch < epoch:
            peer.end_link(EndReason.STALE_EPOCH, "it has started again")
        self._redials.cancel(node_id)
        self._dial_if_wanted(peer)

    def drop(self, node_id: str) -> list[bytes]:
        """Forget a node: its link, its dials, its address.

        Returns:
            Envelopes that it has not acknowledged, in order within each lane.
        """
        peer = self.peers.pop(node_id, None)
        if peer is None:
            return []
        self._stop_dialling(node_id)
        for candidate in [each for each in self._candidates if each.node_id == node_id]:
            candidate.close(EndReason.FORGOTTEN)
        undelivered = peer.session.take_undelivered()
        peer.end_link(EndReason.FORGOTTEN)
        return undelivered

    async def close(self) -> None:
        """End every link and every dial; undelivered mail stays where it is."""
        self._closed = True
        dials = list(self._dials.values())
        self._redials.cancel_all()
        for node_id in list(self._dials):
            self._stop_dialling(node_id)
        for candidate in list(self._candidates):
            candidate.close(EndReason.CLOSING)
        for peer in list(self.peers.values()):
            peer.end_link(EndReason.CLOSING)
            await peer.requests.close()
        await asyncio.gather(*dials, return_exceptions=True)

    def end_denied(self, serial_numbers: frozenset[int]) -> None:
        """Close links whose peer's certificate has been denied since they came up."""
        for candidate in [
            each for each in self._candidates if each.link.identity.serial_number in serial_numbers
        ]:
            candidate.close(EndReason.REVOKED)
        for peer in list(self.peers.values()):
            if peer.line is not None and peer.line.link.identity.serial_number in serial_numbers:
                peer.end_link(EndReason.REVOKED)

    def status(self, peer: Peer) -> PeerStatus:
        """Return how things stand with a peer."""
        line = peer.line
        if line is not None:
            state = PeerState.UP
        elif peer.node_id in self._dials:
            state = PeerState.DIALLING
        else:
            state = PeerState.WAITING if self._redials.is_waiting(peer.node_id) else PeerState.IDLE
        come, gone = peer.byte_counts
        return PeerStatus(
            node_id=peer.node_id,
            address=peer.address,
            state=state,
            kind=line.link.kind if line is not None else "",
            rtt_ms=line.rtt_s * 1000 if line is not None and line.rtt_s is not None else None,
            bytes_in=come,
            bytes_out=gone,
            backlog_bytes=peer.session.held_bytes,
            last_failure=peer.last_failure,
        )

    # what peers ask

    def handle_needs_link(self, peer: Peer) -> None:
        """Dial, unless that is being done, was put off, or the peer is about to reach us."""
        node_id = peer.node_id
        if self._closed or peer.address is None or node_id in self._dials:
            return
        if self._redials.is_waiting(node_id):
            return
        if any(candidate.welcomed and candidate.node_id == node_id for candidate in self._candidates):
            return
        self._dials[node_id] = self._loop.create_task(self._dial(peer, peer.address))

    def handle_link_down(self, peer: Peer, reason: EndReason) -> None:
        """Dial again when mail is left; forget a stranger that is gone."""
        if self._closed or reason is EndReason.REPLACED or self.peers.get(peer.node_id) is not peer:
            return
        if peer.address is None and not peer.session.has_mail:
            del self.peers[peer.node_id]
        elif peer.wants_link:
            self._redial_later(peer)

    # what carriers and candidates tell

    def handle_accepted(self, link: Link) -> None:
        """Wait for the greeting of someone who dialled us."""
        candidate = Candidate(link, self, self._settings.handshake_timeout_s)
        self._candidates.add(candidate)
        link.receiver = candidate

    def handle_refused(self, source: Address, error: PeerRefused | LinkFailed) -> None:
        """Note that someone did not get a link."""
        self._refusals.note_accepted(source, error, self._loop.time())

    def judge_hello(self, link: Link, hello: Greeting) -> bytes:
        """Decide on a HELLO and return the WELCOME."""
        self._check_greeting(link, hello)
        if not self.is_welcoming:
            raise LinkFailed(EndReason.NOT_READY)
        node_id = hello.node_id
        if node_id in self._dials and self._node_id < node_id:
            raise LinkFailed(EndReason.DOUBLE_DIAL)
        known = self._memory.get(node_id)
        same = known is not None and (known.epoch, known.session) == (hello.epoch, hello.session)
        received = known.received if known is not None and same else None
        return encode_greeting(FrameType.WELCOME, self._greeting(self._peer(node_id), received))

    def handle_kept(self, link: Link, hello: Greeting) -> None:
        """Bring up a link that its dialler keeps."""
        self._candidates = {each for each in self._candidates if each.link is not link}
        self._stop_dialling(hello.node_id)
        self._establish(link, hello)

    def handle_dropped(self, candidate: Candidate, error: PeerRefused | LinkFailed) -> None:
        """Note that an accepted link came to nothing, and dial ourselves if we had waited for it."""
        self._candidates.discard(candidate)
        self._refusals.note_accepted(candidate.link.remote, error, self._loop.time())
        peer = self.peers.get(candidate.node_id)
        if peer is None:
            return
        if peer.line is None and peer.wants_link:
            self._redial_later(peer)
        elif peer.line is None and peer.address is None:
            del self.peers[peer.node_id]

    # inside

    def _peer(self, node_id: str) -> Peer:
        peer = self.peers.get(node_id)
        if peer is None:
            session = Session(next(self._session_numbers), self._settings)
            peer = Peer(
                node_id,
                session,
                self,
                handler=self._handler,
                settings=self._settings,
                stats=self._stats,
            )
            self.peers[node_id] = peer
        return peer

    def _greeting(self, peer: Peer, received: list[int] | None = None) -> Greeting:
        return Greeting(
            version=PROTOCOL_VERSION,
            cluster=self._cluster,
            node_id=self._node_id,
            epoch=self._epoch,
            session=peer.session.number,
            first=peer.session.first_sequences(),
            window_bytes=self._settings.window_bytes,
            bulk_window_bytes=self._settings.bulk_window_bytes,
            frame_bytes_max=self._settings.frame_bytes_max,
            received=received,
        )

    def _check_greeting(self, link: Link, theirs: Greeting) -> None:
        if theirs.version != PROTOCOL_VERSION:
            raise PeerRefused(EndReason.VERSION_MISMATCH, f"{theirs.version}, ours is {PROTOCOL_VERSION}")
        if theirs.cluster != self._cluster:
            raise PeerRefused(EndReason.OTHER_CLUSTER, f"it greets from {theirs.cluster!r}")
        proved = link.identity.node_id
        if theirs.node_id != proved or proved == self._node_id:
            raise PeerRefused(
                EndReason.WRONG_NODE, f"it greets as {theirs.node_id!r}, its certificate is {proved!r}"
            )
        known = self._memory.get(proved)
        if known is not None and (theirs.epoch, theirs.session) < (known.epoch, known.session):
            raise PeerRefused(EndReason.STALE_EPOCH, f"epoch {theirs.epoch}, known is {known.epoch}")

    def _establish(self, link: Link, theirs: Greeting) -> None:
        peer = self._peer(theirs.node_id)
        if peer.line is not None:
            peer.end_link(EndReason.REPLACED)
        self._redials.cancel(peer.node_id)
        peer.attach(link, theirs, self._remember(theirs))

    def _remember(self, theirs: Greeting) -> Inbound:
        """Return what was received of the peer's session.

        It outlives links and even `drop`, within a bound.
        """
        known = self._memory.get(theirs.node_id)
        if known is None or (known.epoch, known.session) != (theirs.epoch, theirs.session):
            known = Inbound(theirs.epoch, theirs.session, theirs.first)
            self._memory[theirs.node_id] = known
        self._memory.move_to_end(theirs.node_id)
        if len(self._memory) > _MEMORY_MAX:
            self._memory.popitem(last=False)
        return known

    async def _dial(self, peer: Peer, address: Address) -> None:
        assert self.dialer is not None
        hello = encode_greeting(FrameType.HELLO, self._greeting(peer))
        try:
            reached = await self.dialer.dial(peer.node_id, address, hello)
            self._keep(peer, reached)
        except (PeerRefused, LinkFailed) as err:
            self._dials.pop(peer.node_id, None)
            self._handle_dial_failed(peer, address, err)
        except Exception as err:  # the task's boundary: a bug must not leave the peer dialling for ever
            log.exception("dialling %s failed", peer.node_id)
            self._dials.pop(peer.node_id, None)
            self._handle_dial_failed(peer, address, LinkFailed(EndReason.INTERNAL, str(err)))

    def _keep(self, peer: Peer, reached: Reached) -> None:
        """Bring up a link that we dialled and tell the other side that we keep it."""
        self._dials.pop(peer.node_id, None)
        link = reached.link
        try:
            self._check_greeting(link, reached.welcome)
        except PeerRefused as err:
            link.close(err.reason)
            raise
        if link.closed:
            raise LinkFailed(EndReason.LOST, "it ended as soon as it was up")
        if peer.line is not None:
            link.close(EndReason.DOUBLE_DIAL)
            return
        inbound = self._remember(reached.welcome)
        link.write(CONTROL, encode_credit(Credit(0, 0, tuple(inbound.received))))
        self._establish(link, reached.welcome)

    def _handle_dial_failed(self, peer: Peer, address: Address, error: PeerRefused | LinkFailed) -> None:
        self._refusals.note_dialled(peer.node_id, address, error, self._loop.time())
        if error.reason is not EndReason.DOUBLE_DIAL:
            peer.last_failure = str(error)
            peer.requests.end_link(error.reason, error.detail)
        if peer.line is None and peer.wants_link:
            self._redial_later(peer)

    def _redial_later(self, peer: Peer) -> None:
        if self._closed or peer.address is None or peer.node_id in self._dials:
            return
        self._redials.put_off(peer.node_id, lambda: self._dial_if_wanted(peer))

    def _dial_if_wanted(self, peer: Peer) -> None:
        if peer.line is None and peer.wants_link:
            self.handle_needs_link(peer)

    def _stop_dialling(self, node_id: str) -> None:
        self._redials.cancel(node_id)
        dial = self._dials.pop(node_id, None)
        if dial is not None:
            dial.cancel()
