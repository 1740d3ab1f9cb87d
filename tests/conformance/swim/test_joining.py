"""Group F: seeds, newcomers and crowds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caxton_node.devkit.simulator.cluster import (
    Cluster,
    address_of,
    all_views_equal,
    events_alternate,
    false_deaths,
    name_of,
)
from swim.events import JoinCompleted, MemberJoined, MemberSuspected, VersionRefused
from swim.member import MemberState
from swim.messages import Suspect
from swim.settings import Settings
from swim.statistics import Drop
from tests.conformance.swim.scenes import WITNESSES, peers, settled
from tests.conformance.swim.tables import Meeting, acquainted, crowd
from tests.support.swim_pair import Peer, Subject

pytestmark = pytest.mark.story("018")

ALIVE, SUSPECT, DEAD, LEFT = MemberState


# ---- seeds


@pytest.mark.scenario(62)
@pytest.mark.parametrize("down", [1, 3, 7, 63])
def test_one_seed_that_is_up_is_enough_whichever_it_is(seed: int, down: int) -> None:
    """Three seeds are asked at once, so those that are down cost a third of an attempt each and no time-out.

    Memberlist returns how many seeds answered and an error for each other; here the join goes on until one
    has answered, and that is one event.
    """
    cluster = Cluster(seed, sealed=False)
    cluster.form(8)
    for number in range(0, 1 + down, max(1, down // 7)):
        seeds = [("10.9.9.9", 1000 + each) for each in range(down)]
        seeds.insert(number, cluster.address(name_of(0)))
        newcomer = cluster.add(f"newcomer-{number}", seeds)
        cluster.network.run_until(lambda who=newcomer: who.events(JoinCompleted) != [], within_s=5 + down)
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=5)
    cluster.network.run_for(12)
    newcomers = [node for name, node in cluster.nodes.items() if name.startswith("newcomer")]
    assert {len(node.events(JoinCompleted)) for node in newcomers} == {1}


@pytest.mark.scenario(62)
def test_seeds_that_are_all_down_are_asked_again_at_a_falling_rate(seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    node = cluster.add("early", [("10.9.9.9", 1), ("10.9.9.8", 1)])
    counted = []
    for _ in range(4):
        before = cluster.network.traffic[node.address].datagrams
        cluster.network.run_for(30)
        counted.append(cluster.network.traffic[node.address].datagrams - before)
    assert counted[0] > counted[-1] == 6, "two seeds, once every ten seconds in the end"
    assert node.log == []
    cluster.add("late", address=("10.9.9.8", 1))
    cluster.network.run_until(lambda: node.events(JoinCompleted) != [], within_s=11)


@pytest.mark.scenario(62, 76)
def test_a_node_is_not_its_own_seed() -> None:
    subject = Subject()
    own = subject.membership.self_member.address
    effects = subject.membership.join([own], subject.now)
    assert effects == []


# ---- who may not join


@pytest.mark.scenario(63)
def test_whoever_shares_no_version_changes_nothing_on_either_side() -> None:
    """Memberlist asks a hook; here the reasons to refuse are fixed: no version in common, no room, no key."""
    meeting = Meeting(versions=(2, 3))
    meeting.join()
    meeting.compare()
    assert set(meeting.left.states()) == {"left"}
    assert set(meeting.right.states()) == {"right"}
    assert VersionRefused("right", (2, 3)) in meeting.left.log
    assert VersionRefused("left", (1, 1)) in meeting.right.log
    assert not [event for event in meeting.left.log + meeting.right.log if isinstance(event, MemberJoined)]


@pytest.mark.scenario(63)
def test_whoever_shares_no_version_does_not_come_in_by_hearsay_either() -> None:
    subject, (bob, _) = settled(2)
    stranger = Peer("stranger", 9).record()._replace(version_min=2, version_max=3)
    before = subject.membership.digest
    subject.hear(bob, stranger)
    assert subject.membership.find("stranger") is None
    assert subject.membership.digest == before
    assert not subject.membership.has_rumours, "and is not passed on"


@pytest.mark.scenario(63)
def test_a_full_table_takes_nobody_in_and_keeps_its_members() -> None:
    meeting = Meeting(Settings(members_max=4))
    members = peers(3)
    meeting.left.meet(*members)
    meeting.join()
    assert "right" not in meeting.left.states()
    assert meeting.left.membership.statistics.dropped[Drop.TABLE_FULL] >= 1
    assert {member.node_id for member in members} <= set(meeting.left.states())


# ---- sizes


@pytest.mark.scenario(65)
def test_tables_of_many_datagrams_become_known_to_everybody(seed: int) -> None:
    """Sixty records of 128 bytes metadata fill ten datagrams; gossip, pages and digests split them."""
    cluster = Cluster(seed, sealed=False)
    cluster.add(name_of(0), metadata=bytes(128))
    for number in range(1, 60):
        cluster.add(name_of(number), [address_of(0)], metadata=b"%128d" % number)
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=15)
    for node in cluster.nodes.values():
        assert all(len(member.metadata) == 128 for member in node.membership.members())


@pytest.mark.scenario(65)
def test_a_difference_larger_than_one_answer_is_settled_piece_by_piece() -> None:
    meeting = acquainted()
    meeting.left.meet(*crowd(1200))
    meeting.left.forget_rumours(Peer("peer-1", 1))
    meeting.compare(120)
    assert meeting.right.membership.statistics.reconciliations > 1
    assert len(meeting.right.states()) == 1202
    assert meeting.left.membership.digest == meeting.right.membership.digest


@pytest.mark.scenario(66)
@pytest.mark.parametrize("length", [5, 20])
def test_a_chain_of_nodes_that_started_before_their_seeds_becomes_one_cluster(seed: int, length: int) -> None:
    """Each asks the next, which is not there yet: all come together within its first answers."""
    cluster = Cluster(seed, sealed=False)
    for number in range(length - 1):
        cluster.add(name_of(number), [address_of(number + 1)])
    cluster.network.run_for(3)
    cluster.add(name_of(length - 1), address=address_of(length - 1))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=length)


# ---- newcomers


@pytest.mark.scenario(68)
def test_a_newcomer_hears_of_a_suspicion_with_the_table() -> None:
    meeting = Meeting()
    alive, suspect = members = peers(2)
    meeting.left.meet(*members)
    meeting.left.hear(alive, Suspect(suspect.key, 1, 0, WITNESSES))
    meeting.join()
    assert meeting.right.states()["peer-2"] is SUSPECT
    about = [event for event in meeting.right.log if isinstance(event, MemberSuspected)]
    assert [event.member.node_id for event in about] == ["peer-2"]
    assert meeting.right.membership.statistics.probes == 0


@pytest.mark.scenario(68)
def test_a_newcomer_does_not_find_a_crash_out_for_itself(seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.start_formed(16)
    cluster.kill(name_of(3))
    cluster.network.run_until(
        lambda: cluster.nodes[name_of(0)].find(name_of(3)).state is SUSPECT, within_s=10
    )
    newcomer = cluster.add("newcomer", [cluster.address(name_of(0))])
    cluster.network.run_until(lambda: newcomer.events(JoinCompleted) != [], within_s=1)
    assert newcomer.find(name_of(3)).state is SUSPECT
    assert newcomer.membership.statistics.probes_failed == 0
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=15)


# ---- crowds


@pytest.mark.scenario(69)
def test_a_hundred_nodes_join_at_the_same_moment(seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    first = cluster.add(name_of(0))
    for number in range(1, 101):
        cluster.add(name_of(number), [first.address])
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=10)
    assert false_deaths(cluster) == []
    for node in cluster.nodes.values():
        assert len(node.events(MemberJoined)) == 100


@pytest.mark.scenario(69)
def test_fifty_nodes_join_twenty_through_any_of_them(seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.start_formed(20)
    for number in range(20, 70):
        cluster.add(name_of(number), [address_of(number % 20)])
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=10)
    assert false_deaths(cluster) == []
    assert events_alternate(cluster) == []


@pytest.mark.scenario(69)
def test_nodes_join_while_others_fail(seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.start_formed(30)
    for number in range(10):
        cluster.kill(name_of(20 + number))
        cluster.add(f"newcomer-{number}", [address_of(number), address_of(20 + number)])
        cluster.network.run_for(0.1)
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=30)
    assert false_deaths(cluster) == []
    assert events_alternate(cluster) == []


@pytest.mark.scenario(69)
def test_seeds_may_fail_while_many_join_through_them(seed: int) -> None:
    settings = replace(Settings.lan(), knock_interval_s=1000.0)
    cluster = Cluster(seed, settings, sealed=False)
    cluster.start_formed(10)
    for number in range(40):
        cluster.add(f"newcomer-{number}", [address_of(0), address_of(1), address_of(2)])
    cluster.network.run_for(0.002)
    cluster.kill(name_of(0), name_of(1))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=30)
    assert false_deaths(cluster) == []
