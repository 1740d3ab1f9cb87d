"""Two nodes over a real mesh whose links are cut at random: plain messages arrive once and in order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from caxton_node.cluster.service import Cluster
from caxton_node.core.clock import SystemClock
from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.messaging import Mailbox, Outbound, Router, RouteTable
from caxton_node.messaging.exchange import Exchange
from tests.support.clusters import HOST, Opened, open_clusters
from tests.support.data_plane import until
from tests.support.post_office import empty

pytestmark = [pytest.mark.story("022"), pytest.mark.story("002")]

TURNS, PER_TURN, TALKS = 150, 20, 4


class Side:
    """One node with an agent that talks and one that listens; the test empties its mailbox."""

    def __init__(self, cluster: Cluster, port: int, other: str) -> None:
        loop = asyncio.get_running_loop()
        lanes = Outbound(loop, cluster.send)
        self.cluster, self.port, self.other = cluster, port, other
        self.router = Router(
            node_id=cluster.node_id, routes=RouteTable(), clock=SystemClock(), loop=loop, remote=lanes
        )
        self.exchange = Exchange(cluster, lanes, self.router)
        self.box = Mailbox(100_000)
        self.router.add_mailbox(f"ear#1.1@{cluster.node_id}", self.box)
        self.router.add_mailbox(f"mouth#1.1@{cluster.node_id}", Mailbox(100))
        self.said = 0
        self.heard: list[int] = []

    def say(self, count: int) -> None:
        frames = [
            encode(
                Envelope(
                    Performative.INFORM,
                    receivers=f"ear@{self.other}",
                    content=str(number).encode(),
                    conversation_id=f"talk-{number % TALKS}",
                )
            )
            for number in range(self.said, self.said + count)
        ]
        self.said += count
        self.router.accept(f"mouth#1.1@{self.cluster.node_id}", frames)

    def hear(self) -> int:
        self.heard += [int(envelope.content or b"") for envelope in empty(self.box)]
        return len(self.heard)

    def cut(self) -> None:
        """Cut every link of this node as if the cable were cut; only this side knows at once."""
        connections = self.cluster._mesh._connections
        assert connections is not None
        for peer in list(connections.peers.values()):
            if peer.line is not None:
                peer.line.link.abort()


async def make(world: Opened, node_id: str, other: str) -> Side:
    cluster, port = await world.open(node_id, agreed=["node-1", "node-2"])
    return Side(cluster, port, other)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_links_that_are_cut_lose_and_double_nothing_while_both_ends_live(seed: int) -> None:
    rng = random.Random(seed)
    async with open_clusters() as world:
        one, two = await make(world, "node-1", "node-2"), await make(world, "node-2", "node-1")
        one.cluster.start()
        two.cluster.start([(HOST, one.port)])
        await until(lambda: one.cluster.is_alive("node-2") and two.cluster.is_alive("node-1"))
        cuts = set(rng.sample(range(10, TURNS), 8))
        for turn in range(TURNS):
            for side in (one, two):
                side.say(PER_TURN)
            if turn in cuts:
                rng.choice((one, two)).cut()
            await asyncio.sleep(0)
            one.hear()
            two.hear()
        await until(lambda: min(one.hear(), two.hear()) >= TURNS * PER_TURN, within_s=60, every_s=0.01)
        for side in (one, two):
            assert Counter(side.heard) == Counter(range(TURNS * PER_TURN))
            for talk in range(TALKS):
                mine = [number for number in side.heard if number % TALKS == talk]
                assert mine == sorted(mine)
        for side in (one, two):
            counts = side.router.counts()
            assert counts.accepted == counts.settled + counts.in_flight + counts.parked, counts
            assert (counts.refused, counts.dead_lettered) == (0, 0)
            await side.exchange.close()
