"""Which links that are up should be replaced, and why: for a kind that suits better, or a newer certificate.

The kind is judged by `choice.py` from what each period showed. A certificate is shown in the handshake only,
so a renewed one, or authorities that changed, reach a peer with a new link. Nothing is ended for it: the new
link is made first (`Connections.replace`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from transport.choice import Choice, Limits, Move, Sample
from transport.errors import LinkFailed, PeerRefused
from transport.faults import EndReason
from transport.links.contract import Link
from transport.peer import Peer
from transport.settings import Settings

_PEERS_MAX = 4096
_LIFE_LEFT = (0.05, 0.1)  # a link is renewed at a point in this last part of the peer's certificate
_AGAIN_S = 10.0
_DISTRUST_S = 30.0  # time for a few dials, each of which a better certificate would cure


class Replacer(Protocol):
    """Who makes the links."""

    def replace(self, peer: Peer, move: Move) -> bool:
        """Begin to replace a peer's link; return whether that was possible now."""
        ...


class Watch:
    """What is measured on one peer's links.

    Args:
        limits: When its link is moved.
    """

    __slots__ = (
        "_at",
        "_bytes",
        "_packets",
        "choice",
        "distrusted",
        "in_per_s",
        "out_per_s",
        "renew_at",
        "renew_why",
        "strict_until",
    )

    def __init__(self, limits: Limits) -> None:
        self.choice = Choice(limits)
        self.in_per_s = self.out_per_s = 0.0
        self.renew_at: float | None = None
        self.renew_why = ""
        self.distrusted: PeerRefused | None = None  # the present link may not go on without a new one
        self.strict_until = 0.0  # when it ends at the latest, if it is distrusted
        self._at = 0.0
        self._bytes = (0, 0)
        self._packets = (0, 0)

    def begin(self, link: Link, now: float) -> None:
        """Measure a link that came up."""
        self._at, self._bytes, self._packets = now, (link.bytes_in, link.bytes_out), (0, 0)
        self.renew_at, self.distrusted = None, None

    def measure(self, peer: Peer, now: float) -> Sample:
        """Return what has happened since the last time."""
        assert peer.line is not None
        line, span_s = peer.line, max(now - self._at, 1e-3)
        link, path = line.link, line.link.path()
        (come, gone), (sent, lost) = self._bytes, self._packets
        self.in_per_s = (link.bytes_in - come) / span_s
        self.out_per_s = (link.bytes_out - gone) / span_s
        self._at, self._bytes = now, (link.bytes_in, link.bytes_out)
        self._packets = (path.sent_packets, path.lost_packets)
        return Sample(
            self.out_per_s,
            peer.session.held_bytes,
            path.sent_packets - sent,
            path.lost_packets - lost,
            line.pings_unanswered,
        )


class Moves:
    """Watches the links of one node.

    Args:
        replacer: Makes the new links.
        settings: When to move, how far renewals are spread.
        is_choosing: Whether links may move to another kind.
        rng: Spreads renewals.
    """

    def __init__(
        self, replacer: Replacer, settings: Settings, *, is_choosing: bool, rng: random.Random
    ) -> None:
        self._replacer = replacer
        self._settings = settings
        self._is_choosing = is_choosing
        self._rng = rng
        self._watches: dict[str, Watch] = {}

    def find(self, node_id: str) -> Watch | None:
        """Return what is known of the path to a node, None when it never had a link."""
        return self._watches.get(node_id)

    def forget(self, node_id: str) -> None:
        """Drop what is known of a path."""
        self._watches.pop(node_id, None)

    def begin(
        self, peer: Peer, why: str, *, now: float, wall_clock: datetime, missed_quic: bool = False
    ) -> None:
        """Take note of a link that came up."""
        assert peer.line is not None
        watch = self._watches.get(peer.node_id)
        if watch is None:
            if len(self._watches) >= _PEERS_MAX:
                del self._watches[next(iter(self._watches))]
            watch = self._watches[peer.node_id] = Watch(self._settings.limits)
        link = peer.line.link
        watch.begin(link, now)
        watch.choice.begin(link.kind, why, now, missed_quic=missed_quic)
        life_s = (link.identity.not_after - link.identity.not_before).total_seconds()
        left_s = (link.identity.not_after - wall_clock).total_seconds()
        margin_s = life_s * self._rng.uniform(*_LIFE_LEFT)
        watch.renew_at = now + (left_s - margin_s if left_s > margin_s else max(left_s / 2, _AGAIN_S))
        watch.renew_why = "the peer's certificate runs out"

    def handle_failed(self, peer: Peer, kind: str, error: PeerRefused | LinkFailed, now: float) -> None:
        """Take note that a replacement could not be made; the old link goes on, unless it is not trusted."""
        watch = self._watches.get(peer.node_id)
        if watch is None or peer.line is None:
            return
        if watch.distrusted is not None and error.reason.is_refusal:
            peer.end_link(error.reason, error.detail)
        elif kind == peer.line.link.kind:
            watch.renew_at = now + _AGAIN_S * self._rng.uniform(0.5, 1.0)
        elif error.reason is not EndReason.DOUBLE_DIAL:
            watch.choice.handle_failed(kind, now)

    def renew(self, peers: Iterable[Peer], why: str, *, now: float, within_s: float) -> None:
        """Replace links at moments spread over a span: what they show or rely on has changed."""
        for peer in peers:
            watch = self._watches.get(peer.node_id)
            if peer.line is not None and watch is not None:
                at = now + self._rng.uniform(0.0, within_s)
                watch.renew_at = at if watch.renew_at is None else min(watch.renew_at, at)
                watch.renew_why = why

    def distrust(self, peer: Peer, refusal: PeerRefused, now: float) -> bool:
        """Replace a link soon whose proof does not hold any more.

        It ends when the peer has no better one, and also when the peer has not shown one in half a minute: a
        peer that answers no dials must not gain by that.

        Args:
            peer: Its link is up.
            refusal: What is wrong with the proof.
            now: The present, monotonic seconds.

        Returns:
            Whether that can be done; if not, the caller ends the link.
        """
        watch = self._watches.get(peer.node_id)
        if watch is None or peer.address is None:
            return False
        if watch.distrusted is None:  # or judging it again and again would put the end off
            watch.strict_until = now + _DISTRUST_S
        watch.distrusted = refusal
        self.renew([peer], "the peer's authority is not trusted any more", now=now, within_s=1.0)
        return True

    def tick(self, peers: Iterable[Peer], now: float) -> None:
        """Measure every link that is up, replace those that should be, end those distrusted for too long."""
        for peer in peers:
            watch = self._watches.get(peer.node_id)
            if peer.line is None or watch is None:
                continue
            if watch.distrusted is not None and now >= watch.strict_until:
                peer.end_link(watch.distrusted.reason, watch.distrusted.detail)
                continue
            move = watch.choice.judge(watch.measure(peer, now), now) if self._is_choosing else None
            if move is None and watch.renew_at is not None and now >= watch.renew_at:
                move = Move(peer.line.link.kind, watch.choice.why)
                watch.renew_at = now + _AGAIN_S  # until `begin` or `handle_failed` say how it went
            if move is not None:
                self._replacer.replace(peer, move)
