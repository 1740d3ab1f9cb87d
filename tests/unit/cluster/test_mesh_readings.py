"""What the metrics say of the mesh."""

from __future__ import annotations

from typing import Any

import pytest

from caxton_node.cluster.mesh_readings import mesh_readings
from transport import EndReason, PeerState, PeerStatus, Stats

pytestmark = pytest.mark.story("019")


def peer(node_id: str, **facts: Any) -> PeerStatus:
    usual = {
        "address": ("192.0.2.1", 7946),
        "state": PeerState.UP,
        "kind": "quic",
        "rtt_ms": 1.0,
        "bytes_in": 100,
        "bytes_out": 10,
        "backlog_bytes": 5,
        "last_failure": "",
    }
    return PeerStatus(node_id=node_id, **{**usual, **facts})


def read(peers: list[PeerStatus], stats: Stats) -> dict[tuple[str, ...], Any]:
    return {(each.name, *each.labels): each.value for each in mesh_readings(peers, stats)}


def test_links_are_counted_by_kind_and_state_and_paths_by_their_worst() -> None:
    idle = peer("n4", state=PeerState.IDLE, kind="", rtt_ms=None)
    peers = [
        peer("n1", loss=0.02, clock_skew_s=-3.0),
        peer("n2", rtt_ms=3.0, clock_skew_s=1.0),
        peer("n3", kind="tcp", rtt_ms=200.0),
        idle,
    ]
    values = read(peers, Stats())
    assert values["caxton_mesh_links", "quic", "up"] == 2
    assert values["caxton_mesh_links", "tcp", "up"] == 1
    assert values["caxton_mesh_links", "none", "idle"] == 1
    assert values["caxton_mesh_rtt_seconds", "median"] == pytest.approx(0.003)
    assert values["caxton_mesh_rtt_seconds", "slowest"] == pytest.approx(0.2)
    assert values["caxton_mesh_loss_ratio",] == pytest.approx(0.02)
    assert values["caxton_mesh_clock_skew_seconds",] == pytest.approx(3.0)
    assert values["caxton_mesh_backlog_bytes",] == 20


def test_bytes_of_peers_that_are_forgotten_still_count() -> None:
    values = read([peer("n1")], Stats(bytes_of_forgotten=(1000, 2000)))
    assert values["caxton_mesh_bytes_total", "in"] == 1100
    assert values["caxton_mesh_bytes_total", "out"] == 2010


def test_ends_moves_and_refusals_have_their_reasons() -> None:
    stats = Stats(links_up=3, batches_resent=7)
    stats.links_down[EndReason.IDLE] += 2
    stats.links_moved["tcp"] += 1
    stats.refused[EndReason.EXPIRED] += 4
    stats.dials_refused[EndReason.REVOKED] += 1
    values = read([], stats)
    assert values["caxton_mesh_links_begun_total",] == 3
    assert values["caxton_mesh_links_ended_total", "idle"] == 2
    assert values["caxton_mesh_moves_total", "tcp"] == 1
    assert values["caxton_mesh_refusals_total", "accepted", "certificate-expired"] == 4
    assert values["caxton_mesh_refusals_total", "dialled", "certificate-revoked"] == 1
    assert values["caxton_mesh_batches_resent_total",] == 7
    assert ("caxton_mesh_rtt_seconds", "median") not in values
