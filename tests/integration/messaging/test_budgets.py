"""Budgets with real guests and real workers: what is paid, what comes home, and what ends that would not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from caxton_node.agents.manifest import Manifest
from caxton_node.fipa import BrokenRule, Envelope, Performative, encode
from caxton_node.messaging import Client, Clients, Router, Target
from caxton_node.messaging.budget import Usage, grant_of
from caxton_node.messaging.budget.purses import TOLD_MAX
from caxton_node.runtime import Limits
from tests.integration.messaging.test_data_plane import slow
from tests.integration.messaging.test_two_nodes import check, two_nodes
from tests.support.agents import open_house
from tests.support.data_plane import NODE, DataPlane, until
from tests.support.guests import faulty, rust, tiny, wat
from tests.support.post_office import failure_of

pytestmark = [pytest.mark.story("016"), pytest.mark.story("030")]


def ask(receiver: str, content: bytes = b'"x"', talk: str = "talk", **amounts: int) -> Envelope:
    """Write a REQUEST that opens a budget."""
    envelope = Envelope(Performative.REQUEST, None, receiver, content, talk, "q-1")
    envelope.headers = {"budget": msgspec.Raw(msgspec.msgpack.encode(amounts))}
    return envelope


def messages_left(router: Router, client: Client, talk: str = "talk") -> int | None:
    bill = router.budgets.close(client.address, talk)
    assert bill is not None
    return bill.left["messages"]


def balance(routers: Iterable[Router]) -> None:
    """Assert that everything granted is somewhere; nothing may be on its way."""
    for name in Usage._fields:
        granted = there = 0
        for router in routers:
            ledger, purses = router.budgets.ledger, router.budgets._purses
            granted += getattr(ledger.granted, name)
            there += sum(getattr(part, name) for part in (ledger.spent, ledger.unused, ledger.lost))
            for budget in purses._budgets.values():
                there += sum(getattr(purse.left, name) or 0 for purse in budget.purses.values())
        assert granted == there, name


async def news_of(client: Client) -> dict[str, Any]:
    """Wait for the FAILURE about a budget and return what it says."""
    news = failure_of(await client.receive(10))
    assert news["reason"] == "budget-exhausted"
    return news


async def test_an_answer_brings_back_what_is_left_and_the_bill() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        plane.add("echo", wat("echo"))
        client.send(ask("echo", b'"hello"', messages=10, bytes=100, time_us=5_000_000, fuel=10**9))
        answer = await client.receive(10)
        grant = grant_of(answer)
        assert grant is not None
        assert (answer.content, grant.messages, grant.bytes, grant.refund) == (b'"hello"', 8, 86, True)
        spent = grant.spent[f"echo@{NODE}"]
        assert (spent.messages, spent.bytes) == (1, 7)
        assert spent.time_us > 0
        assert spent.fuel > 100
        await plane.settled()
        assert messages_left(plane.router, client) == 8
        balance([plane.router])


async def test_without_a_budget_there_is_nothing_to_pay_and_nothing_is_kept() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        plane.add("echo", wat("echo"))
        client.send(Envelope(Performative.REQUEST, None, "echo", b'"x"', "talk", "q-1"))
        assert (await client.receive(10)).headers is None
        assert len(plane.router.budgets) == 0


async def test_two_agents_that_would_talk_for_ever_stop_when_the_messages_are_used_up() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        ping = plane.add("ping", wat("relay"), {"next": "pong"})
        pong = plane.add("pong", wat("relay"), {"next": "ping"})
        client.send(ask("ping", messages=200))
        news = await news_of(client)
        assert (news["conversation"], news["amount"]) == ("talk", "messages")
        spent = {agent: row["messages"] for agent, row in news["spent"].items()}
        assert set(spent) == {client.address, ping.address, pong.address}
        assert 100 < sum(spent.values()) <= 200
        await plane.settled()
        # A relay passes on even FAILURE, so whoever is at the end hears of it until it is told no more.
        assert ping.handled + pong.handled <= 200 + TOLD_MAX
        balance([plane.router])


async def test_the_initiator_is_told_across_nodes_with_the_spending_of_both() -> None:
    with two_nodes() as (one, two, _), Clients(one.router).open() as client:
        ping = one.add("ping", wat("relay"), {"next": "pong@node-2"})
        pong = two.add("pong", wat("relay"), {"next": "ping@node-1"})
        client.send(ask("ping", messages=40))
        news = await news_of(client)
        assert {ping.address, pong.address} <= set(news["spent"])
        await check(one, two)
        balance([one.router, two.router])


async def test_an_agent_that_has_no_time_left_is_not_run_any_more() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        agent = plane.add("slow", slow(200_000))
        client.send(ask("slow", time_us=1))
        await until(lambda: agent.handled == 1)
        client.send(Envelope(Performative.INFORM, None, "slow", b'"more"', "talk", "q-2"))
        news = await news_of(client)
        assert (news["amount"], news["receiver"]) == ("time_us", agent.address)
        await plane.settled()
        assert agent.handled == 1
        assert plane.router.budgets.ledger.overdrawn.time_us > 0
        balance([plane.router])


async def test_fuel_is_charged_where_it_is_counted() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        agent = plane.add("slow", slow(20_000))
        client.send(ask("slow", fuel=10_000))
        await until(lambda: agent.handled == 1)
        client.send(Envelope(Performative.INFORM, None, "slow", b'"more"', "talk"))
        assert (await news_of(client))["amount"] == "fuel"


async def test_every_paid_message_has_a_turn_of_its_own_and_the_others_share_theirs() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        agent = plane.add("sink", wat("relay"))
        plane.scheduler.detach(agent.slot)
        for number in range(3):
            client.send(ask("sink", talk=f"paid-{number}", messages=9))
            for _ in range(4):
                client.send(Envelope(Performative.INFORM, None, "sink", b'"free"', "free"))
        plane.scheduler.attach(agent.slot)
        await plane.settled()
        counts = plane.scheduler.load().by_strategy[agent.slot.batching]
        assert (counts.messages, counts.turns) == (15, 6)


@pytest.mark.parametrize("receiver", ["faulty", "nobody"])
async def test_what_a_failed_message_carried_comes_back_with_its_failure(receiver: str) -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        plane.add("faulty", faulty())
        envelope = ask(receiver, b"trap", messages=10)
        envelope.language = "text"
        client.send(envelope)
        news = await client.receive(10)
        assert failure_of(news)["reason"] == {"faulty": "trapped", "nobody": "no-such-agent"}[receiver]
        grant = grant_of(news)
        assert grant is not None
        assert (grant.messages, grant.refund) == (9, True)
        await plane.settled()
        assert messages_left(plane.router, client) == 9
        balance([plane.router])


def minting() -> str:
    """Return a guest that answers everything by three messages which claim a million messages each."""
    claim = {"messages": 1_000_000, "initiator": "minting@node-1", "conversation": "mine", "refund": True}
    headers = {"budget": msgspec.Raw(msgspec.msgpack.encode(claim))}
    frames = b"".join(
        len(frame).to_bytes(4, "little") + frame
        for frame in (
            encode(Envelope(Performative.INFORM, None, "sink", b'"x"', talk, headers=dict(headers)))
            for talk in ("talk", "other", "third")
        )
    )
    data = "".join(f"\\{byte:02x}" for byte in frames)
    says = f"(call $out (i32.const 40000) (i32.const {len(frames)}))"
    return tiny(
        handle=f"(call $handled (i32.const 1)) {says} (i32.const 0)",
        extra=f'(data (i32.const 40000) "{data}")',
    )


async def test_an_agent_cannot_mint_nor_leave_by_another_conversation() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        plane.add("minting", minting(), limits=Limits(batch_max=1))
        plane.add("sink", wat("relay"))
        seen: list[Any] = []
        plane.router.tap.follow(lambda frames: seen.extend(map(msgspec.msgpack.decode, frames)))
        client.send(ask("minting", messages=100))
        await plane.settled()
        to_sink = [frame[16]["budget"] for frame in seen if frame[2] == "sink"]
        assert [(found["initiator"], found["conversation"]) for found in to_sink] == [
            (client.address, "talk")
        ] * 3
        assert [found["messages"] for found in to_sink] == [96, 0, 0]
        assert plane.router.budgets.ledger.granted == Usage(messages=100)
        balance([plane.router])


async def test_an_agent_may_open_a_budget_for_all_that_its_turn_sends() -> None:
    with DataPlane() as plane:
        plane.add("minting", minting(), limits=Limits(batch_max=1))
        plane.add("sink", wat("relay"))
        plane.router.submit(Envelope(Performative.INFORM, "load@node-1", "minting", b'"go"', "start"))
        await plane.settled()
        assert plane.router.budgets.ledger.granted == Usage(messages=3_000_000)
        assert set(plane.router.budgets.conversations) == {"talk", "other", "third"}
        balance([plane.router])


@pytest.mark.parametrize(
    "header", [{"mesages": 3}, {"messages": -1}, [1], None, {"messages": 1, "fuel": "much"}]
)
async def test_a_client_that_misspells_a_limit_is_told_and_nothing_is_sent(header: object) -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        envelope = ask("echo")
        envelope.headers = {"budget": msgspec.Raw(msgspec.msgpack.encode(header))}
        with pytest.raises(BrokenRule, match="header budget"):
            client.send(envelope)
        assert plane.router.counts().accepted == 0


@pytest.mark.story("011")
async def test_a_contract_net_divides_its_budget_and_brings_home_what_is_left(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("default/buyer"), rust("buyer"))
        for number, price in enumerate((120, 95, 80)):
            config: Mapping[str, object] = {"capability": "masonry", "price": price}
            await house.service.deploy(Manifest(f"default/mason-{number}", config=config), rust("contractor"))
        await until(lambda: len(house.registry.find_capability("masonry")) == 3)
        with house.clients.open() as client:
            order = {"task": "wall", "capability": "masonry"}
            client.send(ask("buyer", json.dumps(order).encode(), messages=100, time_us=60_000_000))
            answer = await client.receive(20)
            grant = grant_of(answer)
            assert answer.performative is Performative.INFORM
            assert json.loads(answer.content or b"")["winner"] == "mason-2@n1"
            assert grant is not None
            rows = {agent.partition("@")[0]: row.messages for agent, row in grant.spent.items()}
            # Search, three calls, accept, two rejections when the work is done, and the answer; and what it
            # was told about.
            assert rows.pop(client.address.partition("@")[0]) == 1
            assert rows == {"buyer": 8, "df": 1, "mason-0": 1, "mason-1": 1, "mason-2": 2}
            assert grant.messages is not None
            assert 25 < grant.messages <= 100 - 14  # the two that were rejected keep a third each
            await until(lambda: house.router.counts().in_flight == 0)
            balance([house.router])


@pytest.mark.story("011")
async def test_a_contract_net_that_has_too_little_ends_with_a_failure_that_says_so(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("default/buyer"), rust("buyer"))
        for number in range(3):
            config: Mapping[str, object] = {"capability": "masonry", "price": number}
            await house.service.deploy(Manifest(f"default/mason-{number}", config=config), rust("contractor"))
        await until(lambda: len(house.registry.find_capability("masonry")) == 3)
        with house.clients.open() as client:
            order = {"task": "wall", "capability": "masonry"}
            client.send(ask("buyer", json.dumps(order).encode(), messages=5))
            news = await news_of(client)
            assert news["amount"] == "messages"
            assert sum(row["messages"] for row in news["spent"].values()) <= 5
            await until(lambda: house.router.counts().in_flight == 0)
            balance([house.router])


async def test_routes_and_pinned_names_lead_to_the_same_purse() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        echo = plane.add("echo", wat("echo"))
        plane.route("echo", Target(echo.instance, NODE))
        for number, name in enumerate(("echo", "default/echo", f"echo@{NODE}")):
            client.send(ask(name, talk=f"talk-{number}", messages=10))
            grant = grant_of(await client.receive(10))
            assert grant is not None
            assert grant.messages == 8
        balance([plane.router])
