"""Order under every batching strategy, with real guests and workers, while strategies change."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from random import Random

import pytest

from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging import Client, Clients
from caxton_node.runtime import Limits
from caxton_node.runtime.batching import Batching
from caxton_node.runtime.slot import FULL_PACE
from tests.support.data_plane import Agent, DataPlane, until
from tests.support.guests import wat

pytestmark = pytest.mark.story("031")
TALKS = 7


def send(client: Client, receiver: str, numbers: range) -> None:
    for number in numbers:
        talk = f"talk-{number % TALKS}"
        client.send(Envelope(Performative.INFORM, None, receiver, str(number).encode(), talk))


async def by_talk(client: Client, count: int) -> dict[str | None, list[int]]:
    """Return the numbers of the next messages in the order of their coming, by conversation."""
    found: defaultdict[str | None, list[int]] = defaultdict(list)
    for _ in range(count):
        message = await client.receive(10)
        found[message.conversation_id].append(int(message.content or b""))
    return found


def in_order(count: int) -> dict[str | None, list[int]]:
    return {f"talk-{talk}": list(range(talk, count, TALKS)) for talk in range(TALKS)}


def change(plane: DataPlane, agent: Agent, batching: Batching, limits: Limits) -> None:
    plane.scheduler.detach(agent.slot)
    agent.slot.apply(limits, FULL_PACE, batching)
    plane.scheduler.attach(agent.slot)


@pytest.mark.parametrize("batching", Batching)
async def test_a_chain_under_one_strategy_keeps_every_conversation_in_order(batching: Batching) -> None:
    with DataPlane(workers=4) as plane, Clients(plane.router).open() as client:
        for hop, following in enumerate(["hop-1", "hop-2", client.address]):
            plane.add(f"hop-{hop}", wat("relay"), {"next": following}, batching=batching)
        send(client, "hop-0", range(700))
        assert await by_talk(client, 700) == in_order(700)
        await plane.settled()
        counts = plane.scheduler.load().by_strategy
        assert counts[batching].messages == 3 * 700
        assert sum(other.messages for other in counts.values()) == 3 * 700
        if batching is Batching.SINGLE:
            assert counts[batching].turns == counts[batching].full == 3 * 700


@pytest.mark.parametrize("seed", range(4))
async def test_strategies_and_limits_that_change_in_the_middle_reorder_and_lose_nothing(seed: int) -> None:
    rng = Random(seed)
    with DataPlane(workers=4) as plane, Clients(plane.router).open() as client:
        agents = [
            plane.add(f"hop-{hop}", wat("relay"), {"next": following}, batching=rng.choice(list(Batching)))
            for hop, following in enumerate(["hop-1", "hop-2", "hop-3", client.address])
        ]
        received = asyncio.create_task(by_talk(client, 1500))
        for start in range(0, 1500, 50):
            send(client, "hop-0", range(start, start + 50))
            limits = Limits(batch_max=rng.choice([1, 2, 7, 64, 256]))
            agent, batching = rng.choice(agents), rng.choice(list(Batching))
            await asyncio.to_thread(change, plane, agent, batching, limits)
        assert await received == in_order(1500)
        await plane.settled()
        assert [agent.handled for agent in agents] == [1500] * 4
        counts = plane.router.counts()
        assert (counts.accepted, counts.in_flight) == (counts.delivered, 0)


async def test_another_strategy_is_in_force_from_the_next_turn_on() -> None:
    with DataPlane() as plane:
        agent = plane.add("sink", wat("relay"), batching=Batching.SINGLE)
        plane.scheduler.detach(agent.slot)
        for number in range(100):
            plane.router.submit(Envelope(Performative.INFORM, "load@node-1", "sink", b"", f"talk-{number}"))
        agent.slot.apply(Limits(), FULL_PACE, Batching.THROUGHPUT)
        plane.scheduler.attach(agent.slot)
        await until(lambda: agent.handled == 100)
        await until(lambda: plane.scheduler.load().running == 0)
        counts = plane.scheduler.load().by_strategy
        assert counts[Batching.SINGLE].turns == 0
        wide = counts[Batching.THROUGHPUT]
        assert (wide.messages, wide.average) == (100, 100 / wide.turns)
        assert wide.full >= 1
        assert sum(wide.cells[7:]) >= 1  # the first took 64
