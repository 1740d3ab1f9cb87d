"""Which peer has which link: makes links when there is something to send, settles double dials, dials again.

When two nodes dial each other at once, the link dialled by the smaller id is kept: it refuses the other's
greeting as a double dial, the other answers its own. A link is replaced only by one that its dialler has
kept, so a peer that lost a link which we still believe in gets a new one.

A link that is up can be replaced on purpose (`replace`): the new one is made and welcomed first, then mail
moves over and its tail is sent again, and the old one ends when what was asked on it is answered.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from datetime import UTC, datetime

from transport.choice import Move
from transport.dialer import Dialer, Reached
from transport.errors import LinkFailed, PeerRefused
from transport.faults import EndReason
from transport.frames import Credit, FrameType, encode_credit
from transport.greeter import Candidate
from transport.greetings import Greetings
from transport.handler import Address, Handler
from transport.identity import recheck
from transport.line import Line
from transport.links.contract import CONTROL, Link
from transport.messages import Greeting, clock_skew_s, encode_greeting
from transport.moves import Moves
from transport.peer import Peer
from transport.redials import Redials
from transport.refusals import Refusals
from transport.report import status_of
from transport.session import Session
from transport.settings import Settings, TransportChoice
from transport.status import PeerState, PeerStatus, Stats
from transport.trust import Trust

_OUTLIVED = {EndReason.UNKNOWN_AUTHORITY, EndReason.EXPIRED}  # a renewed certificate cures it

log = logging.getLogger("transport")


class Connections:
    """The peers of one node and their links.

    Args:
        node_id: This node.
        cluster: Its cluster.
        epoch: Boot counter of this node.
        trust: Whom it believes.
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
        trust: Trust,
        handler: Handler,
        settings: Settings,
        stats: Stats,
        rng: random.Random,
    ) -> None:
        self.peers: dict[str, Peer] = {}
        self.dialer: Dialer | None = None
        self.is_welcoming = True
        self._trust = trust
        self._greetings = Greetings(node_id=node_id, cluster=cluster, epoch=epoch, settings=settings)
        self._handler = handler
        self._settings = settings
        self._stats = stats
        self._refusals = Refusals(stats)
        self._loop = asyncio.get_running_loop()
        self._session_numbers = itertools.count(1)
        self._dials: dict[str, asyncio.Task[None]] = {}
        self._redials = Redials(settings, rng)
        self._candidates: set[Candidate] = set()
        self._moves = Moves(self, settings, is_choosing=settings.transport is TransportChoice.AUTO, rng=rng)
        self._closed = False

    def learn(self, node_id: str, address: Address, epoch: int | None) -> None:
        """Remember where a node is; a dial that was put off is made now."""
        peer = self._peer(node_id)
        peer.address = address
        if epoch is not None and peer.line is not None and self._greetings.is_older(node_id, epoch):
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
        self._forget(peer)
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
            await peer.close(EndReason.CLOSING)
        await asyncio.gather(*dials, return_exceptions=True)

    def use_trust(self, trust: Trust, *, renewed: bool) -> None:
        """Judge links that are up anew, and show a renewed certificate on them.

        A link whose peer is denied ends at once. One whose authority is gone is replaced: its peer has a
        newer certificate by now, or the link ends.

        Args:
            trust: What holds from now on.
            renewed: Whether this node's own certificate is another one.
        """
        self._trust = trust
        now, wall_clock = self._loop.time(), datetime.now(UTC)
        if renewed:
            within_s = self._settings.renew_spread_s
            self._moves.renew(self.peers.values(), "its own certificate is new", now=now, within_s=within_s)
        for candidate in list(self._candidates):
            refusal = recheck(candidate.link.identity, trust, wall_clock)
            if refusal is not None:
                candidate.close(refusal.reason)
        for peer in list(self.peers.values()):
            refusal = recheck(peer.line.link.identity, trust, wall_clock) if peer.line is not None else None
            if refusal is None:
                continue
            if refusal.reason not in _OUTLIVED or not self._moves.distrust(peer, refusal, now):
                peer.end_link(refusal.reason, refusal.detail)

    def tick(self, now: float, wall_clock: datetime) -> None:
        """Ping, end and replace links whose time has come."""
        peers = list(self.peers.values())
        for peer in peers:
            try:
                peer.tick(now, wall_clock)
            except Exception:  # a bug must not stop the clock of all other peers
                log.exception("the link to %s could not be looked after", peer.node_id)
                peer.end_link(EndReason.INTERNAL)
        self._moves.tick(peers, now)

    def replace(self, peer: Peer, move: Move) -> bool:
        """Begin to replace a link that is up.

        Returns:
            False when that is not possible now: the peer is being dialled, or only it can dial us.
        """
        if self._closed or peer.line is None or peer.address is None or peer.node_id in self._dials:
            return False
        log.info("another link to %s over %s: %s", peer.node_id, move.kind, move.why)
        dial = self._dial(peer, peer.address, replaced=peer.line, move=move)
        self._dials[peer.node_id] = self._loop.create_task(dial)
        return True

    def status(self, peer: Peer) -> PeerStatus:
        """Return how things stand with a peer."""
        if peer.line is not None:
            state = PeerState.UP
        elif peer.node_id in self._dials:
            state = PeerState.DIALLING
        else:
            state = PeerState.WAITING if self._redials.is_waiting(peer.node_id) else PeerState.IDLE
        return status_of(peer, state, self._moves.find(peer.node_id), self._loop.time())

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
            self._forget(peer)
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

    def judge_hello(self, link: Link, hello: Greeting) -> Greeting:
        """Decide on a HELLO and return the greeting of the WELCOME."""
        self._check(link, hello)
        if not self.is_welcoming:
            raise LinkFailed(EndReason.NOT_READY)
        node_id = hello.node_id
        if node_id in self._dials and self._greetings.node_id < node_id:
            raise LinkFailed(EndReason.DOUBLE_DIAL)
        peer = self._peer(node_id)
        return self._greetings.ours(peer, self._greetings.received(hello))

    def handle_kept(self, link: Link, hello: Greeting, welcome: Greeting) -> None:
        """Bring up a link that its dialler keeps."""
        self._candidates = {each for each in self._candidates if each.link is not link}
        self._stop_dialling(hello.node_id)
        peer = self._peer(hello.node_id)
        why = "the peer replaced a link" if peer.line is not None else "the peer dialled"
        if peer.line is not None and self._greetings.find(hello) is None:
            peer.end_link(EndReason.REPLACED, "it has started again")  # nothing is left to answer to
        self._establish(peer, link, hello, welcome, why)

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
            self._forget(peer)

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

    def _check(self, link: Link, theirs: Greeting) -> None:
        """Judge a greeting, and the certificate once more.

        Trust may have changed since the handshake began.
        """
        self._greetings.check(link.identity.node_id, theirs)
        refusal = recheck(link.identity, self._trust, datetime.now(UTC))
        if refusal is not None:
            raise refusal

    def _establish(
        self,
        peer: Peer,
        link: Link,
        theirs: Greeting,
        ours: Greeting,
        why: str,
        *,
        missed_quic: bool = False,
    ) -> None:
        """Use a link; one that is up makes way for it."""
        self._redials.cancel(peer.node_id)
        if peer.line is not None:
            peer.retire_line()
        peer.attach(link, theirs, ours, self._greetings.remember(theirs))
        if theirs.received is not None or peer.clock_skew_s is None:
            peer.clock_skew_s = clock_skew_s(theirs, time.time_ns() // 1000)
        self._moves.begin(
            peer, why, now=self._loop.time(), wall_clock=datetime.now(UTC), missed_quic=missed_quic
        )

    async def _dial(
        self, peer: Peer, address: Address, *, replaced: Line | None = None, move: Move | None = None
    ) -> None:
        assert self.dialer is not None
        hello = self._greetings.ours(peer)
        kind = move.kind if move is not None else ""
        try:
            frame = encode_greeting(FrameType.HELLO, hello)
            reached = await self.dialer.dial(peer.node_id, address, frame, kind)
            self._keep(peer, hello, reached, replaced, move.why if move is not None else reached.why)
        except (PeerRefused, LinkFailed) as err:
            self._dials.pop(peer.node_id, None)
            self._handle_dial_failed(peer, address, err, kind)
        except Exception as err:  # the task's boundary: a bug must not leave the peer dialling for ever
            log.exception("dialling %s failed", peer.node_id)
            self._dials.pop(peer.node_id, None)
            self._handle_dial_failed(peer, address, LinkFailed(EndReason.INTERNAL, str(err)), kind)

    def _keep(self, peer: Peer, hello: Greeting, reached: Reached, replaced: Line | None, why: str) -> None:
        """Bring up a link that we dialled and tell the other side that we keep it.

        Args:
            peer: Whom we dialled.
            hello: With what we greeted it.
            reached: The link.
            replaced: The line that it is to replace; when another has come in the meantime, that one stays.
            why: Why it is of its kind.
        """
        self._dials.pop(peer.node_id, None)
        link = reached.link
        try:
            self._check(link, reached.welcome)
        except PeerRefused as err:
            link.close(err.reason)
            raise
        if link.closed:
            raise LinkFailed(EndReason.LOST, "it ended as soon as it was up")
        if peer.line is not None and peer.line is not replaced:
            link.close(EndReason.DOUBLE_DIAL)
            return
        if peer.line is not None:
            if self._greetings.find(reached.welcome) is None:
                peer.end_link(EndReason.REPLACED, "it has started again")
            elif peer.line.link.kind != link.kind:
                self._stats.links_moved[link.kind] += 1
        if peer.line is not None:
            peer.retire_line()  # first, so that what we say we have received is final
        received = tuple(self._greetings.remember(reached.welcome).received)
        link.write(CONTROL, encode_credit(Credit(0, 0, received)))
        self._establish(peer, link, reached.welcome, hello, why, missed_quic=reached.missed_quic)

    def _handle_dial_failed(
        self, peer: Peer, address: Address, error: PeerRefused | LinkFailed, kind: str
    ) -> None:
        self._refusals.note_dialled(peer.node_id, address, error, self._loop.time())
        if error.reason is not EndReason.DOUBLE_DIAL:
            peer.last_failure = str(error)
        if peer.line is not None:
            self._moves.handle_failed(peer, kind, error, self._loop.time())
            return
        if error.reason is not EndReason.DOUBLE_DIAL:
            peer.requests.end_link(error.reason, error.detail)
        if peer.wants_link:
            self._redial_later(peer)

    def _forget(self, peer: Peer) -> None:
        self.peers.pop(peer.node_id, None)
        self._moves.forget(peer.node_id)
        (come, gone), (peer_come, peer_gone) = self._stats.bytes_of_forgotten, peer.byte_counts
        self._stats.bytes_of_forgotten = (come + peer_come, gone + peer_gone)

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
