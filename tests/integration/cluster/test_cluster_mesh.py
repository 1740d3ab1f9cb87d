"""The cluster opens the mesh and starts; what goes wrong is told in the operator's words."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from caxton_node.cluster.changes import PeerLost
from caxton_node.cluster.partitions import PartitionView
from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import DeadlineExceeded, InvalidConfig, PortInUse
from tests.support.clusters import HOST, Opened, open_clusters
from tests.support.meshes import until


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    async with open_clusters() as world:
        yield world


@pytest.mark.story("018")
@pytest.mark.parametrize("host", ["localhost", "192.0.2.7"])
async def test_a_host_that_cannot_be_listened_on_is_the_fault_of_the_configuration(
    opened: Opened, host: str
) -> None:
    with pytest.raises(InvalidConfig, match=host):
        await opened.make("node-a").open(host, 0)


@pytest.mark.story("018")
async def test_a_port_that_is_taken_is_named(opened: Opened) -> None:
    _, port = await opened.open("node-a")
    with pytest.raises(PortInUse, match=str(port)):
        await opened.make("node-b").open(HOST, port)


@pytest.mark.story("018")
async def test_a_node_that_starts_alone_is_not_the_majority_of_those_it_remembers(opened: Opened) -> None:
    first, port = await opened.open("node-a", agreed={"node-b", "node-c"})
    assert first.partition_view() is PartitionView.ISOLATED
    second, _ = await opened.open("node-b")
    first.start()
    second.start([(HOST, port)])
    await until(lambda: first.partition_view() is PartitionView.MAJORITY)


@pytest.mark.story("019")
async def test_mail_that_comes_before_the_node_has_started_is_not_lost(opened: Opened) -> None:
    early, port = await opened.open("node-b")
    sender, _ = await opened.open("node-a")
    sender.start([(HOST, port)])
    sender._mesh.learn_peer("node-b", (HOST, port))  # remembered from an earlier life of node-b
    sender.send("node-b", 1, [b"one", b"two"])
    await until(lambda: sender.peers()[0].last_failure)
    got: list[bytes] = []
    early.on_batch(lambda _peer, envelopes: got.extend(envelopes))
    early.start()
    await until(lambda: got == [b"one", b"two"])


@pytest.mark.story("019")
async def test_what_is_sent_to_a_stranger_while_it_is_asked_comes_back_after_the_last_question(
    opened: Opened, silent_port: int
) -> None:
    asker, _ = await opened.open("node-a")
    lost: list[PeerLost] = []
    opened.buses["node-a"].subscribe(PeerLost, lost.append)
    short, long = (ask(asker, silent_port, timeout_s) for timeout_s in (0.05, 0.3))
    await until(asker.peers)
    asker.send("node-b", 1, [b"one", b"two"])
    with pytest.raises(DeadlineExceeded):
        await short
    assert lost == []
    with pytest.raises(DeadlineExceeded):
        await long
    assert lost == [PeerLost("node-b", (b"one", b"two"))]
    assert not asker.peers()


@pytest.mark.story("019")
async def test_a_question_to_a_stranger_does_not_end_with_another_one(opened: Opened) -> None:
    ready = asyncio.Event()

    async def answer(peer: str, _payload: bytes) -> bytes:
        await ready.wait()
        return peer.encode()

    stranger, port = await opened.open("node-b")
    stranger.serve("ask", answer)
    stranger.start()
    asker, _ = await opened.open("node-a")
    short, long = (ask(asker, port, timeout_s) for timeout_s in (0.05, 20.0))
    with pytest.raises(DeadlineExceeded):
        await short
    ready.set()
    assert await long == b"node-a"


def ask(asker: Cluster, port: int, timeout_s: float) -> asyncio.Task[bytes]:
    return asyncio.create_task(asker.request_at("node-b", (HOST, port), "ask", b"", timeout_s))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Give a port that takes whatever comes and never answers."""
    with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind((HOST, 0))
        tcp.bind(udp.getsockname())
        tcp.listen()
        yield udp.getsockname()[1]
