"""A link is replaced while it is up: no mail is lost, doubled or reordered, every question is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.support.certificates import Pki
from tests.support.meshes import KINDS, Cluster, Keeper, Node, open_cluster, until
from tests.support.streams import streaming
from transport import EndReason
from transport.choice import Limits, Move
from transport.peer import Peer

pytestmark = pytest.mark.story("022")

NEVER = Limits(hold_s=3600.0, pings_max=10**6)


def peer_of(node: Node, other: Node) -> Peer:
    connections = node.mesh._connections
    assert connections is not None
    return connections.peers[other.node_id]


def move(node: Node, other: Node, kind: str) -> bool:
    connections = node.mesh._connections
    assert connections is not None
    return connections.replace(peer_of(node, other), Move(kind, "a test wants it"))


def kind_of(node: Node, other: Node) -> str:
    line = peer_of(node, other).line
    return line.link.kind if line is not None else ""


async def linked(
    cluster: Cluster, *, keepers: Sequence[Keeper] = (), **settings: object
) -> tuple[Node, Node]:
    """Give two nodes with a link that a dialled."""
    ours, theirs = keepers or (Keeper(), Keeper())
    a = await cluster.add("node-a", keeper=ours, limits=NEVER, ping_interval_s=0.2, **settings)
    b = await cluster.add("node-b", keeper=theirs, limits=NEVER, ping_interval_s=0.2, **settings)
    a.knows(b)
    await a.mesh.request("node-b", "echo", b"", 5)
    return a, b


async def linked_under_two(cluster: Cluster, old: Pki, new: Pki) -> tuple[Node, Node]:
    """Give two linked nodes that trust both authorities: a has a certificate of the new one, b of the old."""
    both = old.authority.certificate_pem + new.authority.certificate_pem
    a, b = [
        await cluster.add(replace(pki.credentials(node_id), ca_pem=both), limits=NEVER, ping_interval_s=0.2)
        for node_id, pki in (("node-a", new), ("node-b", old))
    ]
    a.knows(b)
    await a.mesh.request("node-b", "echo", b"", 5)
    return a, b


@pytest.mark.parametrize("kind", KINDS)
async def test_mail_in_both_directions_survives_ten_replacements(kind: str) -> None:
    async with open_cluster(kind) as cluster:
        a, b = await linked(cluster)
        async with streaming((a, b), (b, a)) as streams:
            for number in range(10):
                before, sent = peer_of(a, b).line, streams[0].sent
                assert move(a, b, kind)
                await until(lambda: peer_of(a, b).line is not before and peer_of(a, b).line)  # noqa: B023
                await until(lambda: streams[0].sent > sent + 200)  # noqa: B023
                assert a.mesh.stats.links_up == number + 2
        assert a.mesh.stats.links_down == {EndReason.REPLACED: 10}
        await until(lambda: not peer_of(a, b).retired and not peer_of(b, a).retired)


async def test_a_link_moves_between_quic_and_tcp_and_back_under_load() -> None:
    async with open_cluster("auto") as cluster:
        a, b = await linked(cluster)
        assert kind_of(a, b) == "quic"
        async with streaming((a, b), (b, a)) as streams:
            for kind in ("tcp", "quic", "tcp", "quic"):
                sent = streams[1].sent
                assert move(a, b, kind)
                await until(lambda: kind_of(a, b) == kind_of(b, a) == kind)  # noqa: B023
                await until(lambda: streams[1].sent > sent + 200)  # noqa: B023
        assert a.mesh.stats.links_moved == {"tcp": 2, "quic": 2}
        assert a.mesh.peers()[0].why == "a test wants it"
        assert b.mesh.peers()[0].why == "the peer replaced a link"


@pytest.mark.parametrize("kind", KINDS)
async def test_questions_that_are_under_way_are_answered_on_the_old_link(kind: str) -> None:
    go_on = asyncio.Event()

    async def answer(peer: str, method: str, payload: bytes) -> bytes:
        if method == "ask":
            await go_on.wait()
        return peer.encode() + payload

    async with open_cluster(kind) as cluster:
        a, b = await linked(cluster, keepers=[Keeper(answer), Keeper(answer)])
        large = bytes(300_000)
        there = [asyncio.create_task(a.mesh.request("node-b", "ask", large, 20)) for _ in range(3)]
        await until(lambda: len(peer_of(b, a).requests._answering) == 3)
        back = [asyncio.create_task(b.mesh.request("node-a", "ask", large, 20)) for _ in range(3)]
        await until(lambda: len(peer_of(a, b).requests._answering) == 3)
        before = peer_of(a, b).line
        assert move(a, b, kind)
        await until(lambda: peer_of(a, b).line not in {before, None})
        await until(lambda: peer_of(b, a).retired)
        later = [asyncio.create_task(a.mesh.request("node-b", "ask", b"new", 20))]
        go_on.set()
        assert await asyncio.gather(*there) == [b"node-a" + large] * 3
        assert await asyncio.gather(*back) == [b"node-b" + large] * 3
        assert await asyncio.gather(*later) == [b"node-anew"]
        await until(lambda: not peer_of(a, b).retired and not peer_of(b, a).retired)
        assert before is not None
        assert before.link.closed


async def test_the_link_that_is_up_stays_when_the_new_one_cannot_be_made() -> None:
    async with open_cluster("auto") as cluster:
        a, b = await linked(cluster, handshake_timeout_s=0.3)
        port = b.mesh._port
        assert port is not None
        await port.carriers["tcp"].close()
        assert move(a, b, "tcp")
        await until(lambda: a.mesh.peers()[0].last_failure)
        assert kind_of(a, b) == "quic"
        assert await a.mesh.request("node-b", "echo", b"still", 5) == b"node-a:still"
        assert a.mesh.stats.links_down == {}


@pytest.mark.parametrize("kind", KINDS)
async def test_when_both_replace_at_once_one_new_link_is_left(kind: str) -> None:
    async with open_cluster(kind) as cluster:
        a, b = await linked(cluster)
        b.knows(a)
        async with streaming((a, b), (b, a)):
            for _ in range(5):
                ups = a.mesh.stats.links_up
                assert move(a, b, kind)
                move(b, a, kind)
                await until(lambda: a.mesh.stats.links_up > ups)  # noqa: B023
                await until(lambda: kind_of(a, b) and kind_of(b, a))
                await until(lambda: not (a.mesh._connections._dials or b.mesh._connections._dials))  # type: ignore[union-attr]
        await until(lambda: not peer_of(a, b).retired and not peer_of(b, a).retired)
        assert await a.mesh.request("node-b", "echo", b"", 5) == b"node-a:"
        assert await b.mesh.request("node-a", "echo", b"", 5) == b"node-b:"


async def test_a_peer_that_only_dials_us_is_not_replaced_by_us() -> None:
    async with open_cluster("tcp") as cluster:
        a, b = await linked(cluster)
        assert not move(b, a, "tcp")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_renewed_certificate_reaches_the_peers_with_new_links(kind: str) -> None:
    pki = Pki()
    async with open_cluster(kind, pki) as cluster:
        a, b = await linked(cluster, renew_spread_s=0.3)
        renewed = pki.credentials("node-a")
        async with streaming((a, b), (b, a)):
            old = peer_of(b, a).line
            assert old is not None
            a.mesh.use_credentials(renewed)
            await until(lambda: (line := peer_of(b, a).line) is not None and line is not old)
            new = peer_of(b, a).line
            assert new is not None
            assert new.link.identity.serial_number != old.link.identity.serial_number
        assert b.mesh.stats.links_down == {EndReason.REPLACED: 1}
        assert not a.mesh.stats.dials_refused


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_is_renewed_well_before_the_peers_certificate_runs_out(kind: str) -> None:
    """The link was made near the end of the certificate; its peer has a better one by now."""
    pki = Pki()
    async with open_cluster(kind, pki) as cluster:
        a = await cluster.add("node-a", limits=NEVER, ping_interval_s=0.2)
        # a certificate of a day that ends in an hour: the last twentieth of its life has begun
        ending = pki.odd_credentials("node-b", since_days=-1, until_days=1 / 24)
        b = await cluster.add(ending, limits=NEVER, ping_interval_s=0.2)
        a.knows(b)
        await a.mesh.request("node-b", "echo", b"", 5)
        watch = a.mesh._connections._moves.find("node-b")  # type: ignore[union-attr]
        assert watch is not None
        assert watch.renew_at is not None
        now = asyncio.get_running_loop().time()
        assert now < watch.renew_at <= now + 3600 / 2
        b.mesh.use_credentials(pki.credentials("node-b"))
        watch.renew_at = now  # half an hour later
        await until(lambda: a.mesh.stats.links_down == {EndReason.REPLACED: 1})
        ends = a.mesh.peers()[0].certificate_ends
        assert ends is not None
        assert (ends - peer_of(a, b).line.link.identity.not_before).days > 100  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", KINDS)
async def test_peers_of_an_authority_that_went_are_asked_for_a_newer_certificate(kind: str) -> None:
    old, new = Pki(), Pki()
    both = old.authority.certificate_pem + new.authority.certificate_pem
    async with open_cluster(kind, old) as cluster:
        a, b = await linked_under_two(cluster, old, new)
        async with streaming((a, b), (b, a)):
            b.mesh.use_credentials(replace(new.credentials("node-b"), ca_pem=both))
            a.mesh.use_credentials(new.credentials("node-a"))  # trusts the new authority alone
            await until(lambda: a.mesh.stats.links_down[EndReason.REPLACED])
        assert set(a.mesh.stats.links_down) == {EndReason.REPLACED}
        assert not a.mesh.stats.dials_refused


@pytest.mark.parametrize("kind", KINDS)
async def test_a_peer_without_a_newer_certificate_is_cut_off(kind: str) -> None:
    old, new = Pki(), Pki()
    async with open_cluster(kind, old) as cluster:
        a, _b = await linked_under_two(cluster, old, new)
        a.mesh.use_credentials(new.credentials("node-a"))
        await until(lambda: a.mesh.stats.links_down)
        assert set(a.mesh.stats.links_down) == {EndReason.UNKNOWN_AUTHORITY}
