"""Faults that the conservation test has found, each as its smallest example."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from caxton_node.fipa import Envelope, Performative
from tests.support.data_plane import until
from tests.support.post_office import NODE, PostOffice, empty, failure_of

pytestmark = pytest.mark.story("002")


@pytest.fixture
async def office() -> PostOffice:
    return PostOffice()


async def test_the_death_of_a_node_is_told_of_each_copy_that_died_with_it(office: PostOffice) -> None:
    a = office.open("a")
    office.say(
        "a",
        Envelope(Performative.REQUEST, None, ["x@node-2", "y@node-2"], b"{}", "talk", "q-1"),
    )
    _taken, came_back = office.mesh.frames
    office.mesh.room = 0  # what comes back finds no other way
    office.router.handle_node_died("node-2", [came_back])
    told = [failure_of(got) for got in empty(a)]
    assert sorted((found["receiver"], found["reason"]) for found in told) == [
        ("x@node-2", "node-died"),
        ("y@node-2", "backlog-full"),
    ]
    assert len(office.router.requests) == 0
    office.check_sum()


async def test_a_platform_agent_may_leave_inside_of_its_own_handler(office: PostOffice) -> None:
    seen: list[bytes | None] = []
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))

    def handle(envelope: Envelope) -> None:
        seen.append(envelope.content)
        office.router.remove_platform_agent("guest~1")

    office.router.add_platform_agent("guest~1", handle)
    a = office.open("a")
    for number in range(3):
        office.tell("a", "guest~1", str(number).encode())
    await until(lambda: office.router.counts().refused == 2)
    await asyncio.sleep(0)
    assert (seen, errors) == ([b"0"], [])
    assert [failure_of(got)["reason"] for got in empty(a)] == ["agent-stopped"] * 2
    office.check_sum()


async def test_a_message_for_this_node_waits_though_its_receiver_runs_on_another(office: PostOffice) -> None:
    office.open("a")
    office.route("x", "node-2")
    ttl = {"ttl": msgspec.Raw(msgspec.msgpack.encode(1_000))}
    office.tell("a", f"x@{NODE}", headers=ttl)
    assert (office.router.counts().parked, office.mesh.sent) == (1, [])
    office.router.tick(office.clock.unix_us())
    assert office.router.counts().parked == 1
    x = office.open("x")
    assert len(x) == 1


async def test_what_had_a_receiver_once_is_not_judged_again_after_it_was_parked(office: PostOffice) -> None:
    a = office.open("a")
    office.open("x")
    ttl = {"ttl": msgspec.Raw(msgspec.msgpack.encode(1_000))}
    office.say(
        "a", Envelope(Performative.REQUEST, None, "x", b"{}", "talk", protocol="fipa-request", headers=ttl)
    )
    office.router.reroute(office.router.remove_mailbox(f"x#1.1@{NODE}"))
    assert office.router.counts().parked == 1
    x = office.open("x")
    assert (len(x), len(a)) == (1, 0), "it was let through, and nobody was scolded"
    office.say("x", Envelope(Performative.INFORM, None, f"a@{NODE}", b"{}", "talk", protocol="fipa-request"))
    assert [got.performative for got in empty(a)] == [Performative.INFORM]
