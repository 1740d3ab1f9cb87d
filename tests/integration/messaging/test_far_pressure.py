"""Two nodes over a real mesh: a slow agent holds back those who send to it, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from caxton_node.cluster.service import Cluster
from caxton_node.core.clock import SystemClock
from caxton_node.fipa import Envelope, Performative, decode, encode
from caxton_node.messaging import Mailbox, Outbound, Router, RouteTable
from caxton_node.messaging.exchange import Exchange
from tests.support.clusters import HOST, Opened, open_clusters
from tests.support.data_plane import until
from tests.support.post_office import empty

pytestmark = pytest.mark.story("019")
KEPT_MAX = 4 * 1024 * 1024  # the default of `mesh.kept_bytes_max`
CONTENT = b'{"pad":"' + b"x" * 200 + b'"}'


@dataclass
class Node:
    """A cluster and a router that were introduced to each other; its agents are emptied by the test."""

    cluster: Cluster
    port: int
    router: Router
    exchange: Exchange

    def open(self, name: str, depth: int = 10_000) -> Mailbox:
        box = Mailbox(depth)
        self.router.add_mailbox(f"{name}#1.1@{self.cluster.node_id}", box)
        return box

    def send(self, sender: str, receiver: str, count: int, first: int = 0) -> None:
        """Let an agent send so many messages in one turn."""
        frames = [
            encode(
                Envelope(
                    Performative.INFORM,
                    receivers=receiver,
                    content=CONTENT,
                    conversation_id=f"talk-{number % 16}",
                    protocol=f"{number}",
                )
            )
            for number in range(first, first + count)
        ]
        self.router.accept(f"{sender}#1.1@{self.cluster.node_id}", frames)


@asynccontextmanager
async def two_nodes() -> AsyncIterator[tuple[Node, Node]]:
    async with open_clusters() as world:
        one, two = await make(world, "node-1"), await make(world, "node-2")
        one.cluster.start()
        two.cluster.start([(HOST, one.port)])
        await until(lambda: one.cluster.is_alive("node-2") and two.cluster.is_alive("node-1"))
        try:
            yield one, two
        finally:
            await one.exchange.close()
            await two.exchange.close()


async def make(world: Opened, node_id: str) -> Node:
    cluster, port = await world.open(node_id, agreed=["node-1", "node-2"])
    loop = asyncio.get_running_loop()
    lanes = Outbound(loop, cluster.send)
    router = Router(node_id=node_id, routes=RouteTable(), clock=SystemClock(), loop=loop, remote=lanes)
    return Node(cluster, port, router, Exchange(cluster, lanes, router))


async def flood(one: Node, sender: Mailbox, first: int = 0) -> int:
    """Send turn after turn to the slow agent until the sender is paused; return how many were sent."""
    sent = 0
    while sender.waits_for is None:
        assert sent < 40_000, "nobody held the sender back"
        one.send("flooder", "slow@node-2", 200, first + sent)
        sent += 200
        await asyncio.sleep(0)
    return sent


async def test_a_slow_agent_pauses_its_senders_on_the_other_node_and_holds_up_nobody_else() -> None:
    async with two_nodes() as (one, two):
        flooder, other = one.open("flooder"), one.open("other")
        slow, quick = two.open("slow"), two.open("quick")
        sent = await flood(one, flooder)
        assert other.waits_for is None
        for turn in range(5):
            one.send("other", "quick@node-2", 10)
            await until(lambda turn=turn: len(quick) == 10 * (turn + 1))
        assert other.waits_for is None
        await until(lambda: len(slow) == sent, 30)
        assert slow._arrivals.far_bytes <= KEPT_MAX
        empty(slow)
        await until(lambda: flooder.waits_for is None)
        one.send("flooder", "slow@node-2", 100, sent)
        await until(lambda: len(slow) == 100)
        for node in (one, two):
            counts = node.router.counts()
            assert counts.refused == counts.dead_lettered == 0
            assert counts.accepted == counts.settled + counts.in_flight


async def test_order_holds_however_often_a_sender_is_held_back() -> None:
    async with two_nodes() as (one, two):
        flooder = one.open("flooder")
        slow = two.open("slow")
        sent, seen = 0, []
        for _ in range(3):
            sent += await flood(one, flooder, sent)
            await until(lambda: len(slow) > 500)
            while flooder.waits_for is not None:
                seen += empty(slow)
                await asyncio.sleep(0)
        await until(lambda: len(seen) + len(slow) == sent, 30)
        seen += empty(slow)
        for talk in range(16):
            numbers = [int(each.protocol or "") for each in seen if each.conversation_id == f"talk-{talk}"]
            assert numbers == sorted(numbers)
        assert sorted(int(each.protocol or "") for each in seen) == list(range(sent))


async def test_who_has_no_patience_left_is_refused_as_by_a_full_mailbox_here() -> None:
    async with two_nodes() as (one, two):
        flooder = one.open("flooder")
        two.open("slow")
        await flood(one, flooder)
        flooder.resume_impatient()
        before = one.router.counts().refused
        one.send("flooder", "slow@node-2", 3)
        assert one.router.counts().refused == before + 3
        told = [decode(frame) for frame in flooder.frames()][-1]
        assert b"mailbox-full" in (told.content or b"")
