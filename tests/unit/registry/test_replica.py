"""A replica: writing, merging, tombstones, and the owner's last word."""

from __future__ import annotations

import pytest

from caxton_node.core.errors import InvalidArgument, ResourceLimit
from caxton_node.registry.entry import VALUE_BYTES_MAX, Entry
from caxton_node.registry.hlc import stamp_at
from caxton_node.registry.replica import Replica
from caxton_node.registry.vector_clock import VectorClock

pytestmark = pytest.mark.story("026")

NOW_US = 1_700_000_000_000_000
OWNED = frozenset({"instance"})


def replica(node: str) -> Replica:
    return Replica(node, owned_kinds=OWNED)


def test_what_is_put_is_found_and_what_is_deleted_is_not() -> None:
    alpha = replica("alpha")
    alpha.put("instance", "a", b"1", NOW_US)
    entry = alpha.find("instance", "a")
    assert entry is not None
    assert (entry.value, entry.clock.counts) == (b"1", {"alpha": 1})
    tombstone = alpha.delete("instance", "a", NOW_US)
    assert tombstone is not None
    assert tombstone.clock.counts == {"alpha": 2}
    assert alpha.find("instance", "a") is None
    assert alpha.delete("instance", "a", NOW_US) is None
    assert (alpha.live["instance"], alpha.tombstones) == (0, 1)


def test_putting_the_same_again_is_no_new_version() -> None:
    alpha = replica("alpha")
    first = alpha.put("instance", "a", b"1", NOW_US)
    assert alpha.put("instance", "a", b"1", NOW_US + 1) is first
    assert alpha.put("instance", "a", b"2", NOW_US + 1) is not first


def test_a_later_version_wins_whatever_the_order_of_arrival() -> None:
    alpha, beta = replica("alpha"), replica("beta")
    old = alpha.put("instance", "a", b"old", NOW_US)
    new = alpha.put("instance", "a", b"new", NOW_US)
    assert beta.merge([new, old, new], NOW_US) == [new]
    assert beta.find("instance", "a") == new
    assert beta.conflicts == 0


def test_concurrent_versions_are_settled_by_stamp_then_node_and_counted() -> None:
    alpha, beta, gamma = replica("alpha"), replica("beta"), replica("gamma")
    early = beta.put("route", "r", b"early", NOW_US)
    late = alpha.put("route", "r", b"late", NOW_US + 5000)
    same = gamma.put("route", "r", b"same moment, larger name", NOW_US + 5000)
    assert beta.merge([late], NOW_US) == [late]
    assert alpha.merge([early], NOW_US) == []
    assert alpha.merge([same], NOW_US) == [same]
    assert gamma.merge([late], NOW_US) == []
    assert (beta.conflicts, alpha.conflicts, gamma.conflicts) == (1, 1, 0)


def test_writing_on_top_of_a_version_from_a_fast_clock_still_wins() -> None:
    fast, slow = replica("fast"), replica("slow")
    slow.merge([fast.put("route", "r", b"fast", NOW_US + 3_600_000_000)], NOW_US)
    newer = slow.put("route", "r", b"slow", NOW_US)
    assert fast.merge([newer], NOW_US) == [newer]
    assert newer.clock.counts == {"fast": 1, "slow": 1}
    assert slow.conflicts == fast.conflicts == 0


def test_an_owner_deletes_what_it_does_not_know_of_itself() -> None:
    """A node whose database was lost meets its earlier life in a peer's memory."""
    earlier, peer, now = replica("alpha"), replica("beta"), replica("alpha")
    peer.merge([earlier.put("instance", "a", b"1", NOW_US)], NOW_US)
    (answer,) = now.merge(peer.entries(), NOW_US)
    assert answer.deleted
    assert peer.merge([answer], NOW_US) == [answer]
    assert peer.find("instance", "a") is None


def test_an_owner_repeats_what_it_wrote_in_this_life() -> None:
    """As above, but the clock went back too: the earlier life's version has the higher rank."""
    earlier, now = replica("alpha"), replica("alpha")
    old = earlier.put("instance", "a", b"old", NOW_US)
    now.put("instance", "a", b"new", NOW_US - 5_000_000)
    (answer,) = now.merge([old], NOW_US)
    assert (answer.value, answer.rank > old.rank) == (b"new", True)


def test_an_owner_takes_back_what_its_store_had_not_yet_saved() -> None:
    earlier, now = replica("alpha"), replica("alpha")
    now.load([earlier.put("instance", "a", b"saved", NOW_US)], NOW_US)
    unsaved = earlier.put("instance", "a", b"unsaved", NOW_US)
    assert now.merge([unsaved], NOW_US) == [unsaved]
    assert [entry.value for entry in now.own_entries()] == [b"unsaved"]


def test_shared_kinds_come_back_as_they_are() -> None:
    earlier, now = replica("alpha"), replica("alpha")
    route = earlier.put("route", "r", b"1", NOW_US)
    assert now.merge([route], NOW_US) == [route]
    assert now.own_entries() == []


def test_a_value_or_key_out_of_bounds_changes_nothing() -> None:
    alpha = replica("alpha")
    with pytest.raises(ResourceLimit, match="too large"):
        alpha.put("instance", "a", b"x" * (VALUE_BYTES_MAX + 1), NOW_US)
    with pytest.raises(InvalidArgument):
        alpha.put("instance", "", b"x", NOW_US)
    assert len(alpha) == 0


def test_a_foreign_stamp_far_ahead_does_not_drag_ours() -> None:
    alpha = replica("alpha")
    far = Entry("route", "r", b"", VectorClock({"x": 1}), stamp_at(NOW_US + 10**12), "x")
    alpha.merge([far], NOW_US)
    assert alpha.put("instance", "a", b"1", NOW_US).stamp == stamp_at(NOW_US)
