"""Searches and watches over a registry of some nodes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from caxton_node.core.errors import InvalidArgument, ResourceLimit
from caxton_node.registry.discovery.finder import Finder, refuse_blank
from caxton_node.registry.discovery.offers import OfferIndex
from caxton_node.registry.discovery.query import Locality, Pick, Query
from caxton_node.registry.discovery.watches import Change, News, Watches
from caxton_node.registry.records import CapabilityRecord, InstanceRecord
from tests.support.registry_net import until

pytestmark = pytest.mark.story("015")

DISTANCES_S = {"here": 0.0, "near": 0.002, "far": 0.08, "unknown": None}


class World:
    """An index, nodes that are alive, and whoever watches."""

    node_id = "here"

    def __init__(self) -> None:
        self.dead: set[str] = set()
        self.index = OfferIndex()
        self.finder = Finder(self.index, self, DISTANCES_S.__getitem__, random.Random(1))
        self.watches = Watches(self.finder, most=3)

    def is_alive(self, node: str) -> bool:
        return node not in self.dead

    def run(
        self, agent: str, node: str = "here", *, state: str = "Running", load: int = 0, failing: bool = False
    ) -> str:
        record = InstanceRecord(f"default/{agent}", "1.0.0", 1, node, state, load=load, failing=failing)
        self.index.put_instance(record)
        return record.key

    def offer(
        self, agent: str, node: str = "here", name: str = "paint", version: str = "1.0", **more: Any
    ) -> None:
        self.index.put(CapabilityRecord(name, version, f"default/{agent}", node, **more))
        if not self.index.is_up(f"default/{agent}", node):
            self.run(agent, node)

    def found(self, **conditions: Any) -> list[str]:
        answer = self.finder.search(Query(**({"name": "paint"} | conditions)))
        return [
            f"{found.record.agent.removeprefix('default/')}@{found.record.node}" for found in answer.found
        ]


def test_the_better_ones_come_first_by_load_then_distance_then_cost() -> None:
    world = World()
    for agent, node, load, cost in [
        ("cheap", "far", 0, {"price": 1.0}),
        ("dear", "far", 0, {"price": 2.0}),
        ("silent", "far", 0, {}),
        ("close", "near", 0, {}),
        ("busy", "here", 3, {}),
        ("lost", "unknown", 0, {}),
    ]:
        world.run(agent, node, load=load)
        world.offer(agent, node, cost=cost)
    expected = ["close@near", "cheap@far", "dear@far", "silent@far", "lost@unknown", "busy@here"]
    assert world.found() == expected
    assert world.found(pick=Pick.BEST) == ["close@near"]
    assert world.found(limit=2) == expected[:2]
    assert world.found(locality=Locality.NEAR) == ["close@near", "busy@here"]
    assert world.found(locality=Locality.NEAR, within_ms=100) == [*expected[:4], "busy@here"]
    assert world.found(locality=Locality.HERE) == ["busy@here"]
    assert [found.distance_ms for found in world.finder.search(Query(name="paint")).found][:2] == [2.0, 80.0]


def test_equals_share_the_work() -> None:
    world = World()
    for number in range(4):
        world.offer(f"a{number}")
    for pick in (Pick.BEST, Pick.ANY):
        assert {world.found(pick=pick)[0] for _ in range(200)} == {f"a{number}@here" for number in range(4)}


def test_whoever_cannot_work_drops_out_and_comes_back() -> None:
    world = World()
    world.offer("a")
    world.offer("b", "far")
    key = world.run("a", state="Failed")
    assert world.found() == ["b@far"]
    world.run("a", failing=True)
    assert world.found() == ["b@far"]
    world.run("a")
    world.dead.add("far")
    assert world.found() == ["a@here"]
    world.dead.clear()
    world.index.remove_instance(key)
    assert world.found() == ["b@far"]
    assert world.found(unready=True) == ["b@far", "a@here"]
    world.run("a", state="Draining")
    assert world.found() == ["b@far"]


def test_an_agent_with_several_instances_is_as_loaded_as_the_least_loaded_that_works() -> None:
    world = World()
    world.offer("a")
    record = InstanceRecord("default/a", "1.0.0", 1, "here", "Running", load=3)
    world.index.put_instance(record)
    world.index.put_instance(InstanceRecord("default/a", "1.0.0", 2, "here", "Running", load=1))
    world.index.put_instance(InstanceRecord("default/a", "1.0.0", 3, "here", "Running", load=0, failing=True))
    (found,) = world.finder.search(Query(name="paint")).found
    assert (found.load, found.ready) == (1, True)


def test_agents_are_found_by_what_they_take() -> None:
    world = World()
    world.offer(
        "strict", schema={"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}
    )
    world.offer("loose", schema={"type": "object"})
    world.offer("silent")
    sends = {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer", "minimum": 1}}}
    assert world.found(sends=sends) == ["loose@here", "strict@here"]
    assert world.found(sends={"type": "object"}) == ["loose@here"]
    assert world.found(sample={"x": 1}) == ["loose@here", "strict@here"]
    assert world.found(sample={"x": "1"}) == ["loose@here"]
    assert world.found(sample=None) == []


def test_a_search_compares_so_many_schemas_and_the_next_goes_on() -> None:
    world = World()
    for number in range(300):
        world.offer(
            f"a{number:03}", schema={"type": "string", "maxLength": 100 + number, "title": "bounded work"}
        )
    sends = {"type": "string", "maxLength": 50, "title": "bounded work"}
    query = Query(name="paint", sends=sends, limit=1000)
    answers = [world.finder.search(query) for _ in range(10)]
    sizes = [len(answer.found) for answer in answers]
    assert 0 < sizes[0] < sizes[1] < 300
    assert answers[0].more
    assert (sizes[-1], answers[-1].more) == (300, False)


@pytest.mark.parametrize(
    "conditions",
    [
        {"name": "No Such"},
        {"name": "a*b"},
        {"version": "banana"},
        {"text": "x" * 300},
        {"text": "..."},
        {"limit": 0},
        {"limit": 1001},
        {"attributes": {f"k{n}": "v" for n in range(17)}},
        {"within_ms": float("nan")},
        {},
    ],
)
def test_a_search_that_makes_no_sense_is_refused(conditions: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        refuse_blank(Query(**conditions))


class Reader:
    """Somebody who is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def __call__(self, news: Sequence[News]) -> None:
        self.told += [(each.change.value, each.record.agent, each.record.version) for each in news]


async def test_a_watcher_is_told_of_what_comes_changes_and_goes() -> None:
    world, reader = World(), Reader()
    world.offer("a")
    watch, present = world.watches.begin(Query(name="paint", version="^1"), reader)
    assert [record.agent for record in present] == ["default/a"]
    world.offer("b", version="1.2.0")
    world.offer("c", version="2.0.0")
    world.offer("d", name="draw")
    await until(lambda: len(reader.told) == 1)
    world.offer("b", version="1.3.0")
    world.offer("c", version="1.9.0")
    await until(lambda: len(reader.told) == 3)
    world.offer("b", version="3.0.0")
    world.run("a", state="Failed")
    await until(lambda: len(reader.told) == 5)
    world.run("a")
    world.dead.add("here")
    world.watches.handle_node("here")
    await until(lambda: len(reader.told) == 6)
    world.dead.clear()
    world.watches.handle_node("here")
    await until(lambda: len(reader.told) == 8)
    b, c = "default/b", "default/c"
    assert reader.told[:3] == [("appeared", b, "1.2.0"), ("changed", b, "1.3.0"), ("appeared", c, "1.9.0")]
    assert set(reader.told[3:5]) == {("gone", b, "1.3.0"), ("gone", "default/a", "1.0")}
    assert reader.told[5] == ("gone", c, "1.9.0")
    assert set(reader.told[6:]) == {("appeared", "default/a", "1.0"), ("appeared", c, "1.9.0")}
    world.watches.end(watch)
    assert len(world.watches) == 0
    assert world.index.listeners == []


async def test_what_comes_and_goes_within_a_moment_is_no_news_and_neither_is_load() -> None:
    world, reader = World(), Reader()
    world.offer("a")
    watch, _ = world.watches.begin(Query(name="paint"), reader)
    world.run("a", load=3)
    world.run("a", state="Failed")
    world.run("a")
    world.offer("b")
    world.index.remove("paint default/b@here")
    world.offer("last")
    await until(lambda: bool(reader.told))
    assert reader.told == [(Change.APPEARED.value, "default/last", "1.0")]
    world.watches.end(watch)


async def test_a_newcomer_among_watchers_costs_the_others_no_news() -> None:
    world, first, second = World(), Reader(), Reader()
    one, _ = world.watches.begin(Query(name="paint"), first)
    world.offer("a")
    two, present = world.watches.begin(Query(name="*"), second)
    assert [record.agent for record in present] == ["default/a"]
    assert first.told == [("appeared", "default/a", "1.0")]
    world.offer("b")
    await until(lambda: len(second.told) == 1)
    assert [agent for _, agent, _ in first.told] == ["default/a", "default/b"]
    world.watches.end(one)
    world.watches.end(two)


async def test_many_changes_are_all_told() -> None:
    world, reader = World(), Reader()
    watch, _ = world.watches.begin(Query(name="paint"), reader)
    for number in range(5_000):
        world.offer(f"a{number}")
    await until(lambda: len(reader.told) >= 5_000)
    assert len(set(reader.told)) == 5_000
    world.watches.end(watch)


async def test_watches_are_bounded_and_ask_for_nothing_that_moves() -> None:
    world = World()
    with pytest.raises(InvalidArgument, match="distances are not watched"):
        world.watches.begin(Query(name="paint", locality=Locality.NEAR), Reader())
    held = [world.watches.begin(Query(name="paint"), Reader())[0] for _ in range(3)]
    with pytest.raises(ResourceLimit, match="3 watches"):
        world.watches.begin(Query(name="paint"), Reader())
    for watch in held:
        world.watches.end(watch)
        world.watches.end(watch)
