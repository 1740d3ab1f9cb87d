"""Real agents that lose their name: they hear of it, finish what they have, and stop."""

import json
from contextlib import AsyncExitStack

import pytest

from caxton_node.agents.lifecycle import Event, State
from caxton_node.agents.loss import NameLost
from caxton_node.agents.manifest import Manifest, OnConflict
from caxton_node.core.clock import SystemClock
from caxton_node.fipa import Performative, decode
from tests.support.guests import tiny, wat
from tests.support.name_houses import open_name_house
from tests.support.registry_net import Net, until

pytestmark = [pytest.mark.story("026"), pytest.mark.story("003")]
ECHO = wat("echo").encode()
WEB = "default/web"


@pytest.fixture
async def pair(tmp_path):
    net = Net(tmp_path)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(open_name_house(net, "n1"))
        two = await stack.enter_async_context(open_name_house(net, "n2"))
        net.split(["n1"], ["n2"])
        yield net, one, two


async def deploy_apart(one, two, on_conflict=OnConflict.STOP, module=ECHO):
    """Deploy two contents of one name where neither knows of the other; the second one is the later."""
    await one.house.service.deploy(Manifest("web", "1.0.0", on_conflict=on_conflict), module)
    began_ms = SystemClock().unix_us() // 1000
    await until(lambda: SystemClock().unix_us() // 1000 > began_ms + 1)
    await two.house.service.deploy(Manifest("web", "2.0.0", on_conflict=on_conflict), module)


def hear(node):
    """Collect what agents of a node are told by its platform."""
    heard = []
    node.house.router.tap.follow(
        lambda frames: heard.extend(
            one for one in map(decode, frames) if one.sender == f"ams@{node.house.router.node_id}"
        )
    )
    return heard


async def test_the_loser_handles_the_news_and_is_stopped_and_the_winner_answers_everywhere(pair):
    net, one, two = pair
    lost, heard = [], hear(one)
    one.house.bus.subscribe(NameLost, lost.append)
    await deploy_apart(one, two)
    net.heal()
    await until(lambda: one.house.service.get("web").state is State.STOPPED and bool(lost))
    assert two.house.service.get("web").state is State.RUNNING
    (news,) = heard
    assert (news.performative, json.loads(news.content)["winner"]["node"]) == (Performative.INFORM, "n2")
    counts = one.house.router.counts()
    assert (counts.delivered, counts.dead_lettered, counts.in_flight) == (1, 0, 0)
    assert [(event.agent, event.winner, event.action) for event in lost] == [(WEB, "n2", "stopped")]
    for node in (one, two):  # messages go to the winner
        await until(lambda node=node: [at.node for at in node.house.routes.targets(WEB)] == ["n2"])


async def test_the_history_of_the_loser_tells_what_happened_to_it(pair):
    net, one, two = pair
    await deploy_apart(one, two)
    net.heal()
    await until(lambda: one.house.service.get("web").state is State.STOPPED and not one.names.is_busy)
    moves = list(reversed(await one.house.service.history("web")))
    assert [move.event for move in moves[-3:]] == [Event.OVERRULED, Event.DRAIN, Event.STOP]
    assert "version 2.0.0 of n2" in moves[-3].reason
    (row,) = [row for row in await one.book.read() if row.action]
    assert (row.kind, row.key, row.action, row.winner.origin) == ("name", WEB, "stopped", "n2")


async def test_a_loser_stays_stopped_when_its_node_starts_again(pair, tmp_path):
    net, one, two = pair
    await deploy_apart(one, two)
    net.heal()
    await until(lambda: one.house.service.get("web").state is State.STOPPED and not one.names.is_busy)
    rows = await one.house.database.read("SELECT name, desired_state FROM agents")
    assert rows == [(WEB, "Stopped")]


async def test_one_that_keeps_hears_of_it_and_goes_on(pair):
    net, one, two = pair
    heard = hear(one)
    await deploy_apart(one, two, OnConflict.KEEP)
    net.heal()
    await until(lambda: bool(heard) and not one.names.is_busy)
    assert one.house.service.get("web").state is two.house.service.get("web").state is State.RUNNING
    assert (await one.house.service.history("web"))[0].event is Event.OVERRULED


async def test_an_update_across_nodes_is_no_conflict(pair):
    net, one, two = pair
    net.heal()
    await one.house.service.deploy(Manifest("web", "1.0.0"), ECHO)
    await until(lambda: two.house.registry.find_entry("name", WEB) is not None)
    await two.house.service.deploy(Manifest("web", "2.0.0"), ECHO)
    await until(lambda: one.house.announcer.claims.find(WEB).version == "2.0.0" and not one.names.is_busy)
    assert one.house.service.get("web").state is State.RUNNING
    await two.house.service.undeploy("web")
    await one.house.service.undeploy("web")
    await until(lambda: two.house.registry.find_entry("name", WEB) is None)


async def test_a_loser_that_traps_on_the_news_is_not_started_again(pair):
    net, one, two = pair
    lost = []
    one.house.bus.subscribe(NameLost, lost.append)
    await deploy_apart(one, two, module=tiny().encode())
    net.heal()
    await until(lambda: bool(lost) and not one.names.is_busy)
    assert one.house.service.get("web").state is State.FAILED
    rows = await one.house.database.read("SELECT desired_state FROM agents")
    assert rows == [("Failed",)]
