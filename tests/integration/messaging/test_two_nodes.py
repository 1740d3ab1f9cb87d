"""Two routers with real guests, joined by their outbound buffers; the mesh is one function call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from caxton_node.core.errors import DeliveryFailed
from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging import Clients, Outbound, Target
from tests.support.data_plane import DataPlane
from tests.support.guests import wat
from tests.support.post_office import failure_of

pytestmark = pytest.mark.story("002")


class Wire:
    """What `Cluster.send` does here: hand frames to the other router, or say that the node is no member."""

    def __init__(self) -> None:
        self.planes: dict[str, DataPlane] = {}
        self.cut = False

    def port(self, origin: str) -> Outbound:
        def send(node: str, lane_key: int, frames: Sequence[bytes]) -> None:
            if self.cut or node not in self.planes:
                raise DeliveryFailed(f"node {node} is not a member")
            self.planes[node].router.accept_remote(origin, frames)

        return Outbound(asyncio.get_running_loop(), send)


@contextmanager
def two_nodes() -> Iterator[tuple[DataPlane, DataPlane, Wire]]:
    wire = Wire()
    with (
        DataPlane(node="node-1", remote=wire.port("node-1")) as one,
        DataPlane(node="node-2", remote=wire.port("node-2")) as two,
    ):
        wire.planes = {"node-1": one, "node-2": two}
        yield one, two, wire


async def check(*planes: DataPlane) -> None:
    for plane in planes:
        await plane.settled()
        counts = plane.router.counts()
        assert counts.accepted == counts.settled, counts
        assert counts.in_flight == 0


async def test_a_client_of_one_node_asks_an_agent_of_the_other() -> None:
    with two_nodes() as (one, two, _), Clients(one.router).open() as client:
        echo = two.add("echo", wat("echo"))
        one.route("echo", Target(echo.instance, "node-2"))
        for turn in range(20):
            client.send(Envelope(Performative.REQUEST, None, "echo", str(turn).encode(), "talk", f"q-{turn}"))
            answer = await client.receive(5)
            assert (answer.sender, answer.in_reply_to) == ("echo@node-2", f"q-{turn}")
        assert len(one.router.requests) == 0
        await check(one, two)


async def test_order_holds_on_the_way_there_and_back_through_four_agents() -> None:
    with two_nodes() as (one, two, _), Clients(one.router).open() as client:
        one.add("a", wat("relay"), {"next": "b@node-2"})
        two.add("b", wat("relay"), {"next": "c@node-1"})
        one.add("c", wat("relay"), {"next": "d@node-2"})
        two.add("d", wat("relay"), {"next": client.address})
        for number in range(600):
            client.send(Envelope(Performative.INFORM, None, "a", str(number).encode(), f"talk-{number % 2}"))
        got = [await client.receive(10) for _ in range(600)]
        for talk in range(2):
            mine = [int(one.content or b"") for one in got if one.conversation_id == f"talk-{talk}"]
            assert mine == list(range(talk, 600, 2))
        await check(one, two)


async def test_a_request_is_answered_with_failure_when_its_node_dies_on_the_way() -> None:
    with two_nodes() as (one, two, wire), Clients(one.router).open() as client:
        two.add("sink", wat("relay"))
        client.send(Envelope(Performative.REQUEST, None, "sink@node-2", b"", "talk", "q-1"))
        await two.settled()
        await one.settled()
        wire.cut = True
        one.router.handle_node_died("node-2")
        client.send(Envelope(Performative.REQUEST, None, "sink@node-2", b"", "talk", "q-2"))
        news = [await client.receive(5) for _ in range(2)]
        assert [(failure_of(one)["reason"], one.in_reply_to) for one in news] == [
            ("node-died", "q-1"),
            ("node-died", "q-2"),
        ]
        await check(one, two)
