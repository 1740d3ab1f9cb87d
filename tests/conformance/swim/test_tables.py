"""Group F, scenarios 59 to 61, 64, 65 and 67: tables that differ become equal."""

from __future__ import annotations

import pytest

from caxton_node.devkit.simulator.cluster import (
    Cluster,
    all_views_equal,
    name_of,
)
from swim.events import MemberJoined, MemberUpdated
from swim.member import MemberState
from swim.messages import Alive, Buckets, Dead, Left, Listing, Message, Ping, Pull, Refute, Suspect
from swim.sync import ENTRY
from tests.conformance.swim.scenes import ACCUSER, WITNESSES, claim_of, peers, settled, tell_all
from tests.conformance.swim.tables import acquainted, crowd
from tests.support.swim_pair import Peer, Subject, only

pytestmark = pytest.mark.story("018")

ALIVE, SUSPECT, DEAD, LEFT = MemberState


def names(reported: list[MemberJoined]) -> list[str]:
    return [event.member.node_id for event in reported]


# ---- tables that meet


@pytest.mark.scenario(59)
def test_tables_that_meet_share_suspicions_doubt_deaths_and_believe_leaves() -> None:
    """Left holds one alive, one suspect, one dead and one departed; right takes the last two for alive."""
    meeting = acquainted()
    alive, suspect, dead, left = members = peers(4)
    meeting.left.meet(*members)
    meeting.left.hear(alive, Suspect(suspect.key, 1, 0, WITNESSES), Dead(dead.key, 1, 0, WITNESSES))
    meeting.left.hear(left, Left(left.key, 1, 0))
    meeting.left.forget_rumours(alive)
    meeting.right.meet(dead, left)
    meeting.compare()
    assert {name: meeting.right.states()[name] for name in ("peer-1", "peer-2", "peer-3", "peer-4")} == {
        "peer-1": ALIVE, "peer-2": SUSPECT, "peer-3": SUSPECT, "peer-4": LEFT,
    }  # fmt: skip
    joined = [event for event in meeting.right.log if isinstance(event, MemberJoined)]
    assert names(joined).count("peer-1") == 1
    assert meeting.left.states()["peer-3"] is DEAD, "only the member itself can undo a death"


@pytest.mark.scenario(59)
@pytest.mark.parametrize(("state", "told"), [(DEAD, Suspect), (LEFT, Left)])
def test_a_listing_with_somebody_who_is_gone_is_answered_with_a_doubt_or_a_goodbye(
    state: MemberState, told: type[Message]
) -> None:
    subject, (bob, asking) = settled(2)
    subject.hear(asking, claim_of(state, bob, 0))
    tell_all(subject)
    listing = Listing(bytes(8), b"\xff" * 8, ENTRY.pack(bob.key, 1, 0, 0))
    answer = asking.hears(subject.hear(asking, listing))
    about = [claim for claim in answer if getattr(claim, "key", b"") == bob.key]
    assert [type(claim) for claim in about] == [told]


@pytest.mark.scenario(60)
def test_after_one_exchange_both_sides_hold_the_union() -> None:
    meeting = acquainted()
    everybody = peers(30)
    meeting.left.meet(*everybody[:20])
    meeting.right.meet(*everybody[10:])
    assert meeting.left.membership.digest != meeting.right.membership.digest
    meeting.compare()
    assert meeting.left.membership.digest == meeting.right.membership.digest
    union = {peer.node_id for peer in everybody} | {"left", "right"}
    assert set(meeting.left.states()) == set(meeting.right.states()) == union
    meeting.datagrams = 0
    meeting.compare(4)
    assert meeting.datagrams == 16, "pings and their answers, nothing else"


@pytest.mark.scenario(60)
def test_the_union_has_the_newer_half_of_each_record() -> None:
    """Incarnations and profiles are compared apart: one side may hold the newer of each."""
    meeting = acquainted()
    bob = Peer("bob", 1)
    meeting.left.hear(bob, bob.record(incarnation=3, revision=1, metadata=b"old"))
    meeting.right.hear(bob, bob.record(incarnation=1, revision=2, metadata=b"new"))
    meeting.compare()
    for side in (meeting.left, meeting.right):
        found = side.find("bob")
        assert (found.incarnation, found.revision, found.metadata) == (3, 2, b"new")


@pytest.mark.scenario(61)
def test_a_table_that_is_sent_says_what_is_believed_now() -> None:
    """The dead are not in it: a newcomer has no use for them, and does not forget them at the same time."""
    subject, (suspect, refuted, dead, left, asking) = settled(5)
    subject.hear(asking, Suspect(suspect.key, 1, 0, ACCUSER), Suspect(refuted.key, 1, 0, ACCUSER))
    subject.hear(asking, Refute(refuted.key, 1, 1), Dead(dead.key, 1, 0, WITNESSES), Left(left.key, 1, 0))
    told = asking.hears(subject.hear(asking, Pull(b"")))
    records = {record.node_id: record.incarnation for record in only(told, Alive)}
    assert records == {"peer-1": 0, "peer-2": 1, "peer-5": 0, "subject": 0}
    assert [claim.key for claim in only(told, Suspect)] == [suspect.key]
    assert not [claim for claim in told if isinstance(claim, Dead | Left)]


@pytest.mark.scenario(61)
def test_a_doubt_that_is_private_is_not_sent_with_the_table() -> None:
    subject, (bob, asking) = settled(2)
    subject.membership._parts.view.doubt_all(subject.now)
    told = asking.hears(subject.hear(asking, Pull(b"")))
    assert bob.node_id in {record.node_id for record in only(told, Alive)}
    assert [claim for claim in only(told, Suspect) if claim.key == bob.key] == []


# ---- digests


@pytest.mark.scenario(64)
def test_equal_digests_compare_nothing() -> None:
    meeting = acquainted()
    members = peers(20)
    for side in (meeting.left, meeting.right):
        side.meet(*members)
    meeting.compare(20)
    assert meeting.left.membership.statistics.reconciliations == 0
    assert meeting.right.membership.statistics.reconciliations == 0


@pytest.mark.scenario(64)
def test_a_table_that_keeps_changing_is_compared_ten_times_less_often() -> None:
    subject, (bob, *_) = settled(3)
    asked = []
    for number in range(240):
        subject.now += 0.25
        newcomer = Peer(f"newcomer-{number}", 100)
        subject.hear(newcomer, newcomer.record())
        asked += only(bob.hears(subject.hear(bob, Ping(1, subject.key[:4], b"other..."))), Buckets)
    assert len(asked) == 5, "in a minute, but for the first ten seconds"


@pytest.mark.scenario(64)
def test_the_answer_to_one_comparison_is_bounded_whatever_differs() -> None:
    subject, others = Subject(), crowd(2000)
    subject.meet(*others)
    bob = others[0]
    effects = subject.hear(bob, Buckets(bytes(256)))
    listings = only(bob.hears(effects), Listing)
    assert 0 < len(effects) <= subject.settings.reconcile_burst
    assert sum(len(listing.entries) for listing in listings) < 2001 * ENTRY.size
    everything = subject.hear(bob, *listings[:1])
    assert len(everything) <= subject.settings.reconcile_burst


# ---- metadata


@pytest.mark.scenario(67)
def test_the_newest_metadata_wins_over_an_old_holder() -> None:
    meeting = acquainted()
    bob = Peer("bob", 1)
    meeting.left.hear(bob, bob.record(revision=1, metadata=b"old"))
    meeting.right.hear(bob, bob.record(revision=2, metadata=b"new"))
    meeting.compare()
    assert meeting.left.find("bob").metadata == meeting.right.find("bob").metadata == b"new"
    assert [type(event) for event in meeting.left.log].count(MemberUpdated) == 1
    assert [type(event) for event in meeting.right.log].count(MemberUpdated) == 0


@pytest.mark.scenario(67)
def test_metadata_reaches_all_although_every_gossip_round_is_lost(seed: int) -> None:
    """The changed record is told to nobody, so only digests can find that it is missing."""
    cluster = Cluster(seed, sealed=False)
    cluster.start_formed(24)
    lone = cluster.nodes[name_of(5)]
    others = [node.address for node in cluster.nodes.values() if node is not lone]
    cluster.network.lose_between([lone.address], others, 1.0)
    cluster.update_metadata(lone.node_id, b"new")
    while lone.membership.has_rumours:
        cluster.network.run_for(0.1)
    cluster.network.heal()
    assert {node.find(lone.node_id).metadata for node in cluster.nodes.values() if node is not lone} == {b""}
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=15)
    assert {node.find(lone.node_id).metadata for node in cluster.nodes.values()} == {b"new"}
