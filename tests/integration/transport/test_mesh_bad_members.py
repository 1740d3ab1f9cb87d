"""Members with good certificates that do not keep to the protocol, and what they can do to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.certificates import Pki
from tests.support.meshes import Cluster, Keeper, Node, open_cluster, until
from transport import EndReason, RequestRefused
from transport.frames import REQUEST_LANE, FrameType, encode_batch, encode_frame
from transport.links.contract import FIRST_LANE, REQUESTS
from transport.peer import Peer
from transport.settings import KIB

pytestmark = pytest.mark.story("019")


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with open_cluster("memory") as opened:
        yield opened


def peer_of(node: Node, other: Node) -> Peer:
    connections = node.mesh._connections
    assert connections is not None
    return connections.peers[other.node_id]


async def linked(a: Node, b: Node) -> None:
    """Let a dial b."""
    a.knows(b)
    await a.mesh.request(b.node_id, "echo", b"", 5)
    await until(lambda: peer_of(b, a).line is not None)


def write(node: Node, other: Node, channel: int, data: bytes) -> None:
    """Send what the node's own windows and lanes would not let out."""
    line = peer_of(node, other).line
    assert line is not None
    line.link.write(channel, data)


async def test_who_sends_more_than_was_granted_loses_its_link_before_more_is_kept(cluster: Cluster) -> None:
    a = await cluster.add("node-a")
    b = await cluster.add("node-b", kept_bytes_max=512 * KIB, window_bytes=256 * KIB)
    await linked(a, b)
    peer, b.keeper.keeps = peer_of(b, a), True
    for number in range(1, 41):
        payload = encode_batch(number, [bytes(100 * KIB)])
        write(a, b, FIRST_LANE, encode_frame(FrameType.BATCH, 0, payload))
    await until(lambda: b.mesh.stats.links_down)
    assert set(b.mesh.stats.links_down) == {EndReason.PROTOCOL}
    assert "were granted" in peer.last_failure
    assert 0 < b.keeper.count * 100 * KIB <= 512 * KIB


async def test_a_piece_on_a_lane_that_is_not_there_ends_the_link(cluster: Cluster) -> None:
    a, b = await cluster.add("node-a"), await cluster.add("node-b")
    await linked(a, b)
    peer = peer_of(b, a)
    write(a, b, REQUESTS, encode_frame(FrameType.CHUNK, 200, bytes(100)))
    await until(lambda: b.mesh.stats.links_down)
    assert "a frame of type 8 on lane 200" in peer.last_failure


async def test_a_piece_on_a_wrong_lane_of_a_replaced_link_ends_that_link(cluster: Cluster) -> None:
    a, b = await cluster.add("node-a"), await cluster.add("node-b")
    await linked(a, b)
    peer_of(b, a).retire_line()
    (retired,) = peer_of(b, a).retired
    write(a, b, REQUESTS, encode_frame(FrameType.REQUEST, REQUEST_LANE - 100, bytes(100)))
    await until(lambda: retired.line.link.closed)
    assert retired.line.link.ended == (EndReason.PROTOCOL, "a frame of type 9 on lane 154")


async def test_a_link_ends_even_when_its_last_credit_cannot_be_written(cluster: Cluster) -> None:
    credentials = cluster.pki.credentials("node-b")
    a, b = await cluster.add("node-a"), await cluster.add(credentials)
    await linked(a, b)
    peer = peer_of(b, a)
    assert peer._inbound is not None
    assert peer.line is not None
    peer._inbound.received[0] = -1  # no greeting can bring this about any more
    peer.line.unreported = 1
    denied = {"node-a": datetime.now(UTC) + timedelta(seconds=1)}
    b.mesh.use_credentials(replace(credentials, denied_nodes=denied))
    assert dict(b.mesh.stats.links_down) == {EndReason.REVOKED: 1}


class Stumbler(Keeper):
    """A handler with a bug: it cannot bear that a link goes."""

    def handle_link(self, peer: str, state: str, kind: str, reason: str) -> None:
        super().handle_link(peer, state, kind, reason)
        assert state == "up", "the bug"


async def test_a_bug_with_one_peer_does_not_stop_the_clock_of_the_others(cluster: Cluster) -> None:
    b = await cluster.add("node-b", keeper=Stumbler(), ping_interval_s=0.1, idle_close_s=0.05)
    for name in ("node-a", "node-c"):
        await linked(await cluster.add(name), b)
    await until(lambda: b.mesh.stats.links_down == {EndReason.IDLE: 2})
    b.keeper = b.mesh._handler = Keeper()  # so that the end of the test is quiet


async def test_who_answers_no_dials_does_not_keep_a_link_that_is_not_trusted_any_more() -> None:
    old, new = Pki(), Pki()
    both = old.authority.certificate_pem + new.authority.certificate_pem
    async with open_cluster("memory", old) as cluster:
        a = await cluster.add(replace(new.credentials("node-a"), ca_pem=both), ping_interval_s=0.1)
        b = await cluster.add(replace(old.credentials("node-b"), ca_pem=both))
        await linked(a, b)
        a.mesh.learn_peer("node-b", ("memory", 9))  # where nobody is
        a.mesh.use_credentials(new.credentials("node-a"))
        await until(lambda: a.mesh.peers()[0].last_failure, 10)
        assert a.mesh.stats.links_down == {}
        watch = a.mesh._connections._moves.find("node-b")  # type: ignore[union-attr]
        assert watch is not None
        now = asyncio.get_running_loop().time()
        assert now < watch.strict_until <= now + 30
        watch.strict_until = now  # half a minute later
        await until(lambda: a.mesh.stats.links_down)
        assert set(a.mesh.stats.links_down) == {EndReason.UNKNOWN_AUTHORITY}


async def test_senders_go_on_when_a_greeting_says_that_all_has_come(cluster: Cluster) -> None:
    a, b = await cluster.add("node-a", crowded_bytes=1000), await cluster.add("node-b")
    await linked(a, b)
    b.keeper.on_batch = b.cut_links  # before it can tell that it has the batch
    assert a.mesh.send("node-b", 0, [bytes(2000)])
    await until(lambda: a.keeper.roomy == ["node-b"], 10)
    assert b.keeper.count == 1
    assert not peer_of(a, b).session.has_mail


async def test_large_requests_are_refused_while_others_are_worked_on(cluster: Cluster) -> None:
    go_on = asyncio.Event()

    async def answer(peer: str, method: str, payload: bytes) -> bytes:
        await go_on.wait()
        return payload[:1]

    a = await cluster.add("node-a")
    b = await cluster.add("node-b", keeper=Keeper(answer), request_bytes_max=1000)
    a.knows(b)
    asked = [asyncio.create_task(a.mesh.request("node-b", "ask", b"x" * 900, 20)) for _ in range(2)]
    await until(lambda: "node-a" in b.mesh._connections.peers and peer_of(b, a).requests.busy)  # type: ignore[union-attr]
    await until(lambda: len(peer_of(b, a).requests._answering) == 2)
    with pytest.raises(RequestRefused, match="too large requests at the same time"):
        await a.mesh.request("node-b", "ask", b"x" * 900, 20)
    small = asyncio.create_task(a.mesh.request("node-b", "ask", b"y", 20))
    go_on.set()
    assert await asyncio.gather(*asked, small) == [b"x", b"x", b"y"]
    assert await a.mesh.request("node-b", "ask", b"x" * 900, 20) == b"x"
