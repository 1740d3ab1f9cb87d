"""What the mesh counts, under the names of the table of instruments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

from caxton_node.observability import Reading
from caxton_node.observability.board import reading
from transport import PeerStatus, Stats


def mesh_readings(peers: Sequence[PeerStatus], stats: Stats) -> Iterable[Reading]:
    """Return the readings of the mesh; safe on any thread.

    Args:
        peers: Every known peer.
        stats: The counters.
    """
    for (kind, state), count in Counter((peer.kind or "none", str(peer.state)) for peer in peers).items():
        yield reading("caxton_mesh_links", count, kind=kind, state=state)
    come, gone = stats.bytes_of_forgotten
    yield reading("caxton_mesh_bytes_total", come + sum(peer.bytes_in for peer in peers), direction="in")
    yield reading("caxton_mesh_bytes_total", gone + sum(peer.bytes_out for peer in peers), direction="out")
    yield from _of_paths(peers)
    yield from _of_links(stats)


def _of_paths(peers: Sequence[PeerStatus]) -> Iterable[Reading]:
    round_trips_s = [peer.rtt_ms / 1000 for peer in peers if peer.rtt_ms is not None]
    if round_trips_s:
        yield reading("caxton_mesh_rtt_seconds", median(round_trips_s), which="median")
        yield reading("caxton_mesh_rtt_seconds", max(round_trips_s), which="slowest")
    yield reading("caxton_mesh_loss_ratio", max((peer.loss or 0.0 for peer in peers), default=0.0))
    yield reading("caxton_mesh_backlog_bytes", sum(peer.backlog_bytes for peer in peers))
    skews_s = [abs(peer.clock_skew_s) for peer in peers if peer.clock_skew_s is not None]
    yield reading("caxton_mesh_clock_skew_seconds", max(skews_s, default=0.0))


def _of_links(stats: Stats) -> Iterable[Reading]:
    yield reading("caxton_mesh_links_begun_total", stats.links_up)
    yield reading("caxton_mesh_batches_resent_total", stats.batches_resent)
    yield reading("caxton_mesh_batches_repeated_total", stats.batches_repeated)
    # copies: the loop's thread counts on while the metrics' thread reads
    for kind, count in dict(stats.links_moved).items():
        yield reading("caxton_mesh_moves_total", count, kind=kind)
    for reason, count in dict(stats.links_down).items():
        yield reading("caxton_mesh_links_ended_total", count, reason=reason.value)
    for side, refusals in (("accepted", stats.refused), ("dialled", stats.dials_refused)):
        for reason, count in dict(refusals).items():
            yield reading("caxton_mesh_refusals_total", count, side=side, reason=reason.value)
