"""What the mesh promises about mail, on every kind of link: all of it, once, in order, whatever breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvloop

from tests.support.certificates import Pki
from tests.support.meshes import KINDS, SOCKET_KINDS, Cluster, Keeper, Node, open_cluster, open_relay, until
from transport import (
    BacklogFull,
    LinkFailed,
    MeshClosed,
    PeerState,
    PeerUnknown,
    RequestRefused,
    RequestTimeout,
    TooLarge,
)
from transport.settings import KIB, MIB

pytestmark = pytest.mark.story("019")
COUNT = 10_000


@pytest.fixture(params=KINDS)
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    async with open_cluster(request.param) as opened:
        yield opened


def numbered(count: int, size: int = 64) -> list[bytes]:
    return [b"%08d" % number + bytes(size - 8) for number in range(count)]


def send_all(sender: Node, target: Node, envelopes: list[bytes], batch: int = 32) -> None:
    for start in range(0, len(envelopes), batch):
        sender.mesh.send(target.node_id, start // batch, envelopes[start : start + batch])


def assert_once_and_in_order(target: Node, sent: list[bytes]) -> None:
    assert target.keeper.count == len(sent)
    for lane in target.keeper.lanes.values():
        assert lane == sorted(lane)
    assert sorted(target.keeper.envelopes) == sent


async def pair(cluster: Cluster, **settings: Any) -> tuple[Node, Node]:
    a, b = await cluster.add("node-a", **settings), await cluster.add("node-b", **settings)
    a.knows(b)
    b.knows(a)
    return a, b


async def test_ten_thousand_messages_arrive_once_and_in_order(cluster: Cluster) -> None:
    a, b = await pair(cluster)
    sent = numbered(COUNT)
    send_all(a, b, sent)
    await until(lambda: b.keeper.count >= COUNT)
    assert_once_and_in_order(b, sent)
    assert len(b.keeper.lanes) == 4
    await until(lambda: a.mesh.peers()[0].backlog_bytes == 0)


async def test_mail_for_a_node_that_is_still_starting_waits_with_its_sender(cluster: Cluster) -> None:
    a = await cluster.add("node-a", redial_min_s=0.01, redial_max_s=0.02)
    b = await cluster.add("node-b", welcoming=False)
    a.knows(b)
    sent = numbered(100)
    send_all(a, b, sent)
    await until(lambda: a.mesh.peers()[0].last_failure)
    assert "still starting" in a.mesh.peers()[0].last_failure
    assert b.keeper.links == []
    b.mesh.welcome()
    await until(lambda: b.keeper.count == 100)
    assert_once_and_in_order(b, sent)
    assert not b.mesh.stats.refused


async def test_both_directions_share_one_link_although_both_dial(cluster: Cluster) -> None:
    a, b = await pair(cluster)
    sent = numbered(2000)
    send_all(a, b, sent)
    send_all(b, a, sent)
    await until(lambda: a.keeper.count == b.keeper.count == 2000)
    assert_once_and_in_order(a, sent)
    assert_once_and_in_order(b, sent)
    assert (a.mesh.stats.links_up, b.mesh.stats.links_up) == (1, 1)
    assert (a.keeper.links_up(), b.keeper.links_up()) == (1, 1)


async def test_nothing_is_lost_or_doubled_when_links_break_in_the_middle(cluster: Cluster) -> None:
    a, b = await pair(cluster, redial_min_s=0.01, silence_timeout_s=0.4, ping_interval_s=0.1)
    cuts = iter((1000, 3000, 6000))
    cut_at = next(cuts)

    def cut() -> None:
        nonlocal cut_at
        if b.keeper.count > cut_at:
            cut_at = next(cuts, 2 * COUNT)
            (a if cut_at == 3000 else b).cut_links()

    b.keeper.on_batch = cut
    sent = numbered(COUNT)
    send_all(a, b, sent)
    await until(lambda: b.keeper.count >= COUNT)
    assert_once_and_in_order(b, sent)
    assert a.mesh.stats.links_up >= 3
    assert a.mesh.stats.batches_resent > 0


async def test_a_peer_that_starts_again_gets_what_the_old_process_did_not_handle(cluster: Cluster) -> None:
    a, b = await pair(
        cluster, redial_min_s=0.01, redial_max_s=0.05, race_delay_s=0.01, handshake_timeout_s=0.3
    )
    a.mesh.send("node-b", 1, [b"first"])
    await until(lambda: b.keeper.count == 1)
    port = b.address[1] if cluster.kind != "memory" else 0
    await b.mesh.close()
    await until(lambda: a.keeper.links_up() == 0)
    send_all(a, b, numbered(200))
    again = await cluster.add("node-b", epoch=2, port=port)
    a.knows(again)
    await until(lambda: again.keeper.count >= 200)
    assert_once_and_in_order(again, numbered(200))


async def test_a_peer_that_starts_again_and_dials_first_replaces_its_dead_link(cluster: Cluster) -> None:
    a, b = await pair(cluster)
    a.mesh.send("node-b", 1, [b"one"])
    await until(lambda: b.keeper.count == 1)
    await until(lambda: a.mesh.peers()[0].backlog_bytes == 0)
    again = await cluster.add("node-b", epoch=2)
    again.knows(a)
    again.mesh.send("node-a", 1, [b"two"])
    await until(lambda: a.keeper.count == 1)
    assert ("node-b", "down", cluster.kind, "replaced") in a.keeper.links
    a.mesh.send("node-b", 1, [b"three"])
    await until(lambda: again.keeper.envelopes == [b"three"])


async def test_an_older_process_of_a_node_is_refused(cluster: Cluster) -> None:
    a = await cluster.add("node-a")
    new, old = await cluster.add("node-b", epoch=5), await cluster.add("node-b", epoch=4)
    for node in (new, old):
        node.knows(a)
    new.mesh.send("node-a", 1, [b"new"])
    await until(lambda: a.keeper.count == 1)
    old.mesh.send("node-a", 1, [b"old"])
    await until(lambda: "older process" in old.mesh.peers()[0].last_failure)
    assert a.keeper.envelopes == [b"new"]


async def test_forgetting_a_peer_returns_what_it_did_not_take_in_order(cluster: Cluster) -> None:
    a = await cluster.add("node-a")
    a.mesh.learn_peer("node-b", ("127.0.0.1", 9))
    sent = numbered(300)
    send_all(a, Node(a.mesh, a.keeper, a.address, "node-b"), sent)
    assert sorted(a.mesh.forget_peer("node-b")) == sent
    assert a.mesh.forget_peer("node-b") == []
    with pytest.raises(PeerUnknown):
        a.mesh.send("node-b", 1, [b"late"])


async def test_forgetting_a_peer_closes_its_link_and_a_new_session_begins_afresh(cluster: Cluster) -> None:
    a, b = await pair(cluster)
    send_all(a, b, numbered(100))
    await until(lambda: b.keeper.count == 100)
    await until(lambda: a.mesh.peers()[0].backlog_bytes == 0)
    assert a.mesh.forget_peer("node-b") == []
    await until(lambda: b.keeper.links_up() == 0)
    a.knows(b)
    send_all(a, b, numbered(100))
    await until(lambda: b.keeper.count == 200)
    assert a.keeper.links_up() == 1


async def test_a_full_backlog_refuses_and_takes_nothing(cluster: Cluster) -> None:
    a = await cluster.add("node-a", backlog_bytes_max=1000)
    a.mesh.learn_peer("node-b", ("127.0.0.1", 9))
    a.mesh.send("node-b", 1, [bytes(900)])
    with pytest.raises(BacklogFull):
        a.mesh.send("node-b", 1, [b"x", bytes(200)])
    assert a.mesh.peers()[0].backlog_bytes == 900


async def test_an_envelope_over_the_limit_is_refused(cluster: Cluster) -> None:
    a = await cluster.add("node-a", envelope_bytes_max=1000)
    a.mesh.learn_peer("node-b", ("127.0.0.1", 9))
    with pytest.raises(TooLarge, match="1001"):
        a.mesh.send("node-b", 1, [b"x", bytes(1001)])


async def test_an_envelope_larger_than_a_frame_and_the_window_arrives_whole(cluster: Cluster) -> None:
    a, b = await pair(cluster, window_bytes=128 * KIB, frame_bytes_max=128 * KIB)
    large = bytes(range(256)) * 4096 * 3
    a.mesh.send("node-b", 7, [b"before", large, b"after"])
    await until(lambda: b.keeper.count == 3)
    assert b.keeper.lanes["node-a", 3] == [b"before", large, b"after"]


async def test_what_a_slow_consumer_keeps_is_bounded_whatever_happens_to_the_link(cluster: Cluster) -> None:
    quick = {"redial_min_s": 0.01, "silence_timeout_s": 0.4, "ping_interval_s": 0.1}
    a, b = await pair(cluster, kept_bytes_max=512 * KIB, **quick)
    b.keeper.keeps = True
    sent = numbered(4000, KIB)
    assert not a.mesh.send("node-b", 0, sent[:1])
    send_all(a, b, sent[1:], batch=1)
    for cut in range(4):
        await until(lambda: b.keeper.count >= 440)
        await a.mesh.request("node-b", "echo", b"", 10)  # whatever was on its way is here by now
        assert b.keeper.count * KIB <= 512 * KIB, f"after {cut} reconnections"
        b.cut_links()
        await until(lambda cut=cut: a.mesh.stats.links_up > cut + 1)
    assert a.keeper.roomy == []
    while b.keeper.count < len(sent):
        kept = b.keeper.count
        b.mesh.release("node-a", 256 * KIB)
        await until(lambda kept=kept: b.keeper.count > kept)
    assert_once_and_in_order(b, sent)
    await until(lambda: a.keeper.roomy == ["node-b"])


async def test_compressed_mail_arrives_whole_and_both_kinds_may_meet(cluster: Cluster) -> None:
    a, b = await cluster.add("node-a", compresses=True), await cluster.add("node-b")
    a.knows(b)
    b.knows(a)
    sent = numbered(2000, KIB)
    send_all(a, b, sent)
    send_all(b, a, sent)
    await until(lambda: a.keeper.count == b.keeper.count == 2000)
    assert_once_and_in_order(a, sent)
    assert_once_and_in_order(b, sent)
    status = a.mesh.peers()[0]
    assert status.bytes_out < 2000 * KIB / 5 < status.bytes_in


async def test_a_handler_that_fails_does_not_stop_the_mail(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    a, b = await pair(cluster)

    def fail() -> None:
        if b.keeper.count == 1:
            raise RuntimeError("a bug")

    b.keeper.on_batch = fail
    a.mesh.send("node-b", 1, [b"one"])
    await until(lambda: b.keeper.count == 1)
    a.mesh.send("node-b", 1, [b"two"])
    await until(lambda: b.keeper.count == 2)
    assert b.mesh.stats.handler_errors == 1
    assert [record.message for record in caplog.records if record.exc_info] == [
        "a batch from node-a could not be handled"
    ]


async def test_requests_are_answered_refused_and_time_out(cluster: Cluster) -> None:

    a, b = await pair(cluster)
    assert await a.mesh.request("node-b", "echo", b"ping", 5) == b"node-a:ping"
    assert await b.mesh.request("node-a", "echo", b"pong", 5) == b"node-b:pong"
    with pytest.raises(RequestRefused, match="not today"):
        await a.mesh.request("node-b", "refuse", b"", 5)

    async def never(peer: str, method: str, payload: bytes) -> bytes:
        await asyncio.Event().wait()
        return b""

    b.keeper.answer = never
    with pytest.raises(RequestTimeout, match=r"0\.05 s"):
        await a.mesh.request("node-b", "echo", b"", 0.05)


async def test_a_large_request_and_answer_pass_while_mail_and_small_requests_overtake_them(
    cluster: Cluster,
) -> None:
    a, b = await pair(cluster)
    order: list[str] = []
    large = bytes(range(256)) * 4 * 8192

    async def answer(peer: str, method: str, payload: bytes) -> bytes:
        order.append(method)
        return payload[::-1]

    b.keeper.answer = answer
    assert await a.mesh.request("node-b", "first", b"12", 5) == b"21"
    slow = asyncio.create_task(a.mesh.request("node-b", "large", large, 20))
    await asyncio.sleep(0)
    quick = await a.mesh.request("node-b", "small", b"ab", 5)
    a.mesh.send("node-b", 1, [b"mail"])
    await until(lambda: b.keeper.count == 1)
    assert quick == b"ba"
    assert await slow == large[::-1]
    assert order == ["first", "small", "large"]


async def test_a_request_over_the_limit_is_refused(cluster: Cluster) -> None:
    a, _ = await pair(cluster, request_bytes_max=1000)
    with pytest.raises(TooLarge):
        await a.mesh.request("node-b", "echo", bytes(1001), 5)

    with pytest.raises(RequestRefused, match="too large"):
        await a.mesh.request("node-b", "echo", bytes(1000), 5)


async def test_too_many_requests_at_once_are_refused_and_not_queued(cluster: Cluster) -> None:

    a, b = await pair(cluster, requests_concurrent_max=2)
    gate = asyncio.Event()

    async def wait(peer: str, method: str, payload: bytes) -> bytes:
        await gate.wait()
        return b"done"

    b.keeper.answer = wait
    asked = [asyncio.create_task(a.mesh.request("node-b", "wait", b"", 5)) for _ in range(3)]
    with pytest.raises(RequestRefused, match="too many"):
        await asked[2]
    gate.set()
    assert await asyncio.gather(*asked[:2]) == [b"done", b"done"]


async def test_a_request_fails_at_once_when_its_link_breaks(cluster: Cluster) -> None:

    a, b = await pair(cluster)

    async def cut(peer: str, method: str, payload: bytes) -> bytes:
        b.cut_links()
        a.cut_links()
        return b"too late"

    b.keeper.answer = cut
    with pytest.raises(LinkFailed):
        await a.mesh.request("node-b", "cut", b"", 5)
    b.keeper.answer = Keeper().answer
    assert await a.mesh.request("node-b", "echo", b"again", 5) == b"node-a:again"


async def test_a_request_to_nobody_fails_with_the_reason(cluster: Cluster) -> None:

    a, b = await pair(cluster, handshake_timeout_s=0.2)
    await b.mesh.close()
    with pytest.raises(LinkFailed):
        await a.mesh.request("node-b", "echo", b"", 5)
    assert a.mesh.peers()[0].last_failure


async def test_an_unused_link_is_closed_and_comes_back_with_the_next_message(cluster: Cluster) -> None:
    a, b = await pair(cluster, idle_close_s=0.05, ping_interval_s=0.04)
    a.mesh.send("node-b", 1, [b"one"])
    await until(lambda: any(link[1] == "down" for link in a.keeper.links))
    assert {link[3] for link in a.keeper.links + b.keeper.links} == {"", "idle"}
    a.mesh.send("node-b", 1, [b"two"])
    await until(lambda: b.keeper.count == 2)


async def test_pings_keep_a_link_and_measure_its_round_trip(cluster: Cluster) -> None:
    a, _ = await pair(cluster, ping_interval_s=0.02, silence_timeout_s=0.5)
    a.mesh.send("node-b", 1, [b"one"])
    await until(lambda: a.mesh.peers() and a.mesh.peers()[0].rtt_ms is not None)
    status = a.mesh.peers()[0]
    assert (status.node_id, status.state, status.kind) == ("node-b", PeerState.UP, cluster.kind)
    assert status.rtt_ms is not None
    assert 0 < status.rtt_ms < 500
    assert status.bytes_out > 0
    assert status.bytes_in > 0


async def test_gossip_passes_beside_links(cluster: Cluster) -> None:
    a, b = await pair(cluster)
    a.mesh.send_gossip(b"\x11hello", b.address)
    await until(lambda: b.keeper.gossip)
    assert b.keeper.gossip == [(b"\x11hello", a.address)]


async def test_a_stranger_with_a_good_certificate_may_write_and_be_written_to(cluster: Cluster) -> None:
    a, b = await cluster.add("node-a"), await cluster.add("node-b")
    a.knows(b)
    a.mesh.send("node-b", 1, [b"hello"])
    await until(lambda: b.keeper.count == 1)
    b.mesh.send("node-a", 1, [b"hello yourself"])
    await until(lambda: a.keeper.count == 1)
    await a.mesh.close()
    await until(lambda: not b.mesh.peers())


async def test_a_closed_mesh_says_so(cluster: Cluster) -> None:
    a = await cluster.add("node-a")
    await a.mesh.close()
    await a.mesh.close()
    assert a.mesh.peers() == []
    with pytest.raises(MeshClosed):
        a.mesh.send("node-b", 1, [b""])
    with pytest.raises(MeshClosed):
        a.mesh.send_gossip(b"\x11", ("127.0.0.1", 9))


async def test_a_silent_link_is_given_up_and_mail_finds_a_new_one() -> None:
    async with open_cluster("quic") as cluster:
        a, b = await pair(cluster, silence_timeout_s=0.3, ping_interval_s=0.05, redial_min_s=0.01)
        a.mesh.send("node-b", 1, [b"one"])
        await until(lambda: b.keeper.count == 1)
        b.cut_links()  # QUIC: the other side hears nothing of it
        await until(lambda: any(link[1:] == ("down", "quic", "silent") for link in a.keeper.links))
        a.mesh.send("node-b", 1, [b"two"])
        await until(lambda: b.keeper.count == 2)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("kind", SOCKET_KINDS)
def test_the_mesh_works_on_both_event_loops(kind: str, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def story() -> None:
        async with open_cluster(kind, Pki()) as cluster:
            a, b = await pair(cluster, redial_min_s=0.01)
            sent = numbered(3000)
            send_all(a, b, sent[:1500])
            await until(lambda: b.keeper.count >= 440)
            a.cut_links()
            send_all(a, b, sent[1500:])
            await until(lambda: b.keeper.count >= 3000)
            assert sorted(b.keeper.envelopes) == sent
            assert await b.mesh.request("node-a", "echo", bytes(MIB), 5) == b"node-b:" + bytes(MIB)
            a.mesh.send_gossip(b"\x11hello", b.address)
            await until(lambda: b.keeper.gossip)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(story())


async def test_a_request_that_timed_out_before_it_left_is_never_done(cluster: Cluster) -> None:
    a, b = await pair(cluster, redial_min_s=0.2, redial_max_s=0.2, handshake_timeout_s=0.1)
    done: list[str] = []

    async def note(peer: str, method: str, payload: bytes) -> bytes:
        done.append(method)
        return b""

    b.keeper.answer = note
    a.mesh.learn_peer("node-b", (a.address[0], 9))
    a.mesh.send("node-b", 1, [b"mail keeps the dialling going"])
    await until(lambda: a.mesh.peers()[0].state is PeerState.WAITING)
    with pytest.raises(RequestTimeout):
        await a.mesh.request("node-b", "small", b"", 0.01)
    with pytest.raises(RequestTimeout):
        await a.mesh.request("node-b", "large", bytes(MIB), 0.01)
    a.knows(b)
    await a.mesh.request("node-b", "last", b"", 5)
    assert done == ["last"]


async def test_a_link_to_an_older_process_is_given_up_when_a_newer_one_is_heard_of() -> None:
    async with open_cluster("quic") as cluster:
        a, b = await pair(cluster, redial_min_s=0.01)
        a.mesh.send("node-b", 1, [b"one"])
        await until(lambda: b.keeper.count == 1 and not a.mesh.peers()[0].backlog_bytes)
        again = await cluster.add("node-b", epoch=2)
        a.mesh.learn_peer("node-b", again.address, epoch=1)
        assert a.keeper.links_up() == 1
        a.mesh.learn_peer("node-b", again.address, epoch=2)
        assert a.keeper.links[-1] == ("node-b", "down", "quic", "stale-epoch")
        a.mesh.send("node-b", 1, [b"two"])
        await until(lambda: again.keeper.envelopes == [b"two"])


async def test_mail_arrives_over_a_path_that_loses_datagrams() -> None:
    async with open_cluster("quic") as cluster:
        a, b = await pair(cluster)
        async with open_relay(b, loss=0.08, seed=7) as relay:
            a.mesh.learn_peer("node-b", relay.address)
            sent = numbered(5000)
            send_all(a, b, sent)
            assert await a.mesh.request("node-b", "echo", bytes(50_000), 20) == b"node-a:" + bytes(50_000)
            await until(lambda: b.keeper.count >= 5000, 20)
            assert_once_and_in_order(b, sent)
            assert relay.dropped > 0


async def test_a_link_survives_when_a_nat_on_the_way_changes_its_port() -> None:
    async with open_cluster("quic") as cluster:
        a, b = await pair(cluster)
        async with open_relay(b) as relay:
            a.mesh.learn_peer("node-b", relay.address)
            sent = numbered(3000)
            send_all(a, b, sent[:1000])
            await until(lambda: b.keeper.count == 1000)
            await relay.rebind()
            send_all(a, b, sent[1000:])
            await until(lambda: b.keeper.count >= 3000)
            assert_once_and_in_order(b, sent)
            assert (a.mesh.stats.links_up, b.mesh.stats.links_up) == (1, 1)
