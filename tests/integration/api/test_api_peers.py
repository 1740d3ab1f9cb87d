"""Links and their reasons through the API, the command line and the metrics of real nodes."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.support.api import Node, call
from tests.support.cli import caxton

pytestmark = [pytest.mark.story("019"), pytest.mark.asyncio(loop_scope="session")]


async def linked(near: Node) -> None:
    """See to it that a link is up."""
    await call(near.local, lambda client: client.cluster.ping("n2", over_link=True, timeout_s=5.0))


async def test_every_node_lists_its_peers_and_why_their_links_are_as_they_are(n1, n2):
    await linked(n1)
    for asked in ("n1", "n2"):
        (peer,) = await call(n1.local, lambda client: client.cluster.peers(node=asked))  # noqa: B023
        assert {asked, peer.node_id} == {"n1", "n2"}
        assert (peer.state, peer.kind) == ("up", "quic")
        assert peer.why in {"quic was dialled first and answered", "the peer dialled"}
        assert peer.address.startswith("127.0.0.1:")
        assert peer.bytes_in > 0
        assert peer.bytes_out > 0
        assert peer.rtt_ms > 0
        assert abs(peer.clock_skew_s) < 5
        assert peer.certificate_ends_unix_ms > 1000 * (time.time() + 86_400)


async def test_the_command_line_shows_them(n1, n2):
    await linked(n1)
    words = ("--data-dir", n1.data_dir, "cluster", "peers")
    table = await asyncio.to_thread(caxton, *words)
    assert table.code == 0, table.err
    head, row = table.out.splitlines()
    assert head.split()[:3] == ["PEER", "LINK", "KIND"]
    assert row.split()[:3] == ["n2", "up", "quic"]
    wide = await asyncio.to_thread(caxton, *words, "-o", "wide")
    assert "CERTIFICATE" in wide.out
    there = await asyncio.to_thread(caxton, *words, "--node", "n2", "-o", "json")
    (found,) = json.loads(there.out)
    assert (found["node_id"], found["kind"]) == ("n1", "quic")


async def test_the_metrics_of_the_mesh_agree(n1, n2):
    await linked(n1)
    found = await call(n1.local, lambda client: client.server.metrics(prefix="caxton_mesh"))
    values = {
        (metric.name, *sorted(sample.labels.values())): sample.value
        for metric in found
        for sample in metric.samples
    }
    assert values["caxton_mesh_links", "quic", "up"] == 1
    assert values["caxton_mesh_links_begun_total",] >= 1
    assert values["caxton_mesh_bytes_total", "in"] > 0
    assert 0 < values["caxton_mesh_rtt_seconds", "median"] <= values["caxton_mesh_rtt_seconds", "slowest"]
    assert values["caxton_mesh_batches_resent_total",] == 0
    assert values["caxton_mesh_clock_skew_seconds",] < 5
