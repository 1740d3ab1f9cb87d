"""Comparing replicas: equal afterwards, in bounded pages, at the price of the difference."""

from __future__ import annotations

import time

import msgspec
import pytest

from caxton_node.registry import answering
from caxton_node.registry.anti_entropy import Exchange
from caxton_node.registry.entry import PAGE_BYTES_MAX, VALUE_BYTES_MAX, MalformedPage
from caxton_node.registry.replica import Replica
from caxton_node.registry.tombstones import TOMBSTONE_KEPT_US
from tests.support.replicas import compare

pytestmark = pytest.mark.story("026")

NOW_US = 1_700_000_000_000_000


def filled(node: str, count: int, *, size: int = 150) -> Replica:
    replica = Replica(node)
    for number in range(count):
        replica.put("instance", f"{node}-{number}", b"v" * size, NOW_US)
    return replica


def assert_equal(a: Replica, b: Replica) -> None:
    assert a.buckets.root() == b.buckets.root()
    assert {entry.id: entry for entry in a.entries()} == {entry.id: entry for entry in b.entries()}


def test_equal_replicas_cost_one_small_request() -> None:
    alpha, beta = filled("alpha", 100), Replica("beta")
    compare(beta, alpha, NOW_US)
    traffic = compare(beta, alpha, NOW_US)
    assert (traffic.requests, traffic.received, traffic.sent) == (1, 0, 0)
    assert traffic.bytes_sent < 20


def test_both_sides_get_what_the_other_has() -> None:
    alpha, beta = filled("alpha", 300), filled("beta", 200)
    traffic = compare(alpha, beta, NOW_US)
    assert (traffic.received, traffic.sent) == (200, 300)
    assert_equal(alpha, beta)


def test_one_change_in_ten_thousand_entries_costs_a_bucket() -> None:
    alpha, beta = filled("alpha", 10_000), Replica("beta")
    compare(beta, alpha, NOW_US)
    alpha.put("instance", "alpha-7", b"changed", NOW_US)
    traffic = compare(beta, alpha, NOW_US)
    assert traffic.received == 1
    assert traffic.bytes_sent < 6000
    assert_equal(alpha, beta)


def test_ten_thousand_entries_are_fetched_in_bounded_pages_and_quickly() -> None:
    alpha, beta = filled("alpha", 10_000), Replica("beta")
    started = time.perf_counter()
    traffic = compare(beta, alpha, NOW_US)
    assert time.perf_counter() - started < 5  # about 0.3 s on a quiet core
    assert traffic.received == 10_000
    assert traffic.largest <= PAGE_BYTES_MAX + 1024
    assert traffic.bytes_sent < 10_000 * 300
    assert_equal(alpha, beta)


def test_entries_that_fill_pages_alone_are_all_fetched() -> None:
    alpha, beta = filled("alpha", 20, size=VALUE_BYTES_MAX), Replica("beta")
    traffic = compare(beta, alpha, NOW_US)
    assert traffic.received == 20
    assert traffic.largest <= PAGE_BYTES_MAX + 1024
    assert_equal(alpha, beta)


def test_deletions_travel_like_any_change() -> None:
    alpha, beta = filled("alpha", 50), Replica("beta")
    compare(beta, alpha, NOW_US)
    for number in range(50):
        alpha.delete("instance", f"alpha-{number}", NOW_US)
    compare(beta, alpha, NOW_US)
    assert list(beta.entries()) == []
    assert_equal(alpha, beta)


def test_two_writes_in_the_same_instant_end_the_same_on_both_sides() -> None:
    alpha, beta = Replica("alpha"), Replica("beta")
    alpha.put("route", "r", b"a", NOW_US)
    beta.put("route", "r", b"b", NOW_US)
    compare(alpha, beta, NOW_US)
    assert_equal(alpha, beta)
    entry = alpha.find("route", "r")
    assert entry is not None
    assert entry.value == b"b"


def test_a_peer_full_of_expired_tombstones_does_not_hold_the_exchange_up() -> None:
    alpha, beta = filled("alpha", 3000), Replica("beta")
    for number in range(3000):
        alpha.delete("instance", f"alpha-{number}", NOW_US)
    traffic = compare(beta, alpha, NOW_US + TOMBSTONE_KEPT_US * 2)
    assert traffic.received == 0
    assert traffic.requests < 10


@pytest.mark.parametrize("payload", [b"", b"\x93\x02\x03", msgspec.msgpack.encode((2, b"root"))])
def test_a_request_that_cannot_be_read_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedPage):
        answering.answer_digest(Replica("alpha"), payload)
    with pytest.raises(MalformedPage):
        answering.answer_pull(Replica("alpha"), payload)


@pytest.mark.parametrize("rows", [(256, b""), (-1, b""), (0, b"x" * 21)])
def test_a_pull_with_impossible_rows_is_refused(rows: tuple[int, bytes]) -> None:
    with pytest.raises(MalformedPage):
        answering.answer_pull(Replica("alpha"), msgspec.msgpack.encode((1, [rows])))


def test_an_answer_that_cannot_be_read_ends_the_exchange() -> None:
    exchange = Exchange(filled("alpha", 3))
    with pytest.raises(MalformedPage):
        exchange.handle_answer(b"short", NOW_US)
    assert exchange.request is None
    exchange = Exchange(filled("alpha", 3))
    exchange.handle_answer(Replica("beta").buckets.sums(), NOW_US)
    with pytest.raises(MalformedPage):
        exchange.handle_answer(b"\xff", NOW_US)
    assert exchange.request is None


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 0.5, 1.0])
def test_who_was_away_catches_up_by_deltas_or_by_a_snapshot_whichever_is_smaller(share: float) -> None:
    """A comparison with a replica that has nothing is what a snapshot costs."""
    alpha, beta = Replica("alpha"), Replica("beta")
    for number in range(4000):
        alpha.put(
            "instance", f"agent-{number}@alpha", b"version 1 of an agent that runs on alpha", NOW_US + number
        )
    beta.load(alpha.entries(), NOW_US)
    for number in range(round(4000 * share)):
        value = b"version 2 of an agent that runs on alpha"
        alpha.put("instance", f"agent-{number}@alpha", value, NOW_US + 3_600_000_000 + number)
    snapshot = compare(Replica("gamma"), alpha, NOW_US)
    traffic = compare(beta, alpha, NOW_US)
    assert traffic.received == round(4000 * share)
    assert traffic.bytes_sent <= snapshot.bytes_sent * 1.5
    if share <= 0.02:
        assert traffic.bytes_sent <= snapshot.bytes_sent / 2
    assert_equal(alpha, beta)


def test_entries_newer_on_the_side_that_took_a_snapshot_travel_with_the_next_comparison() -> None:
    alpha, beta = filled("alpha", 3000), filled("beta", 1)
    compare(beta, alpha, NOW_US)
    compare(beta, alpha, NOW_US)
    assert_equal(alpha, beta)


def test_buckets_larger_than_a_page_are_taken_in_parts() -> None:
    alpha, beta = Replica("alpha"), Replica("beta")
    for number in range(2000):
        alpha.put("instance", f"agent-{number}", bytes([number % 251]) * 40_000, NOW_US)
    traffic = compare(beta, alpha, NOW_US)
    assert traffic.received == 2000
    assert_equal(alpha, beta)
