"""Group A: what a claim changes, who is told of it, and what is reported."""

from __future__ import annotations

import itertools

import pytest

from swim.events import MemberDied, MemberJoined, MemberRefuted, MemberSuspected
from swim.member import INCARNATION_MAX, RANK, MemberState
from swim.messages import Dead, Ping, Refute, Suspect
from swim.settings import Settings
from swim.statistics import Drop
from swim.timers import KnockRound
from tests.conformance.swim.scenes import (
    ACCUSER,
    OTHERS,
    claim_of,
    end_suspicion,
    gossip,
    settled,
    tell_all,
)
from tests.support.swim_pair import Peer, Subject, events, only

pytestmark = pytest.mark.story("018")

ALIVE, SUSPECT, DEAD, LEFT = MemberState


def state_of(subject: Subject, peer: Peer) -> MemberState:
    member = subject.membership.find(peer.node_id)
    assert member is not None
    return member.state


@pytest.mark.scenario(1)
def test_a_newcomer_is_reported_once_and_passed_on() -> None:
    subject, (bob, carol) = settled(2)
    dave = Peer("dave", 9)
    [joined] = events(subject.hear(bob, dave.record(metadata=b"d")))
    assert isinstance(joined, MemberJoined)
    assert joined.member.node_id == "dave"
    assert dave.record(metadata=b"d") in gossip(subject, [bob, carol])


@pytest.mark.scenario(2)
def test_the_same_record_again_reports_nothing_and_is_not_passed_on() -> None:
    subject, (bob, carol) = settled(2)
    for speaker in (bob, carol):
        assert events(subject.hear(speaker, bob.record())) == []
    assert not subject.membership.has_rumours


@pytest.mark.scenario(4)
@pytest.mark.parametrize("incarnation", [3, 2, 0])
def test_an_equal_or_lower_incarnation_of_another_changes_nothing(incarnation: int) -> None:
    subject, (bob, carol) = settled(2)
    subject.hear(bob, bob.record(incarnation=3, revision=1, metadata=b"m"))
    tell_all(subject)
    held = subject.membership.find("peer-1")
    for claim in (bob.record(incarnation=incarnation, metadata=b"x"), Refute(bob.key, 1, incarnation)):
        assert events(subject.hear(carol, claim)) == []
    assert subject.membership.find("peer-1") == held
    assert not subject.membership.has_rumours


@pytest.mark.scenario(5)
@pytest.mark.parametrize("full", [True, False])
def test_a_higher_incarnation_ends_a_suspicion_and_its_timer(full: bool) -> None:
    subject, (bob, carol) = settled(2)
    accused = subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    claim = bob.record(incarnation=1) if full else Refute(bob.key, 1, 1)
    assert [type(event) for event in events(subject.hear(carol, claim))] == [MemberRefuted]
    assert Refute(bob.key, 1, 1) in gossip(subject, [bob, carol])
    _, ended = end_suspicion(subject, accused)
    assert ended == []
    assert state_of(subject, bob) is ALIVE


@pytest.mark.scenario(6)
@pytest.mark.parametrize("order", [(ALIVE, SUSPECT), (SUSPECT, ALIVE)])
def test_at_one_incarnation_the_suspicion_holds_whichever_comes_first(
    order: tuple[MemberState, MemberState],
) -> None:
    subject, (bob, carol) = settled(2)
    for state in order:
        subject.hear(carol, claim_of(state, bob, 2))
    assert state_of(subject, bob) is SUSPECT


@pytest.mark.scenario(7)
def test_a_suspicion_of_an_older_incarnation_changes_nothing_but_is_answered() -> None:
    subject, (bob, carol) = settled(2)
    subject.hear(bob, bob.record(incarnation=4))
    tell_all(subject)
    effects = subject.hear(carol, Suspect(bob.key, 1, 3, ACCUSER))
    assert events(effects) == []
    assert state_of(subject, bob) is ALIVE
    assert not subject.membership.has_rumours
    assert only(carol.hears(effects), Refute) == [Refute(bob.key, 1, 4)]


@pytest.mark.scenario(9)
def test_a_new_accuser_is_passed_on_and_the_same_one_is_not() -> None:
    subject, others = settled(6)
    bob, carol = others[:2]
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    tell_all(subject)
    assert events(subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))) == []
    assert not subject.membership.has_rumours
    assert events(subject.hear(carol, Suspect(bob.key, 1, 0, OTHERS[0]))) == [], "it is suspect already"
    assert Suspect(bob.key, 1, 0, ACCUSER + OTHERS[0]) in gossip(subject, others)


@pytest.mark.scenario(10)
def test_accusers_beyond_those_wanted_are_neither_kept_nor_told() -> None:
    subject, others = settled(6)
    bob, carol = others[:2]
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER + b"".join(OTHERS[:3])))
    tell_all(subject)
    subject.hear(carol, Suspect(bob.key, 1, 0, OTHERS[3]))
    assert not subject.membership.has_rumours
    told = only(bob.hears(subject.hear(bob, Ping(1, subject.key[:4], subject.membership.digest))), Suspect)
    assert [claim.accusers for claim in told] == [ACCUSER + b"".join(OTHERS[:3])]


@pytest.mark.scenario(11)
@pytest.mark.parametrize("held", [ALIVE, SUSPECT])
def test_a_death_beats_alive_and_suspect_and_is_reported_once(held: MemberState) -> None:
    subject, others = settled(2)
    bob, carol = others
    subject.hear(carol, claim_of(held, bob, 1))
    [died] = events(subject.hear(carol, Dead(bob.key, 1, 1, ACCUSER)))
    assert isinstance(died, MemberDied)
    tell_all(subject)
    assert events(subject.hear(carol, Dead(bob.key, 1, 1, OTHERS[0]))) == []
    assert not subject.membership.has_rumours


@pytest.mark.scenario(11)
@pytest.mark.parametrize(("live", "needed"), [(4, 1), (5, 2), (6, 2), (7, 3), (20, 3)])
def test_a_death_needs_as_many_witnesses_as_the_cluster_can_give(live: int, needed: int) -> None:
    """Memberlist believes any DEAD; here one that too few bear witness to is a suspicion by those."""
    subject, others = settled(live - 1)
    bob, carol = others[:2]
    witnesses = [ACCUSER, *OTHERS]
    if needed > 1:
        few = Dead(bob.key, 1, 0, b"".join(witnesses[: needed - 1]))
        assert [type(event) for event in events(subject.hear(carol, few))] == [MemberSuspected]
        assert subject.membership.statistics.dropped[Drop.WITNESSES] == 1
    enough = Dead(bob.key, 1, 0, b"".join(witnesses[:needed]))
    assert [type(event) for event in events(subject.hear(carol, enough))] == [MemberDied]


@pytest.mark.scenario(11)
def test_the_witnesses_of_a_suspicion_and_of_a_death_are_counted_together() -> None:
    subject, others = settled(9)
    bob, carol = others[:2]
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER + OTHERS[0]))
    subject.hear(carol, Dead(bob.key, 1, 0, OTHERS[0]))
    assert state_of(subject, bob) is SUSPECT, "one of them was counted already"
    subject.hear(carol, Dead(bob.key, 1, 0, OTHERS[1]))
    assert state_of(subject, bob) is DEAD


@pytest.mark.scenario(12)
def test_an_old_record_does_not_bring_a_dead_member_back() -> None:
    subject, (bob, carol) = settled(2)
    subject.hear(carol, Dead(bob.key, 1, 0, ACCUSER))
    tell_all(subject)
    for claim in (bob.record(), Refute(bob.key, 1, 0)):
        assert events(subject.hear(carol, claim)) == []
    assert state_of(subject, bob) is DEAD
    assert not subject.membership.has_rumours


@pytest.mark.scenario(13)
def test_every_claim_that_was_taken_in_is_remembered_by_its_incarnation() -> None:
    subject, (bob, carol) = settled(2)
    for claim in (bob.record(incarnation=1), Dead(bob.key, 1, 1, ACCUSER), Dead(bob.key, 1, 10, ACCUSER)):
        subject.hear(carol, claim)
    for incarnation in (2, 10):
        assert events(subject.hear(carol, bob.record(incarnation=incarnation))) == []
    assert state_of(subject, bob) is DEAD
    [joined] = events(subject.hear(carol, bob.record(incarnation=11)))
    assert isinstance(joined, MemberJoined)


@pytest.mark.scenario(17)
def test_an_incarnation_above_the_highest_does_not_decode() -> None:
    subject, (bob, carol) = settled(2)
    subject.hear(carol, Suspect(bob.key, 1, INCARNATION_MAX + 1, ACCUSER))
    assert state_of(subject, bob) is ALIVE
    assert subject.membership.statistics.dropped[Drop.MALFORMED] == 1


@pytest.mark.scenario(17)
@pytest.mark.parametrize("kind", [SUSPECT, DEAD, LEFT])
def test_a_forged_highest_incarnation_keeps_nobody_out_for_ever(kind: MemberState) -> None:
    """What memberlist cannot undo ends here with the next life of the member: a higher epoch wins."""
    subject, (bob, carol) = settled(2)
    subject.hear(carol, claim_of(kind, bob, INCARNATION_MAX))
    assert state_of(subject, bob) is kind
    again = Peer("peer-1", 1, epoch=2)
    subject.hear(again, again.record())
    assert state_of(subject, bob) is ALIVE


@pytest.mark.scenario(19)
def test_the_dead_are_remembered_for_the_time_configured() -> None:
    """The time runs from the first knock round that finds the member dead."""
    subject, (bob, carol) = settled(2, Settings(dead_memory_s=60.0))
    subject.hear(carol, Dead(bob.key, 1, 0, ACCUSER))
    subject.fire(KnockRound)
    subject.now += 60.0
    subject.fire(KnockRound)
    assert events(subject.hear(carol, bob.record())) == [], "still remembered as dead"
    subject.now += 0.001
    subject.fire(KnockRound)
    assert subject.membership.find("peer-1") is None
    assert [type(event) for event in events(subject.hear(carol, bob.record()))] == [MemberJoined]


@pytest.mark.scenario(20)
@pytest.mark.parametrize("kind", [SUSPECT, DEAD, LEFT])
def test_the_end_of_somebody_never_met_adds_nobody_and_is_not_told(kind: MemberState) -> None:
    subject, (_, carol) = settled(2)
    assert events(subject.hear(carol, claim_of(kind, Peer("stranger", 9), 3))) == []
    assert [member.node_id for member in subject.membership.members()] == ["peer-1", "peer-2", "subject"]
    assert not subject.membership.has_rumours


@pytest.mark.scenario(21)
def test_every_pair_of_claims_leaves_the_greater_one() -> None:
    """By incarnation, then alive < suspect < dead < left, whichever of the two is heard first."""
    stamps = list(itertools.product((1, 2, 3), MemberState))
    wrong = []
    for held, heard in itertools.product(stamps, repeat=2):
        subject = Subject()
        bob, carol = Peer("bob", 1), Peer("carol", 2)
        subject.meet(bob, carol)
        for incarnation, state in (held, heard):
            subject.hear(carol, claim_of(state, bob, incarnation))
        member = subject.membership.find("bob")
        assert member is not None
        greater = max(held, heard, key=lambda stamp: (stamp[0], RANK[stamp[1]]))
        if (member.incarnation, member.state) != greater:
            wrong.append((held, heard, member.incarnation, member.state))
    assert wrong == []
