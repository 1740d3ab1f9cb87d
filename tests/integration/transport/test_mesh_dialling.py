"""How links come to be: which transport, one link for two dials, and again until somebody is there."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.meshes import KINDS, Node, open_cluster, until
from transport import EndReason, LinkFailed, PeerState

pytestmark = pytest.mark.story("019")


def stop_udp(node: Node) -> None:
    port = node.mesh._port
    assert port is not None
    port.close()


async def test_auto_takes_quic_where_it_passes() -> None:
    async with open_cluster("auto") as cluster:
        a, b = await cluster.add("node-a"), await cluster.add("node-b")
        a.knows(b)
        assert await a.mesh.request("node-b", "echo", b"", 5) == b"node-a:"
        assert a.mesh.peers()[0].kind == "quic"


async def test_auto_goes_on_with_tcp_where_udp_is_silent_and_remembers_it() -> None:
    async with open_cluster("auto") as cluster:
        a = await cluster.add("node-a", race_delay_s=0.4)
        b = await cluster.add("node-b")
        stop_udp(b)
        a.knows(b)
        loop = asyncio.get_running_loop()
        started = loop.time()
        assert await a.mesh.request("node-b", "echo", b"", 5) == b"node-a:"
        assert loop.time() - started >= 0.4
        assert a.mesh.peers()[0].kind == "tcp"
        a.cut_links()
        started = loop.time()
        assert await a.mesh.request("node-b", "echo", b"", 5) == b"node-a:"
        assert loop.time() - started < 0.4
        assert a.mesh.stats.links_up == 2


async def test_quic_alone_times_out_where_udp_is_silent() -> None:
    async with open_cluster("quic") as cluster:
        a, b = await cluster.add("node-a", handshake_timeout_s=0.2), await cluster.add("node-b")
        stop_udp(b)
        a.knows(b)
        with pytest.raises(LinkFailed) as caught:
            await a.mesh.request("node-b", "echo", b"", 5)
        assert caught.value.reason is EndReason.TIMEOUT


async def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    for kind in ("quic", "tcp"):
        async with open_cluster(kind) as cluster:
            a = await cluster.add("node-a")
            a.mesh.learn_peer("node-b", ("no-such-host.invalid", 1))
            with pytest.raises(LinkFailed) as caught:
                await a.mesh.request("node-b", "echo", b"", 5)
            assert caught.value.reason is EndReason.UNREACHABLE


async def test_a_host_name_is_looked_up() -> None:
    async with open_cluster("auto") as cluster:
        a, b = await cluster.add("node-a"), await cluster.add("node-b")
        a.mesh.learn_peer("node-b", ("localhost", b.address[1]))
        assert await a.mesh.request("node-b", "echo", b"", 5) == b"node-a:"


@pytest.mark.parametrize("kind", [*KINDS, "auto"])
async def test_when_all_dial_all_each_pair_keeps_one_link(kind: str) -> None:
    async with open_cluster(kind) as cluster:
        nodes = [await cluster.add(f"node-{number}") for number in range(5)]
        for one in nodes:
            for other in nodes:
                if one is not other:
                    one.knows(other)
                    one.mesh.send(other.node_id, 1, [one.node_id.encode()])
        await until(lambda: all(node.keeper.count == 4 for node in nodes))
        asked = [
            one.mesh.request(other.node_id, "echo", b"", 5)
            for one in nodes
            for other in nodes
            if one is not other
        ]
        assert len(await asyncio.gather(*asked)) == 20
        for node in nodes:
            assert sorted(node.keeper.envelopes) == sorted(
                other.node_id.encode() for other in nodes if other is not node
            )
            assert node.mesh.stats.links_up == 4
            assert all(status.state is PeerState.UP for status in node.mesh.peers())


@pytest.mark.parametrize("kind", KINDS)
async def test_requests_that_cross_while_both_dial_are_both_answered(kind: str) -> None:
    for _ in range(10):
        async with open_cluster(kind) as cluster:
            a, b = await cluster.add("node-a"), await cluster.add("node-b")
            a.knows(b)
            b.knows(a)
            answers = await asyncio.gather(
                a.mesh.request("node-b", "echo", b"1", 5), b.mesh.request("node-a", "echo", b"2", 5)
            )
            assert list(answers) == [b"node-a:1", b"node-b:2"]


@pytest.mark.parametrize("kind", ["quic", "tcp", "auto"])
async def test_mail_for_a_node_that_is_not_there_yet_waits_for_it(kind: str) -> None:
    async with open_cluster(kind) as cluster:
        a = await cluster.add("node-a", handshake_timeout_s=0.1, redial_min_s=0.02, redial_max_s=0.05)
        b = await cluster.add("node-b")
        port = b.address[1]
        await b.mesh.close()
        a.knows(b)
        a.mesh.send("node-b", 1, [b"hello"])
        await until(lambda: a.mesh.peers()[0].last_failure)
        late = await cluster.add("node-b", epoch=2, port=port)
        await until(lambda: late.keeper.envelopes == [b"hello"])


async def test_learning_a_new_address_ends_the_wait() -> None:
    async with open_cluster("tcp") as cluster:
        a = await cluster.add("node-a", redial_min_s=30, redial_max_s=30)
        b = await cluster.add("node-b")
        a.mesh.learn_peer("node-b", ("127.0.0.1", 1))
        a.mesh.send("node-b", 1, [b"hello"])
        await until(lambda: a.mesh.peers()[0].state is PeerState.WAITING)
        a.knows(b)
        await until(lambda: b.keeper.envelopes == [b"hello"])


async def test_nobody_dials_without_something_to_send() -> None:
    async with open_cluster("auto") as cluster:
        a, b = await cluster.add("node-a"), await cluster.add("node-b")
        a.knows(b)
        a.mesh.send("node-b", 1, [])
        assert a.mesh.peers()[0].state is PeerState.IDLE
        assert b.mesh.peers() == []


async def test_a_node_that_learned_itself_does_not_talk_to_itself() -> None:
    async with open_cluster("tcp") as cluster:
        a = await cluster.add("node-a")
        a.knows(a)
        with pytest.raises(LinkFailed):
            await a.mesh.request("node-a", "echo", b"", 2)


async def test_a_dial_given_up_in_any_turn_of_the_loop_breaks_no_rule() -> None:
    """Also in the one turn in which its WELCOME comes: the other side must not read of a protocol error."""
    async with open_cluster("memory") as cluster:
        a = await cluster.add("node-a")
        b = await cluster.add("node-b", handshake_timeout_s=0.2)
        a.knows(b)
        connections = a.mesh._connections
        assert connections is not None
        for turns in range(16):
            asking = asyncio.create_task(a.mesh.request("node-b", "echo", b"", 5))
            for _ in range(turns):
                await asyncio.sleep(0)
            connections._stop_dialling("node-b")
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            a.cut_links()
            await until(lambda: not cluster.network.links)
        assert EndReason.PROTOCOL not in b.mesh.stats.refused
        assert await a.mesh.request("node-b", "echo", b"", 5) == b"node-a:"
