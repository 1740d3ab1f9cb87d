"""A table over a base and one of its own are the same table, whatever happens to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swim.member import Member, MemberState, node_key
from swim.roster import Roster

pytestmark = pytest.mark.story("018")

NAMES = [f"node-{number}" for number in range(12)]
IN_BASE = NAMES[:8]
LOWEST, HIGHEST = bytes(8), b"\xff" * 8


def member(name: str, state: MemberState, epoch: int = 1, incarnation: int = 0) -> Member:
    return Member(name, ("10.0.0.1", 7946), state, incarnation, epoch, b"", 0, node_key(name))


puts = st.builds(member, st.sampled_from(NAMES), st.sampled_from(list(MemberState)), st.integers(1, 2))
forgets = st.sampled_from(NAMES).map(node_key)
changes = st.lists(st.one_of(puts, forgets), max_size=40)


def pair() -> tuple[Roster, Roster]:
    own, shared, base = Roster(), Roster(), Roster()
    for name in IN_BASE:
        own.put(member(name, MemberState.ALIVE))
        base.put(member(name, MemberState.ALIVE))
    own.take_newcomers()
    shared.adopt(base.to_base())
    return own, shared


def look(roster: Roster) -> list[object]:
    bound = node_key(NAMES[0])
    return [
        len(roster),
        roster.live_count,
        roster.digest,
        roster.bucket_digests,
        roster.gone(),
        sorted(roster, key=lambda found: found.key),
        [roster.find(node_key(name)) for name in NAMES],
        roster.live_between(LOWEST, HIGHEST),
        roster.live_between(LOWEST, bound),
        roster.live_between(bound, HIGHEST, 3),
        [roster.successor(node_key(name)) for name in NAMES],
    ]


@given(changes)
def test_a_table_over_a_base_is_the_same_as_one_of_its_own(operations: list[Member | bytes]) -> None:
    own, shared = pair()
    for operation in operations:
        for roster in (own, shared):
            if isinstance(operation, Member):
                roster.put(operation)
            else:
                roster.forget(operation)
        assert look(own) == look(shared)
    assert own.take_newcomers() == shared.take_newcomers()


@given(changes)
def test_the_digest_depends_on_who_is_live_and_not_on_the_way(operations: list[Member | bytes]) -> None:
    roster = pair()[1]
    for operation in operations:
        if isinstance(operation, Member):
            roster.put(operation)
        else:
            roster.forget(operation)
    fresh = Roster()
    for found in roster.live_between(LOWEST, HIGHEST):
        fresh.put(found)
    assert roster.digest == fresh.digest
    assert roster.bucket_digests == fresh.bucket_digests
