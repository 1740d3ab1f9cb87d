"""Group A, 15 to 18: what others say about this node, and how it answers."""

from __future__ import annotations

import pytest

from swim.member import MemberState
from swim.messages import Alive, Refute, Suspect, Want
from tests.conformance.swim.scenes import (
    ACCUSER,
    claim_of,
    gossip,
    settled,
    targets,
    tell_all,
)
from tests.support.swim_pair import Peer, events, only

pytestmark = pytest.mark.story("018")

ALIVE, SUSPECT, DEAD, LEFT = MemberState


@pytest.mark.scenario(15)
@pytest.mark.parametrize("kind", [SUSPECT, DEAD, LEFT])
def test_an_accusation_is_outbid_at_once_and_the_metadata_stays(kind: MemberState) -> None:
    subject, others = settled(6)
    carol = others[0]
    itself = Peer("subject", 100, epoch=5)
    accusation = claim_of(kind, itself, 7)._replace(epoch=5)
    effects = subject.hear(carol, accusation)
    told = targets(effects, others, Refute)
    assert carol in told
    assert 2 <= len(told) <= 3, "besides the accuser two at random, who may be the accuser"
    assert subject.membership.health == 1
    assert Refute(subject.key, 5, 8) in gossip(subject, others)
    [record] = only(carol.hears(subject.hear(carol, Want(subject.key))), Alive)
    assert (record.incarnation, record.metadata) == (8, b"meta")


@pytest.mark.scenario(15)
def test_whoever_speaks_in_this_nodes_name_is_outbid() -> None:
    """Memberlist counts this against local health; here it does not, for nobody missed an answer of ours."""
    subject, others = settled(6)
    foreign = Alive("subject", "10.0.0.100", 7946, 5, 3, 0, b"foreign")
    assert events(subject.hear(others[0], foreign)) == []
    assert subject.membership.self_member.incarnation == 4
    assert subject.membership.self_member.metadata == b"meta"
    assert subject.membership.health == 0
    assert Refute(subject.key, 5, 4) in gossip(subject, others)


@pytest.mark.scenario(16)
def test_an_old_accusation_raises_nothing_but_its_bringer_is_told() -> None:
    """Memberlist gossips again; here only whoever is behind hears of it, since the others know already."""
    subject, others = settled(6)
    subject.hear(others[0], Suspect(subject.key, 5, 0, ACCUSER))
    tell_all(subject)
    effects = subject.hear(others[1], Suspect(subject.key, 5, 0, ACCUSER))
    assert only(others[1].hears(effects), Refute) == [Refute(subject.key, 5, 1)]
    assert targets(effects, others, Refute) == [others[1]]
    assert subject.membership.self_member.incarnation == 1
    assert subject.membership.health == 1


@pytest.mark.scenario(18)
@pytest.mark.parametrize("revision", [0, 4])
def test_another_profile_of_this_node_in_its_present_life_is_outbid(revision: int) -> None:
    """Memberlist raises the incarnation; here the profile has a revision of its own, which must win.

    Otherwise those who believe the foreign profile would ignore the next changes of ours, and digests would
    differ for ever.
    """
    subject, others = settled(3)
    carol = others[0]
    subject.hear(carol, Alive("subject", "10.0.0.100", 7946, 5, 0, revision, b"other"))
    assert subject.membership.self_member.metadata == b"meta"
    assert subject.membership.self_member.revision == revision + 1
    told = [record for record in only(gossip(subject, others), Alive) if record.node_id == "subject"]
    assert told
    assert {(record.revision, record.metadata) for record in told} == {(revision + 1, b"meta")}
