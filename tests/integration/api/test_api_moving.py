"""An agent that is moved between real nodes while a guest and a client write to it: nothing is overtaken."""

import asyncio
from collections import defaultdict

import pytest

from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging import Clients
from tests.support.api import call, seen_by
from tests.support.guests import wat

pytestmark = [pytest.mark.story("002"), pytest.mark.asyncio(loop_scope="session")]
RELAY = wat("relay").encode()
TALKS = 5
MOVES = 4


def fences(node):
    """Return how many fences ended how."""
    name = "caxton_message_fences_total"
    return {one.labels[0]: one.value for one in node.daemon.ground.board.read() if one.name == name}


def deploys(name, node, config):
    return lambda api: api.agents.deploy(name, RELAY, config=config, node=node)


async def moves(n1, n2, to_client):
    """Move the agent to and fro: the new one is known everywhere before the old one goes."""
    here, there = "n2", "n1"
    for _ in range(MOVES):
        await call(n1.local, deploys("moving", there, to_client))
        await seen_by(n1, "moving", 2)
        await seen_by(n2, "moving", 2)
        await call(n1.local, lambda api, node=here: api.agents.undeploy("moving", node=node), timeout_s=60)
        here, there = there, here


async def test_a_guest_s_messages_keep_their_order_while_their_receiver_moves(n1, n2):
    """client -> relay on n1 -> moving on n1 or n2 -> client; each hop keeps order, so the client sees it."""
    before = fences(n1)
    with Clients(n1.daemon.mail.router).open() as client:
        to_client = {"next": client.address}
        await call(n1.local, deploys("first-hop", "n1", {"next": "moving"}))
        await call(n1.local, deploys("moving", "n2", to_client))
        await seen_by(n1, "moving")
        sent, got, done = [0] * TALKS, defaultdict(list), asyncio.Event()

        def write_round():
            for talk in range(TALKS):
                act, content = Performative.INFORM, str(sent[talk]).encode()
                client.send(Envelope(act, None, "first-hop", content, f"moving-talk-{talk}"))
                sent[talk] += 1

        async def write():
            while not done.is_set():
                write_round()
                await asyncio.sleep(0.002)
            write_round()  # so that there is something to come for whoever reads

        async def read():
            while not writer.done() or sum(map(len, got.values())) < sum(sent):
                answer = await client.receive(20)
                assert answer.performative is Performative.INFORM, answer
                got[answer.conversation_id].append(int(answer.content or b"0"))

        writer = asyncio.create_task(write())
        reader = asyncio.create_task(read())
        await moves(n1, n2, to_client)
        done.set()
        await asyncio.wait_for(asyncio.gather(writer, reader), 60)
        for talk in range(TALKS):
            assert got[f"moving-talk-{talk}"] == list(range(sent[talk]))
    after = fences(n1)
    assert after.get("clear", 0) - before.get("clear", 0) >= MOVES
    assert after.get("late", 0) == before.get("late", 0)
