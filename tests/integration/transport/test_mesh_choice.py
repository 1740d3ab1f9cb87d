"""`auto` on real sockets: it measures, moves the link, and loses nothing by it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.support.crooked_paths import crooked_path
from tests.support.meshes import Node, open_cluster, until
from tests.support.streams import streaming
from transport import EndReason
from transport.choice import KIB, Limits

pytestmark = pytest.mark.story("019")

EAGER = Limits(
    waiting_bytes=16 * KIB,
    flowing_bytes_per_s=64 * KIB,
    busy_periods=3,
    clean_loss=1.0,  # a crowded machine drops datagrams on loopback as well
    hold_s=0.3,
    retry_s=0.5,
)
CALM = replace(
    EAGER, flowing_bytes_per_s=1e12, busy_bytes_per_s=1e12, retry_s=3600.0
)  # only silence moves it
QUICK = {"limits": EAGER, "ping_interval_s": 0.2, "race_delay_s": 0.2}


def kind_of(node: Node) -> str:
    return next((peer.kind for peer in node.mesh.peers()), "")


async def test_a_flooded_quic_link_moves_to_tcp_and_nothing_is_lost() -> None:
    async with open_cluster("auto") as cluster:
        a, b = await cluster.add("node-a", **QUICK), await cluster.add("node-b", **QUICK)
        a.knows(b)
        assert await a.mesh.request("node-b", "echo", b"", 5) == b"node-a:"
        assert kind_of(a) == "quic"
        async with streaming((a, b)):
            await until(lambda: kind_of(a) == "tcp", 20)
        (peer,) = a.mesh.peers()
        assert peer.why.startswith("much to carry (")
        assert "clean path" in peer.why
        assert a.mesh.stats.links_moved == {"tcp": 1}
        assert a.mesh.stats.links_down == {EndReason.REPLACED: 1}


async def test_a_calm_link_stays_on_quic() -> None:
    async with open_cluster("auto") as cluster:
        a, b = await cluster.add("node-a", **QUICK), await cluster.add("node-b", **QUICK)
        a.knows(b)
        loop = asyncio.get_running_loop()
        until_at = loop.time() + 2 * EAGER.hold_s + 6 * 0.2 / 4
        while loop.time() < until_at:
            assert await a.mesh.request("node-b", "echo", b"now and then", 5) == b"node-a:now and then"
        assert kind_of(a) == "quic"
        assert a.mesh.stats.links_up == 1


@pytest.mark.parametrize("transport", ["quic", "tcp"])
async def test_a_kind_that_is_set_is_kept_under_flood(transport: str) -> None:
    async with open_cluster(transport) as cluster:
        a, b = await cluster.add("node-a", **QUICK), await cluster.add("node-b", **QUICK)
        a.knows(b)
        async with streaming((a, b)) as streams:
            await until(lambda: streams[0].sent > 20_000, 30)
        assert kind_of(a) == transport
        assert a.mesh.stats.links_up == 1
        assert a.mesh.peers()[0].why == f"{transport} is the only kind that was dialled"


async def test_a_quic_path_that_goes_silent_is_left_for_tcp() -> None:
    patient = {**QUICK, "limits": CALM}
    async with open_cluster("auto") as cluster:
        a, b = await cluster.add("node-a", **patient), await cluster.add("node-b", **patient)
        with crooked_path(b) as path:
            a.mesh.learn_peer("node-b", path.address)
            async with streaming((a, b)) as streams:
                await until(lambda: kind_of(a) == "quic" and streams[0].sent > 500)
                path.block_udp()
                await until(lambda: kind_of(a) == "tcp", 20)
            (peer,) = a.mesh.peers()
            assert peer.why == "3 pings over quic unanswered"
            assert set(a.mesh.stats.links_down) == {EndReason.REPLACED}


async def test_quic_is_tried_again_where_udp_did_not_pass_and_taken_when_it_does() -> None:
    async with open_cluster("auto") as cluster:
        a, b = await cluster.add("node-a", **QUICK), await cluster.add("node-b", **QUICK)
        with crooked_path(b) as path:
            path.block_udp()
            a.mesh.learn_peer("node-b", path.address)
            assert await a.mesh.request("node-b", "echo", b"", 5) == b"node-a:"
            (peer,) = a.mesh.peers()
            assert (peer.kind, peer.why) == ("tcp", "quic had not answered after 200 ms")
            path.pass_udp()
            await until(lambda: kind_of(a) == "quic", 20)
            (peer,) = a.mesh.peers()
            assert peer.why == "QUIC passes again"
            assert await b.mesh.request("node-a", "echo", b"", 5) == b"node-b:"


async def test_a_client_whose_port_changes_keeps_its_link_under_load() -> None:
    async with open_cluster("quic") as cluster:
        a, b = await cluster.add("node-a", **QUICK), await cluster.add("node-b", **QUICK)
        with crooked_path(b) as path:
            a.mesh.learn_peer("node-b", path.address)
            await a.mesh.request("node-b", "echo", b"", 5)
            async with streaming((a, b), (b, a)) as streams:
                for _ in range(4):
                    sent = [stream.sent for stream in streams]
                    path.udp.rebind()
                    await until(lambda: all(s.sent > n + 500 for s, n in zip(streams, sent, strict=True)))  # noqa: B023
            assert path.udp.flows_made == 5
            assert a.mesh.stats.links_up == b.mesh.stats.links_up == 1
            assert a.mesh.stats.batches_resent == b.mesh.stats.batches_resent == 0


async def test_a_tcp_path_that_goes_silent_is_left_for_quic() -> None:
    patient = {**QUICK, "limits": CALM}
    async with open_cluster("auto") as cluster:
        a, b = await cluster.add("node-a", **patient), await cluster.add("node-b", **patient)
        with crooked_path(b) as path:
            path.block_udp()
            a.mesh.learn_peer("node-b", path.address)
            async with streaming((a, b)) as streams:
                await until(lambda: kind_of(a) == "tcp" and streams[0].sent > 500)
                path.pass_udp()
                path.swallow_tcp()
                await until(lambda: kind_of(a) == "quic", 20)
            assert a.mesh.peers()[0].why == "3 pings over tcp unanswered"


@pytest.mark.parametrize("bytes_max", [1200, 1452, 8899])
async def test_a_path_narrower_than_its_interface_says_comes_up_over_quic(bytes_max: int) -> None:
    async with open_cluster("quic") as cluster:
        a, b = await cluster.add("node-a"), await cluster.add("node-b")
        with crooked_path(b) as path:
            path.narrow_udp(bytes_max)
            a.mesh.learn_peer("node-b", path.address)
            assert await a.mesh.request("node-b", "echo", bytes(100_000), 5) == b"node-a:" + bytes(100_000)
        assert a.mesh.peers()[0].kind == "quic"
        assert not b.mesh.stats.refused


async def test_a_path_that_carries_large_datagrams_is_used_for_them() -> None:
    async with open_cluster("quic") as cluster:
        a, b = await cluster.add("node-a"), await cluster.add("node-b")
        with crooked_path(b) as path:
            path.narrow_udp(8900)
            a.mesh.learn_peer("node-b", path.address)
            await a.mesh.request("node-b", "echo", bytes(1_000_000), 5)
            line = a.mesh._connections.peers["node-b"].line  # type: ignore[union-attr]
            assert line is not None
            assert line.link.path().sent_packets < 250
