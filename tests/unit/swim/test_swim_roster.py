"""The member table: what it finds, what its digests say, and what sharing a base changes: nothing."""

from __future__ import annotations

import pytest

from swim.base import Base, Overlay
from swim.member import Member, MemberState, node_key
from swim.roster import BUCKETS, Roster, bucket_range

pytestmark = pytest.mark.story("018")

LOWEST, HIGHEST = bytes(8), b"\xff" * 8


def member(
    number: int, *, state: MemberState = MemberState.ALIVE, incarnation: int = 0, epoch: int = 1
) -> Member:
    node_id = f"node-{number}"
    key = node_key(node_id)
    return Member(node_id, ("10.0.0.1", 1 + number), state, incarnation, epoch, b"", 0, key)


def roster_of(count: int) -> Roster:
    roster = Roster()
    for number in range(count):
        roster.put(member(number))
    return roster


def overlay_of(roster: Roster) -> Overlay:
    assert isinstance(roster._members, Overlay)
    return roster._members


@pytest.fixture
def base() -> Base:
    return roster_of(200).to_base()


@pytest.fixture
def shared(base: Base) -> Roster:
    roster = Roster()
    roster.put(member(0))
    roster.adopt(base)
    return roster


def test_slices_hold_their_members_and_cover_the_keys() -> None:
    roster = roster_of(300)
    slices = [roster.live_between(*bucket_range(index)) for index in range(BUCKETS)]
    together = [found.key for part in slices for found in part]
    assert together == sorted(found.key for found in roster)
    assert roster.live_between(LOWEST, HIGHEST) == [found for part in slices for found in part]


def test_a_range_includes_both_ends_and_leaves_out_the_gone() -> None:
    roster = roster_of(50)
    ordered = roster.live_between(LOWEST, HIGHEST)
    roster.put(member(int(ordered[4].node_id.removeprefix("node-")), state=MemberState.DEAD))
    found = roster.live_between(ordered[3].key, ordered[6].key)
    assert found == [ordered[3], ordered[5], ordered[6]]
    assert roster.live_between(ordered[3].key, ordered[6].key, 2) == [ordered[3], ordered[5]]


def test_successors_lead_through_all_live_members_and_back(shared: Roster) -> None:
    shared.put(member(500))
    shared.put(member(9, state=MemberState.DEAD))
    ordered = [found.key for found in shared.live_between(LOWEST, HIGHEST)]
    followed = [shared.successor(key) for key in ordered]
    assert [found.key for found in followed if found is not None] == [*ordered[1:], ordered[0]]
    assert roster_of(1).successor(member(0).key) is None


def test_only_who_is_gone_can_be_forgotten() -> None:
    roster = roster_of(3)
    roster.forget(member(1).key)
    assert len(roster) == 3
    roster.put(member(1, state=MemberState.LEFT))
    roster.forget(member(1).key)
    assert roster.find(member(1).key) is None
    assert [found.node_id for found in roster.live_between(LOWEST, HIGHEST)].count("node-1") == 0
    roster.put(member(1))
    assert len(roster.live_between(LOWEST, HIGHEST)) == 3


def test_a_table_that_adopts_a_base_equals_one_that_met_everybody(shared: Roster) -> None:
    met = roster_of(200)
    assert shared.digest == met.digest
    assert shared.bucket_digests == met.bucket_digests
    assert shared.live_count == len(shared) == 200
    assert sorted(shared, key=lambda found: found.key) == sorted(met, key=lambda found: found.key)


def test_those_of_a_base_are_no_newcomers(shared: Roster) -> None:
    assert shared.take_newcomers() == []
    shared.put(member(500))
    shared.put(member(7, state=MemberState.DEAD))
    shared.put(member(7, epoch=2))
    assert shared.take_newcomers() == [member(500).key, member(7).key]


def test_a_table_holds_only_what_differs_from_its_base(shared: Roster) -> None:
    assert overlay_of(shared).own_count == 0
    shared.put(member(3, state=MemberState.SUSPECT))
    assert overlay_of(shared).own_count == 1
    shared.put(member(3))
    assert overlay_of(shared).own_count == 0, "what is as it was needs no record of its own"


def test_a_member_of_the_base_can_be_forgotten_and_come_back(shared: Roster) -> None:
    key = member(9).key
    shared.put(member(9, state=MemberState.DEAD))
    shared.forget(key)
    assert shared.find(key) is None
    assert len(shared) == 199
    assert key not in {found.key for found in shared}
    assert key not in {found.key for found in shared.live_between(LOWEST, HIGHEST)}
    shared.put(member(9, epoch=2))
    assert shared.find(key) == member(9, epoch=2)
    assert len(shared) == len(shared.live_between(LOWEST, HIGHEST)) == 200


def test_tables_over_one_base_do_not_see_each_others_changes(base: Base, shared: Roster) -> None:
    other = Roster()
    other.adopt(base)
    shared.put(member(3, state=MemberState.DEAD))
    shared.put(member(900))
    assert other.find(member(3).key) == member(3)
    assert other.find(member(900).key) is None
    assert other.digest == roster_of(200).digest


def test_tables_over_one_base_share_equal_records(base: Base, shared: Roster) -> None:
    other = Roster()
    other.adopt(base)
    for roster in (shared, other):
        roster.put(member(3, state=MemberState.DEAD, incarnation=4))
    assert shared.find(member(3).key) is other.find(member(3).key)


def test_what_a_table_knew_of_itself_stands_over_the_base(base: Base) -> None:
    roster = Roster()
    roster.put(member(5, incarnation=7))
    roster.adopt(base)
    assert roster.find(member(5).key) == member(5, incarnation=7)
    assert roster.live_count == 200


def test_a_missing_member_is_an_error_where_it_must_be_there(base: Base) -> None:
    with pytest.raises(KeyError):
        Overlay(base)[member(999).key]
