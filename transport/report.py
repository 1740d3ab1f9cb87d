"""How things stand with one peer, told to whoever asks."""

from __future__ import annotations

from transport.line import Line
from transport.moves import Watch
from transport.peer import Peer
from transport.status import PeerState, PeerStatus

_RTT_AGE_MAX_S = 60.0


def status_of(peer: Peer, state: PeerState, watch: Watch | None, now: float) -> PeerStatus:
    """Return what is known of a peer.

    Args:
        peer: The peer.
        state: Whether it is dialled, waited for, up.
        watch: What was measured on its links; None when it never had one.
        now: Monotonic seconds.
    """
    line = peer.line
    come, gone = peer.byte_counts
    rtt_s = round_trip_s(line, now) if line is not None else None
    is_up = line is not None and watch is not None
    return PeerStatus(
        node_id=peer.node_id,
        address=peer.address,
        state=state,
        kind=line.link.kind if line is not None else "",
        rtt_ms=rtt_s * 1000 if rtt_s is not None else None,
        bytes_in=come,
        bytes_out=gone,
        backlog_bytes=peer.session.held_bytes,
        last_failure=peer.last_failure,
        why=watch.choice.why if is_up and watch else "",
        loss=watch.choice.loss if is_up and watch else None,
        in_per_s=watch.in_per_s if is_up and watch else 0.0,
        out_per_s=watch.out_per_s if is_up and watch else 0.0,
        unacked_batches=peer.session.unacked,
        resent_batches=peer.session.resent,
        clock_skew_s=peer.clock_skew_s,
        certificate_ends=line.link.identity.not_after if line is not None else None,
    )


def round_trip_s(line: Line, now: float) -> float | None:
    """Return the round trip of a link: of its last ping, or as its own protocol measured it.

    Links with traffic are never pinged, so their own measure is the newer one; but QUIC's begins at a
    millisecond.
    """
    if line.rtt_s is not None and now - line.pinged_at <= _RTT_AGE_MAX_S:
        return line.rtt_s
    return line.link.path().rtt_s
