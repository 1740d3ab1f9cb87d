"""What was deleted stays deleted, is forgotten in the end, and is told to whoever was away."""

from __future__ import annotations

import pytest

from caxton_node.registry.anti_entropy import Exchange
from caxton_node.registry.context import Context
from caxton_node.registry.entry import Entry
from caxton_node.registry.hlc import stamp_at
from caxton_node.registry.replica import AHEAD_US_MAX, Replica
from caxton_node.registry.tombstones import AT_ONCE, TOMBSTONE_KEPT_MAX_US, TOMBSTONE_KEPT_US
from caxton_node.registry.vector_clock import VectorClock
from tests.support.replicas import answer, compare

pytestmark = pytest.mark.story("026")

NOW_US = 1_700_000_000_000_000
NEXT_DAY_US = NOW_US + TOMBSTONE_KEPT_US + 1_000_000
EMPTY = Replica("nobody").buckets.root()


def two() -> tuple[Replica, Replica]:
    """Return two replicas that have compared with everybody there is."""
    alpha, beta = Replica("alpha"), Replica("beta")
    alpha.context.caught_up = beta.context.caught_up = True
    return alpha, beta


def deleted(replica: Replica, key: str = "r", now_us: int = NOW_US) -> Entry:
    """Write an entry and delete it; return the tombstone."""
    replica.put("route", key, b"1", now_us)
    tombstone = replica.delete("route", key, now_us)
    assert tombstone is not None
    return tombstone


def test_a_tombstone_is_kept_for_a_day_and_counts_in_comparisons() -> None:
    alpha, _ = two()
    deleted(alpha)
    assert alpha.collect(NOW_US + TOMBSTONE_KEPT_US, ["alpha"]) == []
    assert alpha.buckets.root() != EMPTY


def test_after_a_day_it_goes_once_all_that_anybody_wrote_before_has_been_seen() -> None:
    alpha, beta = two()
    tombstone = deleted(alpha)
    assert alpha.collect(NEXT_DAY_US, ["alpha", "beta"]) == []
    assert alpha.buckets.root() == EMPTY  # settled: no reason to compare any more
    assert alpha.tombstones == 1
    compare(alpha, beta, NEXT_DAY_US, learns=True)
    assert alpha.collect(NEXT_DAY_US, ["alpha", "beta"]) == [tombstone]
    assert len(alpha) == 0


def test_a_member_that_is_not_there_keeps_it_but_not_for_ever() -> None:
    alpha, beta = two()
    tombstone = deleted(alpha)
    compare(alpha, beta, NEXT_DAY_US, learns=True)
    assert alpha.collect(NEXT_DAY_US, ["alpha", "beta", "gamma"]) == []
    assert alpha.collect(NOW_US + TOMBSTONE_KEPT_MAX_US + 2000, ["gamma"]) == [tombstone]


def test_nothing_is_forgotten_before_a_comparison_has_ended_since_the_start() -> None:
    alpha, beta = two()
    deleted(alpha)
    compare(alpha, beta, NEXT_DAY_US, learns=True)
    again = Replica("alpha")
    again.load(alpha._entries.values(), NEXT_DAY_US, context=alpha.context.stamps)
    assert again.collect(NEXT_DAY_US, ["alpha", "beta"]) == []
    compare(again, beta, NEXT_DAY_US, learns=True)
    assert len(again.collect(NEXT_DAY_US, ["alpha", "beta"])) == 1


@pytest.mark.parametrize("asks", ["who has it", "who has seen it deleted"])
def test_what_everybody_has_forgotten_is_forgotten_by_who_comes_back(asks: str) -> None:
    alpha, beta = two()
    beta.merge([alpha.put("route", "r", b"1", NOW_US)], NOW_US)
    compare(alpha, beta, NOW_US, learns=True)
    alpha.delete("route", "r", NOW_US)
    alpha.context.claim("beta", alpha.context.of("alpha") + 2**32)  # as if by others who know beta's clock
    assert len(alpha.collect(NEXT_DAY_US, ["alpha", "beta"])) == 1
    pair = (beta, alpha) if asks == "who has it" else (alpha, beta)
    compare(*pair, NEXT_DAY_US)
    assert alpha.find("route", "r") is beta.find("route", "r") is None
    assert len(beta) == 0


def test_what_was_never_seen_is_news_however_old() -> None:
    alpha, beta = two()
    compare(alpha, beta, NOW_US, learns=True)
    away = beta.put("route", "r", b"written while cut off", NOW_US + 1_000_000)
    alpha.context.claim("beta", away.stamp - 1)
    assert alpha.merge([away], NEXT_DAY_US * 2) == [away]


def test_a_settled_tombstone_still_answers_for_itself() -> None:
    alpha, beta, gamma = *two(), Replica("gamma")
    live = beta.put("route", "r", b"1", NOW_US)
    alpha.merge([live], NOW_US)
    gamma.merge([live], NOW_US)
    tombstone = alpha.delete("route", "r", NOW_US)
    alpha.collect(NEXT_DAY_US, ["alpha", "nobody"])
    traffic = compare(beta, alpha, NEXT_DAY_US)  # beta names the version that it has
    assert traffic.received == 1
    assert beta.find("route", "r") is None
    compare(alpha, gamma, NEXT_DAY_US)  # alpha says nothing of it, and is offered the old version
    assert gamma.find("route", "r") is None
    assert alpha.merge([live], NEXT_DAY_US) == []
    assert list(alpha.buckets.find([])) == []
    assert tombstone is not None


def test_a_new_entry_takes_the_place_of_a_settled_tombstone() -> None:
    alpha, beta = two()
    deleted(alpha)
    alpha.collect(NEXT_DAY_US, ["nobody"])
    new = alpha.put("route", "r", b"2", NEXT_DAY_US)
    compare(beta, alpha, NEXT_DAY_US)
    assert beta.find("route", "r") == new
    assert alpha.buckets.root() == beta.buckets.root()
    assert alpha.tombstones == 0


def test_an_old_tombstone_is_no_news_to_who_lacks_the_entry() -> None:
    alpha, beta = two()
    tombstone = deleted(alpha)
    assert beta.merge([tombstone], NEXT_DAY_US) == []
    assert len(beta) == 0


def test_nobody_forgets_what_is_young() -> None:
    alpha, _ = two()
    entry = alpha.put("route", "r", b"1", NOW_US)
    (hashed,) = (hashed for bucket in range(256) for hashed in alpha.buckets.entries_of(bucket))
    assert alpha.forget(hashed, entry.stamp, NOW_US) is None
    assert alpha.forget(hashed, entry.stamp + 1, NEXT_DAY_US) is None
    assert alpha.forget(hashed, entry.stamp, NEXT_DAY_US) is entry
    assert alpha.forget(hashed, entry.stamp, NEXT_DAY_US) is None


def test_after_a_restart_stamps_go_on_above_what_was_claimed() -> None:
    """Even when the wall clock was set back: peers take for seen what lies below."""
    alpha, beta = two()
    compare(alpha, beta, NOW_US, learns=True)
    claimed = alpha.claim(NOW_US).of("alpha")
    again = Replica("alpha")
    again.load([], NOW_US - 3_600_000_000, context=alpha.context.stamps)
    assert again.put("route", "r", b"1", NOW_US - 3_600_000_000).stamp > claimed


def test_a_node_that_lost_its_database_gets_back_what_it_wrote_long_ago() -> None:
    alpha, beta = two()
    beta.merge([alpha.put("token", "t", b"1", NOW_US)], NOW_US)
    compare(alpha, beta, NOW_US, learns=True)
    compare(beta, alpha, NOW_US, learns=True)
    empty = Replica("alpha")
    compare(empty, beta, NEXT_DAY_US, learns=True)
    assert empty.find("token", "t") is not None
    assert empty.context.caught_up
    compare(beta, empty, NEXT_DAY_US, learns=True)
    assert beta.find("token", "t") is not None


def test_a_comparison_teaches_only_when_it_has_ended() -> None:
    alpha, beta = two()
    beta.put("route", "r", b"1", NOW_US)
    exchange = Exchange(alpha, learns=True)
    while (request := exchange.request) is not None:
        assert alpha.context.of("beta") == 0
        exchange.handle_answer(answer(beta, request, NOW_US), NOW_US)
    assert exchange.learned
    assert alpha.context.of("beta") == beta.context.of("beta") > 0


def test_the_floor_of_a_context_is_its_least_known_member() -> None:
    context = Context({"alpha": 5, "beta": 7})
    assert context.floor([]) == 5
    assert context.floor(["beta", "gamma"]) == 0
    context.join({"alpha": 9, "beta": 6})
    assert (context.floor(["beta"]), context.has_seen("beta", 7), context.has_seen("beta", 8)) == (
        7,
        True,
        False,
    )


def owner_of(key: str) -> tuple[Replica, Entry]:
    alpha = Replica("alpha", owned_kinds=frozenset({"instance"}))
    return alpha, alpha.put("instance", key, b"it runs", NOW_US)


def test_what_a_node_owns_it_writes_anew_when_it_is_told_to_forget_it() -> None:
    alpha, entry = owner_of("a@alpha")
    (hashed,) = (hashed for bucket in range(256) for hashed in alpha.buckets.entries_of(bucket))
    renewed = alpha.forget(hashed, entry.stamp, NEXT_DAY_US)
    assert renewed is not None
    assert (renewed.value, renewed.rank > entry.rank) == (b"it runs", True)
    assert alpha.find("instance", "a@alpha") is renewed


def test_what_a_node_owns_it_writes_anew_when_somebody_else_deletes_it() -> None:
    alpha, entry = owner_of("a@alpha")
    beta = Replica("beta")
    beta.merge([entry], NOW_US)
    tombstone = beta.delete("instance", "a@alpha", NOW_US)
    assert tombstone is not None
    (renewed,) = alpha.merge([tombstone], NOW_US)
    assert (renewed.value, renewed.rank > tombstone.rank) == (b"it runs", True)


def test_a_replica_that_took_a_snapshot_has_not_seen_what_its_peer_has_seen_deleted() -> None:
    """Whole buckets come without settled tombstones, and this one may have what they delete."""
    alpha, beta = two()
    for number in range(2000):
        entry = alpha.put("route", f"gone-{number}", b"1", NOW_US)
        beta.merge([entry], NOW_US)
        alpha.delete("route", f"gone-{number}", NOW_US)
        alpha.put("route", f"new-{number}", b"1", NEXT_DAY_US)
    for _ in range(3):
        alpha.collect(NEXT_DAY_US, ["nobody"])
    first = Exchange(beta, learns=True)
    while (request := first.request) is not None:
        first.handle_answer(answer(alpha, request, NEXT_DAY_US), NEXT_DAY_US)
    assert not first.learned
    compare(beta, alpha, NEXT_DAY_US, learns=True)
    compare(beta, alpha, NEXT_DAY_US, learns=True)
    assert beta.context.of("alpha") > 0
    assert [entry.key for entry in beta.entries() if entry.key.startswith("gone")] == []


def test_a_stamp_of_another_age_is_refused() -> None:
    alpha, _ = two()
    impossible = Entry("route", "r", b"", VectorClock({"x": 1}), stamp_at(NOW_US + AHEAD_US_MAX * 2), "x")
    assert alpha.merge([impossible], NOW_US) == []
    assert (alpha.refused, len(alpha)) == (1, 0)
    alpha.learn({"alpha": impossible.stamp, "x": impossible.stamp}, NOW_US, caught_up=True)
    assert alpha.context.of("x") == 0
    assert alpha.put("route", "r", b"1", NOW_US).stamp < impossible.stamp


def test_after_a_restart_old_tombstones_are_in_no_sum() -> None:
    alpha, _ = two()
    deleted(alpha)
    again = Replica("alpha")
    again.load(alpha._entries.values(), NEXT_DAY_US)
    assert (again.tombstones, again.buckets.root()) == (1, EMPTY)


def test_many_tombstones_are_settled_and_forgotten_a_lot_at_a_time() -> None:
    alpha, _ = two()
    for number in range(AT_ONCE + 10):
        deleted(alpha, f"r{number}")
    late_us = NOW_US + TOMBSTONE_KEPT_MAX_US + 2000
    assert len(alpha.collect(late_us)) == AT_ONCE
    assert len(alpha.collect(late_us)) == 10
    assert len(alpha) == 0
