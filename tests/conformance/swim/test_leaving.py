"""Group H: whoever leaves says so, once, and is not taken for somebody who failed."""

from __future__ import annotations

import pytest

from caxton_node.devkit.simulator.cluster import (
    Cluster,
    all_alive_everywhere,
    all_views_equal,
    events_alternate,
    name_of,
)
from swim.effects import Schedule, Send
from swim.events import LeaveCompleted, MemberDied, MemberJoined, MemberLeft, MemberSuspected
from swim.member import MemberState
from swim.messages import Alive, Dead, Left, Nack, Ping, Refute, Suspect
from swim.settings import Settings
from swim.statistics import Drop
from swim.timers import GossipRound, LeaveEnd, ProbePeriod, SuspicionExpiry
from tests.conformance.swim.scenes import (
    WITNESSES,
    ask_helpers,
    begin_probe,
    gossip,
    probed,
    settled,
    tell_all,
)
from tests.support.swim_pair import Peer, Subject, events, only

pytestmark = pytest.mark.story("018")

LEFT = MemberState.LEFT


def state_of(subject: Subject, node_id: str) -> MemberState:
    member = subject.membership.find(node_id)
    assert member is not None
    return member.state


@pytest.mark.scenario(78)
@pytest.mark.parametrize("size", [2, 16, 64])
def test_a_leave_reaches_all_within_two_seconds_and_raises_no_suspicion(seed: int, size: int) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.start_formed(size)
    cluster.network.run_for(3)
    cluster.leave(name_of(1))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=2)
    cluster.network.run_for(30)
    for node in cluster.nodes.values():
        assert len(node.events_about(MemberLeft, name_of(1))) == 1
        assert node.events(MemberDied) == node.events(MemberSuspected) == []
        assert node.find(name_of(1)).state is LEFT
    assert cluster.killed[name_of(1)].events(LeaveCompleted) == [LeaveCompleted()]


@pytest.mark.scenario(78)
@pytest.mark.parametrize("claim", [Refute, Suspect, Dead, Alive])
def test_a_leaver_answers_nothing_that_is_said_about_it(claim: type) -> None:
    subject, (bob, _) = settled(2)
    subject._note(subject.membership.leave(subject.now))
    about = {
        Refute: Refute(subject.key, 5, 9),
        Suspect: Suspect(subject.key, 5, 9, WITNESSES),
        Dead: Dead(subject.key, 5, 9, WITNESSES),
        Alive: Alive("subject", "10.0.0.100", 7946, 5, 9, 9, b""),
    }[claim]
    effects = subject.hear(bob, about)
    assert only(bob.hears(effects), Refute) == []
    me = subject.membership.self_member
    assert (me.state, me.incarnation, me.revision) == (LEFT, 0, 0)


@pytest.mark.scenario(79)
def test_leaving_alone_ends_at_once_and_sends_nothing() -> None:
    subject = Subject()
    effects = subject._note(subject.membership.leave(subject.now))
    assert effects == [Schedule(LeaveEnd(), 0.0)]
    assert events(subject.fire(LeaveEnd)) == [LeaveCompleted()]


@pytest.mark.scenario(79)
def test_leaving_with_none_but_the_dead_ends_at_once_too() -> None:
    subject, (bob, carol) = settled(2)
    subject.hear(carol, Dead(bob.key, 1, 0, WITNESSES), Left(carol.key, 1, 0))
    effects = subject.membership.leave(subject.now)
    assert [effect for effect in effects if isinstance(effect, Schedule)] == [Schedule(LeaveEnd(), 0.0)]


@pytest.mark.scenario(79)
def test_leaving_twice_is_leaving_once() -> None:
    subject, _ = settled(3)
    subject._note(subject.membership.leave(subject.now))
    assert subject.membership.leave(subject.now) == []
    assert events(subject.fire(LeaveEnd)) == [LeaveCompleted()]
    assert subject.membership.leave(subject.now) == []


@pytest.mark.scenario(79)
def test_after_a_leave_nothing_is_sent_or_taken_in() -> None:
    subject, (bob, carol) = settled(2)
    subject._note(subject.membership.leave(subject.now))
    subject.fire(LeaveEnd)
    before = subject.membership.members()
    newcomer = Peer("newcomer", 9)
    for said in (newcomer.record(), Ping(1, subject.key[:4], bytes(8)), Left(bob.key, 1, 0)):
        assert subject.hear(carol, said) == []
    for effects in (
        subject.membership.join([bob.address], subject.now),
        subject.membership.update_metadata(b"more", subject.now),
        subject.membership.broadcast("topic", b"more", subject.now),
        subject.membership.ping("peer-1", subject.now),
    ):
        assert effects == []
    for timer in subject.timers:
        assert subject.membership.handle_timer(timer, subject.now + 60) == []
    assert subject.membership.members() == before
    assert subject.membership.statistics.dropped[Drop.DEPARTED] == 3


@pytest.mark.scenario(80)
def test_a_leave_ends_in_its_time_although_the_queues_are_full() -> None:
    """Serf waits until its broadcasts have gone, which they never did; here the goodbye goes by itself."""
    subject, others = settled(40)
    for number in range(subject.settings.topics_max):
        subject.membership.broadcast("topic", b"%0800d" % number, subject.now)
    for number in range(500):
        newcomer = Peer(f"newcomer-{number}", 9)
        subject.hear(newcomer, newcomer.record(metadata=bytes(128)))
    effects = subject.membership.leave(subject.now)
    told = [peer for peer in others if Left(subject.key, 5, 0) in peer.hears(effects)]
    sends = [effect for effect in effects if isinstance(effect, Send)]
    assert len(sends) == subject.settings.leave_fanout
    assert told, "some are of this cluster's first forty"
    ends = [effect for effect in effects if isinstance(effect, Schedule)]
    assert Schedule(LeaveEnd(), subject.settings.leave_linger_s) in ends


@pytest.mark.scenario(80)
def test_a_burst_tells_a_goodbye_to_one_member_once() -> None:
    """How often a rumour is told is bounded, so the same member must not use that up."""
    subject, others = settled(20)
    for number in range(subject.settings.topics_max):
        subject._note(subject.membership.broadcast("topic", b"%0800d" % number, subject.now))
    subject.hear(others[0], Left(others[0].key, 1, 0))
    effects = subject.fire(GossipRound)
    assert max(len(peer.hears(effects)) for peer in others) > 4, "a burst"
    assert max(len(only(peer.hears(effects), Left)) for peer in others) == 1


@pytest.mark.scenario(80)
def test_a_leaver_goes_on_telling_after_its_first_goodbye() -> None:
    """Those that it tells at once may all miss it; what it tells while it lingers is counted for itself."""
    subject, others = settled(20)
    effects = subject._note(subject.membership.leave(subject.now))
    at_once = [only(peer.hears(effects), Left) for peer in others]
    assert [len(told) for told in at_once if told] == [1] * subject.settings.leave_fanout
    assert only(gossip(subject, others), Left)


@pytest.mark.scenario(80)
def test_a_leave_reaches_a_large_cluster_whose_queues_are_full(seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.start_formed(64)
    for number in range(100):
        cluster.broadcast(name_of(number % 20), "topic", b"%0800d" % number)
    cluster.network.run_for(1)
    assert cluster.nodes[name_of(50)].membership.has_rumours, "queues are still full"
    cluster.leave(name_of(3))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=2)
    assert not any(node.events(MemberSuspected) for node in cluster.nodes.values())


@pytest.mark.scenario(81)
@pytest.mark.parametrize("away_s", [0.5, 30.0])
def test_a_leaver_comes_back_with_other_metadata(seed: int, away_s: float) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.form(16)
    cluster.update_metadata(name_of(4), b"role=web")
    cluster.network.run_for(3)
    cluster.leave(name_of(4))
    cluster.network.run_for(away_s)
    cluster.add(name_of(4), [cluster.address(name_of(0))], metadata=b"role=db")
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=3)
    for node in cluster.nodes.values():
        assert node.find(name_of(4)).metadata == b"role=db"
        if node.node_id != name_of(4):
            assert [joined.event.member.metadata for joined in node.events_about(MemberJoined, name_of(4))][
                -1
            ] == b"role=db"
            assert node.events(MemberDied) == []
    assert events_alternate(cluster) == []


@pytest.mark.scenario(83)
def test_a_probe_that_was_under_way_does_not_make_a_leave_a_failure() -> None:
    stage, others = settled(8)
    target, ping = begin_probe(stage, others)
    helpers = ask_helpers(stage, others)
    stage.hear(target, Left(target.key, 1, 0))
    for helper in helpers:
        stage.hear(helper, Nack(ping.sequence))
    reported = events(stage.run_until(ProbePeriod))
    assert not [event for event in reported if isinstance(event, MemberSuspected | MemberDied)]
    assert state_of(stage, target.node_id) is LEFT


@pytest.mark.scenario(83)
def test_a_leaver_is_probed_no_more() -> None:
    stage, others = settled(6)
    stage.hear(others[2], Left(others[2].key, 1, 0))
    tell_all(stage)
    stage.let_answer(*others[:2], *others[3:])
    for _ in range(20):
        assert probed(stage.run_until(ProbePeriod), others)[0] is not others[2]


@pytest.mark.scenario(83)
def test_no_accusation_makes_a_leave_a_failure() -> None:
    """Leaving is the last word of a life: it stands above death at one incarnation."""
    subject, (bob, carol, *_) = settled(8)
    subject.hear(bob, Left(bob.key, 1, 0))
    for claim in (Suspect(bob.key, 1, 0, WITNESSES), Dead(bob.key, 1, 0, WITNESSES)):
        assert events(subject.hear(carol, claim)) == []
    assert state_of(subject, "peer-1") is LEFT
    assert not any(isinstance(timer, SuspicionExpiry) for timer in subject.timers)


@pytest.mark.scenario(83)
def test_a_suspect_that_leaves_has_left_everywhere(seed: int) -> None:
    settings = Settings(leave_linger_s=0.3)
    cluster = Cluster(seed, settings, sealed=False)
    cluster.start_formed(24)
    leaver = cluster.nodes[name_of(3)]
    others = [node.address for node in cluster.nodes.values() if node is not leaver]
    cluster.network.lose_between(others, [leaver.address], 1.0)
    cluster.network.run_until(
        lambda: any(
            node.find(leaver.node_id).state is MemberState.SUSPECT for node in cluster.nodes.values()
        ),
        within_s=10,
    )
    cluster.leave(leaver.node_id)
    cluster.network.run_for(40)
    for node in cluster.nodes.values():
        assert node.find(leaver.node_id).state is LEFT
        assert node.events(MemberDied) == []


@pytest.mark.scenario(84)
def test_a_goodbye_heard_again_is_not_told_again() -> None:
    subject, (bob, carol, dave) = settled(3)
    subject.hear(bob, Left(bob.key, 1, 0))
    first = only(gossip(subject, [carol, dave]), Left)
    assert first
    for peer in (bob, carol, dave, carol):
        assert events(subject.hear(peer, Left(bob.key, 1, 0))) == []
    assert not subject.membership.has_rumours


@pytest.mark.scenario(84)
def test_goodbyes_in_any_number_die_out(seed: int) -> None:
    """All leave but two, some of them with the goodbye of another in hand; then it is quiet."""
    cluster = Cluster(seed, sealed=False)
    cluster.start_formed(24)
    for number in range(2, 24):
        cluster.leave(name_of(number))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=5)
    cluster.network.run_for(20)
    assert not any(node.membership.has_rumours for node in cluster.nodes.values())
    assert cluster.bytes_per_node_second(20) < 200
    for node in cluster.nodes.values():
        assert len(node.events(MemberLeft)) == 22
