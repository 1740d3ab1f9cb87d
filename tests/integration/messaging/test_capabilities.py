"""Directories of several nodes over real registries, and agents that fail in earnest."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.supervision import RestartPolicy
from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging.directory import Directory
from caxton_node.registry import CapabilityRecord, InstanceRecord
from caxton_node.registry.discovery.query import Query
from tests.support.agents import open_house
from tests.support.directories import directory_of, finder_of
from tests.support.guests import faulty
from tests.support.registry_net import Net, Node, until

pytestmark = pytest.mark.story("015")

FAULTY = faulty().encode()
NAMED = Query(name="echo")
SEARCH = {"action": "search", "capability": "text.*", "version": "^1"}


class Place:
    """A node with its registry, its directory and what that answered."""

    def __init__(self, net: Net, node_id: str) -> None:
        self.node = Node(net, node_id)
        self._net = net
        self.answers: list[Envelope] = []
        self.directory: Directory

    async def open(self) -> None:
        registry = await self.node.start()
        door = self._net.doors[self.node.node_id]
        self.directory = directory_of(registry, self.node.node_id, self.answers.append, cluster=door)

    def run(self, agent: str, state: State = State.RUNNING) -> None:
        record = InstanceRecord(f"default/{agent}", "1.0.0", 1, self.node.node_id, state)
        self.node.registry.put_instance(record)

    def ask(self, agent: str, content: object, act: Performative = Performative.REQUEST) -> Any:
        sender = f"{agent}@{self.node.node_id}"
        self.directory.handle(Envelope(act, sender, "df", json.dumps(content).encode(), f"talk-{agent}", "q"))
        return json.loads(self.answers[-1].content or b"")

    def finds(self) -> list[tuple[str, str]]:
        return sorted((found["name"], found["node"]) for found in self.ask("asker", SEARCH)["agents"])

    def told(self) -> list[tuple[str, str, str]]:
        """Return what a subscriber here has been told."""
        contents = [json.loads(answer.content or b"") for answer in self.answers]
        changes = [change for content in contents for change in content.get("changes", ())]
        return [(change["change"], change["name"], change["version"]) for change in changes]


@pytest_asyncio.fixture
async def places(tmp_path: Path) -> AsyncIterator[list[Place]]:
    net = Net(tmp_path)
    async with AsyncExitStack() as stack:
        opened = [Place(net, f"n{number}") for number in (1, 2, 3)]
        for place in opened:
            await place.open()
            stack.push_async_callback(place.node.stop)
        yield opened


async def test_what_an_agent_says_at_home_is_found_and_followed_everywhere(places: list[Place]) -> None:
    home, other, away = places
    assert away.ask("watcher", SEARCH, Performative.SUBSCRIBE) == {"agents": []}
    home.run("loud")
    offer = {"name": "text.upper", "version": "1.0", "input": {"type": "string"}}
    assert home.ask("loud", {"action": "register", "capabilities": [offer]}) == {"registered": ["text.upper"]}
    await until(lambda: other.finds() == away.finds() == [("loud", "n1")])
    change = {"action": "modify", "capabilities": [{"name": "text.upper", "version": "1.1.0"}]}
    await until(lambda: away.told() == [("appeared", "loud", "1.0")])
    home.ask("loud", change)
    await until(lambda: away.told()[1:] == [("changed", "loud", "1.1.0")])
    home.run("loud", State.FAILED)
    await until(lambda: away.told()[2:] == [("gone", "loud", "1.1.0")])
    assert away.finds() == []
    home.run("loud")
    await until(lambda: away.finds() == [("loud", "n1")])
    assert other.ask("loud", change)["reason"] == "CAPABILITY_NOT_REGISTERED"
    home.ask("loud", {"action": "deregister"})
    await until(lambda: other.finds() == away.finds() == [])


async def test_agents_beyond_a_split_drop_out_and_come_back(places: list[Place]) -> None:
    home, other, away = places
    for place in (home, away):
        place.run("loud")
        place.ask(
            "loud", {"action": "register", "capabilities": [{"name": "text.upper", "version": "1.2.0"}]}
        )
    await until(lambda: all(place.finds() == [("loud", "n1"), ("loud", "n3")] for place in places))
    net = home._net
    net.split(["n1", "n2"], ["n3"])
    assert (other.finds(), away.finds()) == ([("loud", "n1")], [("loud", "n3")])
    net.heal()
    await until(lambda: all(place.finds() == [("loud", "n1"), ("loud", "n3")] for place in places))


async def test_an_agent_that_keeps_failing_is_not_found_until_it_has_been_well(tmp_path: Path) -> None:
    policy = RestartPolicy(first_wait_s=0.01, wait_max_s=0.01, failures_max=20, window_s=3.0)
    async with open_house(tmp_path, policy=policy) as house:
        await house.service.deploy(Manifest("echo"), FAULTY)
        finder = finder_of(house.registry, "n1")

        def is_found() -> bool:
            # It would register again with each start; this one does not say anything of itself.
            house.registry.put_capability(CapabilityRecord("echo", "1.0", "default/echo", "n1"))
            return bool(finder.search(NAMED).found)

        assert is_found()
        for _ in range(3):
            await house.ask("echo", b"trap")
        await until(lambda: house.service.get("echo").condition.failing and not is_found())
        assert house.service.get("echo").state is State.RUNNING
        await until(is_found)
