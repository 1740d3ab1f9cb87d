"""Merging claims is taking a maximum: order, repetition and route must not matter."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swim.context import Context
from swim.member import RANK, Member, MemberState, node_key, supersedes
from swim.messages import Alive, Claim, Dead, Left, Refute, Suspect
from swim.settings import Settings
from swim.view import View

pytestmark = pytest.mark.story("018")

states = st.sampled_from(list(MemberState))
stamps = st.tuples(st.integers(0, 3), st.integers(0, 3), states)


@given(stamps, stamps)
def test_of_two_different_claims_exactly_one_supersedes_the_other(
    one: tuple[int, int, MemberState], two: tuple[int, int, MemberState]
) -> None:
    assert (supersedes(*one, over=two) + supersedes(*two, over=one)) == (one != two)


@given(stamps, stamps, stamps)
def test_superseding_is_transitive(
    one: tuple[int, int, MemberState],
    two: tuple[int, int, MemberState],
    three: tuple[int, int, MemberState],
) -> None:
    if supersedes(*one, over=two) and supersedes(*two, over=three):
        assert supersedes(*one, over=three)


KEY = node_key("subject")
ACCUSER = node_key("accuser")[:4]
numbers = st.integers(0, 3)


def alive(epoch: int, incarnation: int, revision: int) -> Alive:
    metadata = b"%d.%d" % (epoch, revision)  # one revision has one content
    return Alive("subject", "10.0.0.9", 7946, epoch, incarnation, revision, metadata)


claims = st.one_of(
    st.builds(alive, numbers, numbers, numbers),
    st.builds(lambda epoch, incarnation: Refute(KEY, epoch, incarnation), numbers, numbers),
    st.builds(lambda epoch, incarnation: Suspect(KEY, epoch, incarnation, ACCUSER), numbers, numbers),
    st.builds(lambda epoch, incarnation: Dead(KEY, epoch, incarnation, b"abcd"), numbers, numbers),
    st.builds(lambda epoch, incarnation: Left(KEY, epoch, incarnation), numbers, numbers),
)


def fresh_view() -> tuple[Context, View]:
    context = Context.make(node_key("observer"), Settings.lan(), random.Random(1))
    return context, View(context)


def merged(sequence: list[Claim]) -> Member | None:
    context, view = fresh_view()
    for number, claim in enumerate(sequence):
        view.admit(claim, float(number))
    return context.roster.find(KEY)


def facts(member: Member | None) -> tuple[object, ...] | None:
    if member is None:
        return None
    return member.epoch, member.incarnation, member.state, member.revision, member.metadata


introductions = [alive(epoch, 0, 0) for epoch in range(4)]


@given(st.lists(claims, max_size=12))
def test_hearing_everything_twice_changes_nothing(heard: list[Claim]) -> None:
    known = introductions + heard
    assert facts(merged(known)) == facts(merged(known + heard))


@given(st.lists(claims, min_size=1, max_size=10), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_two_nodes_that_tell_each_other_all_they_heard_agree(heard: list[Claim], rng: random.Random) -> None:
    """Once every full record has been heard, any order and repetition gives the same member."""
    everything = introductions + heard
    shuffled = rng.sample(everything, len(everything))
    # gossip repeats a claim until it is known, so each side hears the whole set again after the records
    assert facts(merged(everything + everything)) == facts(merged(shuffled + everything))


@given(st.lists(claims, max_size=30))
def test_what_is_held_never_goes_back(heard: list[Claim]) -> None:
    context, view = fresh_view()
    former = (-1, -1, -1)
    for number, claim in enumerate(heard):
        view.admit(claim, float(number))
        member = context.roster.find(KEY)
        if member is not None:
            held = member.epoch, member.incarnation, RANK[member.state]
            assert held >= former
            former = held


@given(st.lists(claims, max_size=30))
def test_the_digest_is_that_of_the_members_held(heard: list[Claim]) -> None:
    context, view = fresh_view()
    for number, claim in enumerate(heard):
        view.admit(claim, float(number))
    rebuilt = Context.make(node_key("observer"), Settings.lan(), random.Random(1)).roster
    for member in context.roster:
        rebuilt.put(member)
    assert rebuilt.digest == context.roster.digest
    assert rebuilt.bucket_digests == context.roster.bucket_digests
    assert context.roster.live_count == sum(member.is_live for member in context.roster)
