"""The small parts: indexes, neighbours, and how changes leave."""

from __future__ import annotations

import random

import msgspec
import pytest

from caxton_node.registry import CapabilityRecord, InstanceRecord
from caxton_node.registry.capabilities import Directory
from caxton_node.registry.entry import Entry, decode_page
from caxton_node.registry.neighbours import NEIGHBOURS, Neighbours
from caxton_node.registry.spread import PUSH_PEERS_MAX, Spread, plan_spread
from caxton_node.registry.vector_clock import VectorClock

pytestmark = pytest.mark.story("026")


def entry(kind: str, key: str, value: bytes = b"", *, deleted: bool = False) -> Entry:
    return Entry(kind, key, value, VectorClock({"alpha": 1}), 1, "alpha", deleted)


def instance(name: str, node: str = "alpha", number: int = 1) -> InstanceRecord:
    return InstanceRecord(name=name, version="1.0.0", number=number, node=node, state="running")


def as_entry(record: InstanceRecord | CapabilityRecord, *, deleted: bool = False) -> Entry:
    return entry(record.KIND, record.key, b"" if deleted else msgspec.msgpack.encode(record), deleted=deleted)


def test_instances_are_found_by_name_until_they_are_deleted() -> None:
    directory, one, two = Directory(), instance("default/echo"), instance("default/echo", "beta")
    assert directory.apply(as_entry(one)) == {"default/echo"}
    directory.apply(as_entry(two))
    assert directory.instances.find("default/echo") == [one, two]
    assert directory.apply(as_entry(one, deleted=True)) == {"default/echo"}
    assert directory.instances.find("default/echo") == [two]
    directory.apply(as_entry(two, deleted=True))
    assert directory.instances.find("default/echo") == directory.instances.all() == []


def test_the_key_of_an_instance_is_its_address() -> None:
    assert instance("default/echo", "beta", 2).key == "default/echo#1.0.0.2@beta"


def test_capabilities_are_found_by_their_name() -> None:
    directory = Directory()
    record = CapabilityRecord("price", "1", "default/shop", "beta", {"type": "object"})
    assert directory.apply(as_entry(record)) == set()
    assert directory.find_capability("price") == directory.capabilities() == [record]
    assert directory.capabilities_of("default/shop", "beta") == [record]


def test_a_record_that_cannot_be_read_is_hidden_and_counted() -> None:
    directory = Directory()
    assert directory.apply(entry("instance", "x", b"\xc1")) == set()
    assert directory.apply(entry("instance", "y", msgspec.msgpack.encode({"name": "n"}))) == set()
    assert directory.instances.unreadable == 2
    assert directory.apply(entry("route", "z", b"whatever")) == set()


def test_fields_that_a_node_does_not_know_are_ignored() -> None:
    directory, record = Directory(), instance("default/echo")
    value = msgspec.msgpack.encode(msgspec.structs.asdict(record) | {"weight": 3})
    directory.apply(entry("instance", record.key, value))
    assert directory.instances.all() == [record]


def test_neighbours_take_turns_and_are_replaced_when_they_go() -> None:
    neighbours = Neighbours(random.Random(1))
    others = [f"n{number}" for number in range(10)]
    kept = {neighbours.pick(others) for _ in range(NEIGHBOURS)}
    assert len(kept) == NEIGHBOURS
    left = [node for node in others if node not in kept]
    assert {neighbours.pick(left) for _ in range(NEIGHBOURS)} <= set(left)


def test_neighbours_change_over_time_so_that_everybody_is_met() -> None:
    neighbours = Neighbours(random.Random(1))
    others = [f"n{number}" for number in range(10)]
    assert {neighbours.pick(others) for _ in range(2000)} == set(others)


def test_after_a_split_about_half_of_the_neighbours_are_of_the_other_side() -> None:
    here = [f"here{number}" for number in range(50)]
    there = [f"there{number}" for number in range(50)]
    crossed = 0
    for seed in range(200):
        neighbours = Neighbours(random.Random(seed))
        neighbours.pick(here)
        crossed += str(neighbours.pick(here + there)).startswith("there")
    assert crossed > 150


def test_a_newcomer_is_not_everybodys_neighbour() -> None:
    others = [f"n{number}" for number in range(999)]
    taken = 0
    for seed in range(1000):
        neighbours = Neighbours(random.Random(seed))
        neighbours.pick(others)
        taken += neighbours.pick([*others, "new"]) == "new"
    assert 0 < taken < 15


def test_a_node_alone_has_no_neighbour() -> None:
    neighbours = Neighbours(random.Random(1))
    assert neighbours.pick([]) is None
    assert neighbours.pick(["beta"]) == "beta"
    neighbours.drop("beta")
    assert neighbours.pick(["gamma"]) == "gamma"


def spread(count: int, size: int, others: int = 3) -> Spread:
    entries = [entry("instance", f"k{number}", b"v" * size) for number in range(count)]
    names = [f"n{number}" for number in range(others)]
    return plan_spread(entries, others=names, gossip_bytes_max=900, rng=random.Random(1))


def test_few_small_changes_leave_by_gossip() -> None:
    plan = spread(5, 150)
    assert plan.pages == plan.peers == ()
    assert sum(len(decode_page(payload)) for payload in plan.broadcasts) == 5
    assert all(len(payload) <= 900 for payload in plan.broadcasts)


def test_a_burst_or_a_large_entry_leaves_by_pages_to_peers() -> None:
    for plan in (spread(100, 150), spread(1, 2000)):
        assert plan.broadcasts == ()
        assert plan.peers == ("n0", "n1", "n2")
    assert len(spread(100, 150, others=100).peers) == PUSH_PEERS_MAX


def test_nothing_leaves_a_node_alone() -> None:
    assert spread(5, 150, others=0) == Spread()
