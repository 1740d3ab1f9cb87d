"""Comparing replicas: equal afterwards, in bounded pages, at the price of the difference."""

from __future__ import annotations

import time

import msgspec
import pytest

from caxton_node.registry import anti_entropy
from caxton_node.registry.anti_entropy import Exchange
from caxton_node.registry.entry import PAGE_BYTES_MAX, VALUE_BYTES_MAX, MalformedPage
from caxton_node.registry.replica import TOMBSTONE_KEPT_US, Replica
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
        anti_entropy.answer_digest(Replica("alpha"), payload)
    with pytest.raises(MalformedPage):
        anti_entropy.answer_pull(Replica("alpha"), payload)


@pytest.mark.parametrize("rows", [(256, b""), (-1, b""), (0, b"x" * 21)])
def test_a_pull_with_impossible_rows_is_refused(rows: tuple[int, bytes]) -> None:
    with pytest.raises(MalformedPage):
        anti_entropy.answer_pull(Replica("alpha"), msgspec.msgpack.encode((1, [rows])))


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
