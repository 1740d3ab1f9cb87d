"""Who can do what, asked of a node that runs nobody who can."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from caxton_node.client import Client
from caxton_node.client.capabilities import write_query
from caxton_node.core.errors import InvalidArgument, NotFound
from caxton_node.pb import capabilities_pb2 as pb
from tests.support.api import Node, call
from tests.support.cli import Done, caxton
from tests.support.guests import rust

pytestmark = [pytest.mark.story("015"), pytest.mark.asyncio(loop_scope="session")]
TRADE = "roof.thatching"
FILTERS = ["--version", "^1", "--agent", "thatcher", "--node", "n1"]


async def run(node: Node, *words: str) -> Done:
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, *words)


async def find(node: Node, name: str = "", **more: Any) -> list[pb.CapabilityOffer]:
    return list(
        (await call(node.local, lambda client: client.capabilities.find(write_query(name, **more)))).offers
    )


def follow(client: Client) -> list[tuple[str, str]]:
    """Watch until the trade has come and gone."""
    told = []
    for event in client.capabilities.watch(write_query("roof.*")):
        told.append((event.change, event.offer.agent))
        if event.change == "gone":
            break
    return told


async def test_a_capability_is_found_shown_and_watched_from_another_node(n1: Node, n2: Node) -> None:
    watching = asyncio.create_task(call(n2.local, follow))
    config = {"capability": TRADE, "price": 7}
    await call(n1.local, lambda client: client.agents.deploy("thatcher", rust("contractor"), config=config))
    async with asyncio.timeout(10):
        while not await find(n2, TRADE):  # noqa: ASYNC110  two clients ask, one of them once
            await asyncio.sleep(0.02)
    (offer,) = await find(n2, "roof.*", version="^1", agent="thatcher", on_node="n1")
    assert (offer.name, offer.agent, offer.node, offer.ready, offer.load) == (
        TRADE,
        "thatcher",
        "n1",
        True,
        0,
    )
    assert await find(n2, TRADE, version="^2") == await find(n2, TRADE, locality="here") == []
    assert (await find(n1, TRADE, locality="here"))[0].distance_ms == 0

    found = await run(n2, "capability", "find", "roof.*", *FILTERS)
    head, row = (line.split() for line in found.out.splitlines())
    assert (head[:5], row[0], row[2:6]) == (
        ["CAPABILITY", "VERSION", "AGENT", "NODE", "STATE"],
        TRADE,
        ["thatcher", "n1", "ready", "low"],
    )
    shown = json.loads((await run(n2, "capability", "get", TRADE, "thatcher", "-o", "json")).out)
    assert [(one["name"], one["node"], one["input_schema"]) for one in shown] == [(TRADE, "n1", None)]
    assert "Distance" in (await run(n2, "capability", "get", TRADE, "thatcher")).out
    event = json.loads((await run(n2, "capability", "watch", TRADE, "--limit", "1", "-o", "json")).out)
    assert (event["change"], event["offer"]["agent"]) == ("present", "thatcher")

    await call(n1.local, lambda client: client.agents.stop("thatcher"))
    assert (await run(n1, "capability", "find", TRADE)).err == f"no agent offers {TRADE}\n"
    async with asyncio.timeout(10):
        came, went = await watching
    assert came in {("appeared", "thatcher"), ("present", "thatcher")}  # whichever was first, watch or agent
    assert went == ("gone", "thatcher")
    await call(n1.local, lambda client: client.agents.undeploy("thatcher"))


@pytest.mark.parametrize(
    "conditions",
    [
        {"name": "Bad Name"},
        {"name": "x", "version": "banana"},
        {"name": "x", "sends_schema_json": "[1]"},
        {"name": "x", "sends_schema_json": '{"type": "objct"}'},
        {"name": "x", "sample_json": "{"},
        {"name": "x", "locality": "far"},
        {},
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(n1: Node, conditions: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        await find(n1, **conditions)


async def test_what_nobody_offers_is_not_there(n1: Node) -> None:
    with pytest.raises(NotFound, match="nobody offers no such"):
        await call(n1.local, lambda client: client.capabilities.get("such", "nobody"))
    done = await run(n1, "capability", "get", "such", "nobody")
    assert (done.code, "capability list" in done.err) == (3, True)


async def test_the_example_with_types_is_found_by_what_it_takes_and_answers_it(n1: Node, n2: Node) -> None:
    await call(n2.local, lambda client: client.agents.deploy("shouter", rust("shouter")))
    async with asyncio.timeout(10):
        while not await find(n1, "text.upper"):  # noqa: ASYNC110  as above
            await asyncio.sleep(0.02)
    sample = {"name": "text.*", "sample_json": '{"text": "hi", "times": 2}'}
    assert [offer.agent for offer in await find(n1, **sample)] == ["shouter"]
    assert await find(n1, "text.*", sample_json='{"text": 7}') == []
    sends = (
        '{"type": "object", "properties": {"text": {"const": "hi"}, "times": false}, "required": ["text"]}'
    )
    assert [offer.agent for offer in await find(n1, "*", sends_schema_json=sends, text="loud")] == ["shouter"]
    asked = await run(n1, "message", "send", "--to", "shouter", "--content", sample["sample_json"])
    assert json.loads(asked.out) == {"text": "HI HI"}
    await call(n2.local, lambda client: client.agents.undeploy("shouter"))
