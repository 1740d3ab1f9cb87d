"""Replicas agree: whatever is written where, delivered in whatever order, however often."""

from __future__ import annotations

import random
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.registry.entry import Entry, decode_page, encode_page
from caxton_node.registry.replica import Replica
from caxton_node.registry.vector_clock import Order
from tests.support.replicas import compare

NODES = ("alpha", "beta", "gamma")
START_US = 1_700_000_000_000_000


@dataclass(frozen=True)
class Write:
    node: str
    key: str
    value: bytes | None
    skew_ms: int
    deliver_to: frozenset[str]


WRITES = st.lists(
    st.builds(
        Write,
        node=st.sampled_from(NODES),
        key=st.sampled_from("xyz"),
        value=st.none() | st.binary(max_size=2),
        skew_ms=st.integers(-120_000, 120_000),
        deliver_to=st.frozensets(st.sampled_from(NODES)),
    ),
    max_size=30,
)


def run(writes: list[Write], kind: str) -> tuple[dict[str, Replica], list[Entry]]:
    """Write as told, with clocks that disagree by minutes; only some nodes hear of each write at once."""
    replicas = {node: Replica(node, owned_kinds=frozenset({"instance"})) for node in NODES}
    versions: list[Entry] = []
    for number, write in enumerate(writes):
        now_us = START_US + number * 1000 + write.skew_ms * 1000
        writer, key = replicas[write.node], write.key
        if kind == "instance":
            key = f"{key}@{write.node}"
        version = (
            writer.delete(kind, key, now_us)
            if write.value is None
            else writer.put(kind, key, write.value, now_us)
        )
        if version is not None:
            versions.append(version)
            for node in write.deliver_to - {write.node}:
                replicas[node].merge([version], now_us)
    return replicas, versions


def state(replica: Replica) -> dict[tuple[str, str], bytes]:
    return {entry.id: entry.value for entry in replica.entries()}


@given(WRITES, st.randoms(use_true_random=False))
def test_replicas_that_saw_the_same_versions_are_equal(writes: list[Write], rng: random.Random) -> None:
    replicas, versions = run(writes, "route")
    for replica in replicas.values():
        deliveries = versions + rng.sample(versions, len(versions) // 2)
        rng.shuffle(deliveries)
        replica.merge(deliveries, START_US)
    assert len({replica.buckets.root() for replica in replicas.values()}) == 1
    assert state(replicas["alpha"]) == state(replicas["beta"]) == state(replicas["gamma"])


@given(WRITES)
def test_comparing_in_a_ring_makes_all_equal(writes: list[Write]) -> None:
    replicas, _ = run(writes, "route")
    for _ in range(2):
        for one, other in (("alpha", "beta"), ("beta", "gamma"), ("gamma", "alpha")):
            compare(replicas[one], replicas[other], START_US)
    assert state(replicas["alpha"]) == state(replicas["beta"]) == state(replicas["gamma"])


@given(WRITES)
def test_the_order_of_clocks_and_the_order_of_ranks_agree(writes: list[Write]) -> None:
    """What makes it safe to decide by rank: a version that knew another never loses to it."""
    _, versions = run(writes, "route")
    for one in versions:
        for other in versions:
            if one.id == other.id and one.clock.compare(other.clock) is Order.AFTER:
                assert one.rank > other.rank


@given(WRITES)
def test_an_owned_entry_ends_as_its_owner_left_it(writes: list[Write]) -> None:
    replicas, versions = run(writes, "instance")
    for replica in replicas.values():
        replica.merge(reversed(versions), START_US)
    for node, replica in replicas.items():
        own = {entry.id: entry.value for entry in replica.own_entries()}
        for other in replicas.values():
            assert {key: value for key, value in state(other).items() if key[1].endswith(f"@{node}")} == own


@given(WRITES)
def test_pages_carry_versions_unchanged(writes: list[Write]) -> None:
    _, versions = run(writes, "route")
    assert decode_page(encode_page(versions)) == versions


@settings(max_examples=20)
@given(st.sets(st.integers(0, 400)), st.sets(st.integers(0, 400)), st.integers(0, 900))
def test_a_comparison_moves_the_difference_and_nothing_else(
    here: set[int], there: set[int], size: int
) -> None:
    alpha, beta = Replica("alpha"), Replica("beta")
    for number in here | there:
        entry = alpha.put("route", f"k{number}", b"v" * size, START_US)
        if number in there:
            beta.merge([entry], START_US)
    alpha = _only(alpha, here)
    traffic = compare(alpha, beta, START_US)
    assert (traffic.received, traffic.sent) == (len(there - here), len(here - there))
    assert state(alpha) == state(beta)


def _only(replica: Replica, keep: set[int]) -> Replica:
    reduced = Replica(replica.node_id)
    reduced.load((entry for entry in replica.entries() if int(entry.key[1:]) in keep), START_US)
    return reduced
