"""Searches by index against the same conditions asked of every record, whatever came and went before."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.registry.discovery.facets import tokens_of
from caxton_node.registry.discovery.finder import Finder
from caxton_node.registry.discovery.offers import OfferIndex
from caxton_node.registry.discovery.query import LIMIT_MAX, Locality, Pick, Query
from caxton_node.registry.discovery.semver import find_version, read_range
from caxton_node.registry.records import CapabilityRecord, InstanceRecord

pytestmark = pytest.mark.story("015")

NODES, AGENTS = ("n1", "n2", "n3"), ("default/a", "default/b", "other/a")
NAMES = ("text.upper", "text.lower", "text.deep.upper", "text", "textile", "image:resize")
PATTERNS = (*NAMES, "text.*", "text.deep.*", "te*", "text.up*", "image:*", "*", "")
DISTANCES_S = {"n1": 0.0, "n2": 0.004, "n3": None}
WORDS = ("fast", "Upper case", "fast, and good", "")

RECORDS = st.builds(
    CapabilityRecord,
    name=st.sampled_from(NAMES),
    version=st.sampled_from(["1.0", "1.2.3", "2.0.0", "2.0.0-rc.1", "no version"]),
    agent=st.sampled_from(AGENTS),
    node=st.sampled_from(NODES),
    performatives=st.sampled_from([(), ("request",), ("request", "query-if")]),
    protocols=st.sampled_from([(), ("fipa-request",)]),
    cost=st.sampled_from([{}, {"price": 1.0}, {"price": 2.0, "latency_ms": 5.0}]),
    attributes=st.sampled_from([{}, {"lang": "en"}, {"lang": "de", "tier": "fast"}]),
    description=st.sampled_from(WORDS),
)
INSTANCES = st.builds(
    InstanceRecord,
    name=st.sampled_from(AGENTS),
    version=st.just("1.0.0"),
    number=st.integers(1, 2),
    node=st.sampled_from(NODES),
    state=st.sampled_from(["Running", "Running", "Draining", "Failed"]),
    load=st.integers(0, 3),
    failing=st.booleans(),
)
STEPS = st.lists(st.tuples(st.booleans(), st.one_of(RECORDS, INSTANCES)), max_size=30)
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(PATTERNS),
        "version": st.sampled_from(["", "^1", "~1.2", ">=2.0.0-rc.1", "*"]),
        "text": st.sampled_from(["", "fast", "upper", "FAST good", "lang de"]),
        "attributes": st.sampled_from([{}, {"lang": "en"}, {"lang": "de"}]),
        "performative": st.sampled_from(["", "request", "QUERY-IF"]),
        "protocol": st.sampled_from(["", "fipa-request"]),
        "agent": st.sampled_from(["", *AGENTS]),
        "node": st.sampled_from(["", *NODES]),
        "locality": st.sampled_from(list(Locality)),
        "unready": st.booleans(),
    },
)


class Net:
    """A cluster in which some nodes are alive."""

    node_id = "n1"

    def __init__(self, alive: frozenset[str]) -> None:
        self.alive = alive

    def is_alive(self, node: str) -> bool:
        return node in self.alive


class World:
    """What is registered, as a plain list beside the index."""

    def __init__(self, steps: list[tuple[bool, CapabilityRecord | InstanceRecord]], net: Net) -> None:
        self.index = OfferIndex()
        self.records: dict[str, CapabilityRecord] = {}
        self.instances: dict[str, InstanceRecord] = {}
        self.net = net
        for comes, record in steps:
            self.step(record, comes=comes)

    def step(self, record: CapabilityRecord | InstanceRecord, *, comes: bool) -> None:
        is_instance = isinstance(record, InstanceRecord)
        known: dict[str, Any] = self.instances if is_instance else self.records
        if comes:
            known[record.key] = record
            self.index.put_instance(record) if isinstance(record, InstanceRecord) else self.index.put(record)
        else:
            known.pop(record.key, None)
            (self.index.remove_instance if is_instance else self.index.remove)(record.key)

    def loads(self, record: CapabilityRecord) -> list[int]:
        usable = (one for one in self.instances.values() if one.state == "Running" and not one.failing)
        return [one.load for one in usable if (one.name, one.node) == (record.agent, record.node)]

    def is_ready(self, record: CapabilityRecord) -> bool:
        return bool(self.loads(record)) and record.node in self.net.alive

    def fits(self, record: CapabilityRecord, query: Query) -> bool:
        words = tokens_of(
            " ".join([record.name, record.description, *record.attributes, *record.attributes.values()])
        )
        version = find_version(record.version)
        distance_s = DISTANCES_S[record.node]
        return all(
            [
                record.name.startswith(query.name[:-1])
                if query.name.endswith("*")
                else query.name in {"", record.name},
                not query.version or (version is not None and version in read_range(query.version)),
                set(tokens_of(query.text)) <= set(words),
                query.attributes.items() <= record.attributes.items(),
                not query.performative or query.performative.lower() in record.performatives,
                not query.protocol or query.protocol in record.protocols,
                query.agent in {"", record.agent},
                query.node in {"", record.node},
                query.locality is not Locality.HERE or record.node == "n1",
                query.locality is not Locality.NEAR or (distance_s is not None and distance_s <= 0.005),
                query.unready or self.is_ready(record),
            ]
        )


@settings(max_examples=200, deadline=None)
@given(STEPS, st.frozensets(st.sampled_from(NODES)), QUERIES)
def test_a_search_finds_what_a_look_at_everything_finds(
    steps: list[Any], alive: frozenset[str], conditions: dict[str, Any]
) -> None:
    world = World(steps, Net(alive | {"n1"}))
    finder = Finder(world.index, world.net, DISTANCES_S.__getitem__, random.Random(1))
    query = Query(limit=LIMIT_MAX, **conditions)
    answer = finder.search(query)
    expected = {record.key for record in world.records.values() if world.fits(record, query)}
    assert {found.record.key for found in answer.found} == expected
    assert len(answer.found) == len(expected)
    assert not answer.more
    for offer in world.index.all():
        static = Query(**{**conditions, "locality": Locality.ANYWHERE, "unready": True})
        assert offer.fits(static) is world.fits(offer.record, static)
        assert offer.ready is bool(world.loads(offer.record))
        assert offer.load == min(world.loads(offer.record), default=0)

    ranks = [(not found.ready, found.load) for found in answer.found]
    assert ranks == sorted(ranks)
    for pick in (Pick.BEST, Pick.ANY):
        one = finder.search(Query(pick=pick, **conditions)).found
        assert {found.record.key for found in one} <= expected
        assert len(one) == min(1, len(expected))
        if pick is Pick.BEST and one:
            assert (not one[0].ready, one[0].load) == ranks[0]


@settings(max_examples=50, deadline=None)
@given(STEPS)
def test_an_index_that_is_emptied_keeps_nothing(steps: list[Any]) -> None:
    world = World(steps, Net(frozenset(NODES)))
    for record in [*world.records.values(), *world.instances.values()]:
        world.step(record, comes=False)
    kept = [value for value in vars(world.index).values() if isinstance(value, dict | list)]
    assert kept
    assert not any(kept)
