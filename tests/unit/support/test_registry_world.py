"""The simulated registries are what they are said to be: virtual time, shared entries, nodes of their own."""

from __future__ import annotations

import asyncio
import random

import pytest

from caxton_node.registry.service import OWNED_KINDS
from tests.support.registry_world.links import Links, Terrain
from tests.support.registry_world.scenarios import known_agents
from tests.support.registry_world.sharing import Versions, blank, copy_of
from tests.support.registry_world.virtual_loop import VirtualLoop
from tests.support.registry_world.world import START_US, World

pytestmark = pytest.mark.story("026")


def test_virtual_time_jumps_to_the_next_timer_and_refuses_to_wait_for_nothing() -> None:
    loop = VirtualLoop()
    loop.run_for(86_400)
    assert loop.time() == pytest.approx(86_400)
    with pytest.raises(RuntimeError, match="no timer is set"):
        loop.run_until_complete(loop.create_future())
    loop.end([])


def test_timers_of_a_virtual_loop_fire_in_their_order() -> None:
    loop, heard = VirtualLoop(), list[tuple[float, str]]()

    async def say(after_s: float, word: str) -> None:
        await asyncio.sleep(after_s)
        heard.append((loop.time(), word))

    tasks = [loop.create_task(say(2.5, "second")), loop.create_task(say(0.5, "first"))]
    loop.run_for(3)
    loop.end(tasks)
    assert heard == [(pytest.approx(0.5), "first"), (pytest.approx(2.5), "second")]


def test_a_copied_replica_shares_entries_and_nothing_else() -> None:
    versions: Versions = {}
    pattern = blank("node-0", versions, OWNED_KINDS)
    pattern.load(known_agents(3), START_US)
    twin = copy_of(pattern, "node-1")
    assert twin.buckets.root() == pattern.buckets.root()
    assert all(mine is theirs for mine, theirs in zip(twin.entries(), pattern.entries(), strict=True))
    key = next(entry.key for entry in twin.entries() if entry.origin == "node-1")
    twin.put("instance", key, b"new", START_US)
    twin.put("route", "only here", b"new", START_US)
    assert pattern.find("route", "only here") is None
    assert len(twin) == len(pattern) + 1
    assert twin.buckets.root() != pattern.buckets.root()


def test_a_world_begins_in_agreement_and_a_change_ends_it_until_all_have_heard() -> None:
    with World(random.Random(1), 5, known=known_agents(5)) as world:
        assert world.agree()
        world.put("node-3", "route", "key", b"value")
        assert not world.agree()
        assert 0 < world.time_to_agree(within_s=5) < 5
        assert world.links.gossip_bytes.total() > 0


def test_a_line_carries_one_thing_after_the_other_and_a_new_link_costs_round_trips() -> None:
    links = Links(random.Random(1), Terrain(near_s=(0.01, 0.01), bytes_per_s=1_000_000))
    assert links.connect_s("a", "b") == pytest.approx(0.04)
    assert links.connect_s("b", "a") == 0
    first, second = (links.carry_s("a", "b", 100_000, now=0.0) for _ in range(2))
    assert first == pytest.approx(0.11, abs=0.01)
    assert second == pytest.approx(first + 0.1, abs=0.01)


def test_what_a_link_loses_costs_time_and_does_arrive() -> None:
    links = Links(random.Random(1), Terrain(near_s=(0.01, 0.01), loss=0.5))
    assert max(links.carry_s("a", "b", 10_000, now=100.0 * n) for n in range(20)) > 0.2
