"""The Rust SDK's initiator on a node that enforces the protocol, among contractors that a test moves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from caxton_node.agents.manifest import Manifest
from caxton_node.core.clock import SystemClock
from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging import Client
from tests.support.agents import House, open_house
from tests.support.contractors import ACT, Hand
from tests.support.guests import rust

pytestmark = pytest.mark.story("011")

TRADE = "masonry"
DEADLINE_MS = 10_000


@asynccontextmanager
async def market(tmp_path: Path, *names: str) -> AsyncIterator[tuple[House, Client, list[Hand]]]:
    """A node with the buyer, one who orders from it, and hands that can do the work."""
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("default/buyer"), rust("buyer"))
        hands = [Hand(house.router, name).offers(house.registry, TRADE) for name in names]
        with house.clients.open() as client:
            yield house, client, hands


def order(client: Client) -> None:
    """Ask the buyer for a wall."""
    content = json.dumps({"task": "wall", "capability": TRADE, "deadline_ms": DEADLINE_MS}).encode()
    client.send(Envelope(Performative.REQUEST, None, "buyer", content, "order", "q"))


async def report(client: Client) -> tuple[Performative, dict[str, Any]]:
    answer = await client.receive(10)
    return answer.performative, json.loads(answer.content or b"")


async def test_the_next_cheapest_gets_the_work_of_a_winner_that_fails_or_vanishes(tmp_path: Path) -> None:
    async with market(tmp_path, "ann", "bob", "cid", "dan") as (house, client, (ann, bob, cid, dan)):
        order(client)
        for hand, price in ((ann, 1), (bob, 2), (cid, 3), (dan, 4)):
            await hand.bids(price)
        await ann.hears(ACT.ACCEPT_PROPOSAL)
        ann.says(ACT.FAILURE, {"reason": "no bricks"})
        await bob.hears(ACT.ACCEPT_PROPOSAL)
        bob.dies()
        house.router.partners.tell_of_agent(bob.address, "it vanished")
        accepted = await cid.hears(ACT.ACCEPT_PROPOSAL)
        assert (accepted.protocol, json.loads(accepted.content or b"")) == ("fipa-contract-net", {"price": 3})
        cid.says(ACT.INFORM, {"result": "a wall"})
        act, told = await report(client)
        assert (act, told["winner"], told["result"]) == (ACT.INFORM, cid.address, "a wall")
        assert [bid["price"] for bid in told["bids"]] == [1, 2, 3, 4]
        await dan.hears(ACT.REJECT_PROPOSAL)


async def test_who_bids_after_the_deadline_is_rejected_and_the_round_goes_on(tmp_path: Path) -> None:
    async with market(tmp_path, "ann", "bob") as (house, client, (ann, bob)):
        order(client)
        late = await ann.hears(ACT.CFP)
        await bob.bids(9)
        house.router.tick(SystemClock().unix_us() + 2 * DEADLINE_MS * 1000)
        await bob.hears(ACT.ACCEPT_PROPOSAL)
        ann.says(ACT.PROPOSE, {"price": 1}, to=late)
        rejected = await ann.hears(ACT.REJECT_PROPOSAL)
        assert (rejected.in_reply_to, rejected.protocol) == ("ann-propose", None)
        bob.says(ACT.INFORM, {"result": "a wall"})
        act, told = await report(client)
        assert (act, told["winner"]) == (ACT.INFORM, bob.address)


async def test_nobody_waits_when_all_who_could_do_it_fail(tmp_path: Path) -> None:
    async with market(tmp_path, "ann", "bob") as (_, client, (ann, bob)):
        order(client)
        await ann.bids(1)
        await bob.hears(ACT.CFP)
        bob.says(ACT.PROPOSE, {"price": "ask me"})
        await bob.hears(ACT.REJECT_PROPOSAL)
        await ann.hears(ACT.ACCEPT_PROPOSAL)
        ann.says(ACT.FAILURE, {"reason": "no bricks"})
        act, told = await report(client)
        assert (act, told["reason"], told["cause"]) == (ACT.FAILURE, "work-failed", {"reason": "no bricks"})


async def test_who_does_not_deliver_in_time_is_told_to_stop(tmp_path: Path) -> None:
    async with market(tmp_path, "ann", "bob") as (house, client, (ann, bob)):
        order(client)
        await ann.bids(1)
        await bob.bids(2)
        await ann.hears(ACT.ACCEPT_PROPOSAL)
        house.router.tick(SystemClock().unix_us() + 60_000_000)  # it has 30 seconds
        stop = await ann.hears(ACT.CANCEL)
        assert stop.protocol == "fipa-contract-net"
        ann.says(ACT.INFORM, {"cancelled": "wall"}, to=stop)
        await bob.hears(ACT.ACCEPT_PROPOSAL)
        bob.says(ACT.INFORM, {"result": "a wall"})
        act, told = await report(client)
        assert (act, told["winner"]) == (ACT.INFORM, bob.address)
        assert house.router.conversations.faults == 0
