"""The order of offers, against a sort of all of them."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from caxton_node.registry import CapabilityRecord, InstanceRecord
from caxton_node.registry.discovery.offers import Offer, OfferIndex
from caxton_node.registry.discovery.ranking import in_order

pytestmark = pytest.mark.story("025")


def some_offers(count: int, rng: random.Random) -> list[Offer]:
    index = OfferIndex()
    for number in range(count):
        agent, node = f"default/a{number}", f"n{rng.randrange(4)}"
        state = rng.choice(["Running", "Running", "Stopped"])
        index.put_instance(InstanceRecord(agent, "1", 1, node, state, load=rng.randrange(3)))
        cost = {"price": rng.randrange(2)} if rng.randrange(2) else {}
        index.put(CapabilityRecord("c", "1", agent, node, cost=cost))
    return list(index.all())


def band(node: str) -> int:
    return int(node[1:]) // 2


@pytest.mark.parametrize("count", [0, 1, 5, 200])
def test_it_is_the_order_of_a_sort_by_readiness_load_band_cost_and_key(count: int) -> None:
    for seed in range(10):
        offers = some_offers(count, random.Random(seed))
        by_rank = sorted(offers, key=lambda one: (not one.ready, one.load, band(one.node), one.cost, one.key))
        assert list(in_order(offers, band)) == by_rank
        drawn = list(in_order(offers, band, random.Random(seed)))
        ranks = [(not one.ready, one.load, band(one.node), one.cost) for one in drawn]
        assert ranks == sorted(ranks)
        assert Counter(one.key for one in drawn) == Counter(one.key for one in offers)


def test_the_best_of_many_asks_of_each_node_once_and_of_those_behind_it_never() -> None:
    index, asked = OfferIndex(), Counter[str]()
    for number in range(1000):
        agent, node = f"default/a{number}", f"n{number % 4}"
        index.put_instance(InstanceRecord(agent, "1", 1, node, "Running", load=number % 4))
        index.put(CapabilityRecord("c", "1", agent, node))

    def counted(node: str) -> int:
        asked[node] += 1
        return 0

    best = next(in_order(list(index.all()), counted, random.Random(1)))
    assert best.load == 0
    assert asked == {"n0": 1}
