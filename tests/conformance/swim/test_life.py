"""Group K: events, what is remembered and for how long, coordinates, and time itself."""

from __future__ import annotations

import asyncio

import pytest

from caxton_node.cluster.gossip import Gossip
from caxton_node.devkit.simulator.cluster import Cluster, all_alive_everywhere, events_alternate, name_of
from swim.coordinates import Coordinate
from swim.effects import Effect, Schedule
from swim.events import (
    LeaveCompleted,
    MemberDied,
    MemberEvent,
    MemberJoined,
    MemberLeft,
    MemberRefuted,
    MemberSuspected,
    MemberUpdated,
)
from swim.member import MemberState
from swim.messages import Ack, Dead, Left, Ping, Refute, Suspect
from swim.settings import Settings
from swim.timers import GossipRound, KnockRound, LeaveEnd, ProbePeriod, SuspicionExpiry
from tests.conformance.swim.scenes import (
    ACCUSER,
    WITNESSES,
    begin_probe,
    claim_of,
    probed,
    settled,
    suspects,
)
from tests.support.clock import HandClock
from tests.support.swim_pair import Peer, Subject, events, only

pytestmark = pytest.mark.story("018")


def kinds(effects: list[Effect]) -> list[type]:
    return [type(event) for event in events(effects)]


# ---- events


@pytest.mark.scenario(107)
def test_a_whole_life_is_reported_in_order_and_each_step_once() -> None:
    """Serf gathers events over a window to save its handlers; here nothing is gathered or delayed."""
    subject, (_, carol, *_) = settled(8)
    bob, again = Peer("bob", 50), Peer("bob", 50, epoch=2)
    told = [
        (carol, bob.record()),
        (carol, bob.record(revision=1, metadata=b"new")),
        (carol, Suspect(bob.key, 1, 0, ACCUSER)),
        (carol, Refute(bob.key, 1, 1)),
        (carol, Suspect(bob.key, 1, 1, ACCUSER)),
        (carol, Dead(bob.key, 1, 1, WITNESSES)),
        (again, again.record()),
        (again, Left(bob.key, 2, 0)),
    ]
    reported = []
    for peer, message in told:
        reported += kinds(subject.hear(peer, message))
        assert kinds(subject.hear(peer, message)) == [], "heard again"
    assert reported == [
        MemberJoined, MemberUpdated, MemberSuspected, MemberRefuted, MemberSuspected, MemberDied,
        MemberJoined, MemberLeft,
    ]  # fmt: skip


@pytest.mark.scenario(107)
def test_several_changes_in_one_datagram_are_reported_in_their_order() -> None:
    subject, (bob, carol, *_) = settled(8)
    effects = subject.hear(
        carol,
        Suspect(bob.key, 1, 0, ACCUSER),
        bob.record(incarnation=1, revision=1, metadata=b"new"),
        Left(bob.key, 1, 1),
    )
    assert kinds(effects) == [MemberSuspected, MemberRefuted, MemberUpdated, MemberLeft]


@pytest.mark.scenario(107)
def test_no_listener_of_any_node_hears_anything_twice_or_out_of_order(seed: int) -> None:
    """Under loss, repetition and overtaking, with crashes, restarts and leaves."""
    cluster = Cluster(seed, sealed=False)
    heard: dict[str, list[object]] = {}
    cluster.listen(lambda node, happening: heard.setdefault(node.node_id, []).append(happening.event))
    cluster.form(16)
    cluster.network.lose(0.1)
    cluster.network.duplicate(0.3)
    cluster.network.reorder(0.3)
    for number in range(3, 7):
        cluster.kill(name_of(number))
        cluster.network.run_for(4)
        cluster.add(name_of(number), [cluster.address(name_of(0))])
        cluster.update_metadata(name_of(number + 5), b"%d" % number)
    cluster.leave(name_of(8))
    cluster.network.heal()
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=40)
    assert events_alternate(cluster) == []
    for node in cluster.nodes.values():
        joins = node.events(MemberJoined)
        assert len({(event.member.node_id, event.member.epoch) for event in joins}) == len(joins)
        own = heard[node.node_id][-len(node.log) :]
        assert own == [entry.event for entry in node.log]
        assert not [event for event in node.events(MemberEvent) if event.member.node_id == node.node_id]


# ---- memory of those who are gone


@pytest.mark.scenario(109)
@pytest.mark.parametrize("gone", [MemberState.DEAD, MemberState.LEFT])
def test_whoever_is_gone_is_forgotten_after_the_time_configured(gone: MemberState) -> None:
    """Serf has a time for the failed, one for those who left, and others by node; here it is one for all."""
    subject, (bob, carol) = settled(2, Settings(dead_memory_s=60.0))
    subject.hear(carol, claim_of(gone, bob, 0))
    subject.fire(KnockRound)
    for passed_s, known in ((59.9, True), (0.1, True), (0.1, False)):
        subject.now += passed_s
        assert kinds(subject.fire(KnockRound)) == [], "it was reported when it was gone"
        assert (subject.membership.find("peer-1") is not None) == known


@pytest.mark.scenario(109)
def test_the_time_begins_anew_for_whoever_was_back_in_between() -> None:
    subject, (bob, carol) = settled(2, Settings(dead_memory_s=60.0))
    for incarnation in (0, 2):
        subject.hear(carol, claim_of(MemberState.DEAD, bob, incarnation))
        subject.fire(KnockRound)
        subject.now += 50.0
        subject.fire(KnockRound)
        assert subject.membership.find("peer-1") is not None
        subject.hear(carol, bob.record(incarnation=incarnation + 1))
        subject.fire(KnockRound)


@pytest.mark.scenario(109)
def test_only_who_is_gone_is_forgotten_and_who_is_forgotten_can_come_back() -> None:
    subject, (bob, carol, dave) = settled(3, Settings(dead_memory_s=60.0))
    subject.hear(carol, claim_of(MemberState.DEAD, bob, 0), Suspect(dave.key, 1, 0, ACCUSER))
    for _ in range(2):
        subject.fire(KnockRound)
        subject.now += 61.0
    subject.fire(KnockRound)
    assert [member.node_id for member in subject.membership.members()] == ["peer-2", "peer-3", "subject"]
    assert kinds(subject.hear(bob, bob.record())) == [MemberJoined]


@pytest.mark.scenario(109)
def test_nobody_remembers_the_dead_in_the_end(seed: int) -> None:
    cluster = Cluster(seed, Settings(dead_memory_s=60.0), sealed=False)
    cluster.form(8)
    cluster.leave(name_of(1))
    cluster.kill(name_of(2))
    cluster.network.run_for(20)
    assert all(len(node.membership.members()) == 8 for node in cluster.nodes.values())
    cluster.network.run_for(90)
    assert all(len(node.membership.members()) == 6 for node in cluster.nodes.values())


# ---- timers


@pytest.mark.scenario(111)
def test_after_a_leave_no_timer_is_set_any_more() -> None:
    stage, _ = settled(8)
    stage._note(stage.membership.leave(stage.now))
    assert events(stage.run_until(LeaveEnd)) == [LeaveCompleted()]
    due = len(stage._due)
    for _ in range(due):
        assert stage._step()[1] == []
    assert stage._due == [], "the last one was the last"


@pytest.mark.scenario(111)
def test_an_idle_node_sets_one_timer_for_each_that_fires() -> None:
    """What waits does not grow: one probe period and one knock round, and nothing to tell."""
    stage = Subject()
    standing = {type(timer) for timer in stage.timers}
    assert standing == {ProbePeriod, KnockRound}
    for _ in range(50):
        for kind in (ProbePeriod, KnockRound):
            stage.now += 1.0
            effects = stage.fire(kind)
            assert [type(effect.timer) for effect in effects if isinstance(effect, Schedule)] == [kind]
            assert len(effects) == 1


@pytest.mark.scenario(111)
def test_a_gossip_round_is_set_only_while_there_is_something_to_tell() -> None:
    subject, _ = settled(3)
    effects = subject._note(subject.membership.update_metadata(b"news", subject.now))
    assert [type(effect.timer) for effect in effects if isinstance(effect, Schedule)] == [GossipRound]
    assert subject.membership.update_metadata(b"more", subject.now) == [], "one is under way"
    rounds = 0
    while subject.membership.has_rumours:
        effects = subject.fire(GossipRound)
        rounds += 1
    assert not [effect for effect in effects if isinstance(effect, Schedule)]
    assert rounds < 20


@pytest.mark.scenario(111)
async def test_the_pump_is_armed_for_the_earliest_of_all_timers_and_for_none_if_there_is_none() -> None:
    clock, loop = HandClock(), asyncio.get_running_loop()
    pump = Gossip(Subject().membership, lambda *_: None, lambda _: None, clock)
    pump._open = True
    pump.perform([])
    assert pump._armed is None
    for after_s, earliest_s in ((500.0, 500.0), (900.0, 500.0), (100.0, 100.0), (300.0, 100.0)):
        pump.perform([Schedule(KnockRound(), after_s)])
        assert pump._armed_at - loop.time() == pytest.approx(earliest_s, abs=30.0)
    pump.close()
    assert pump._armed.cancelled()


# ---- time


@pytest.mark.scenario(112)
def test_a_clock_that_goes_back_ends_no_suspicion_early() -> None:
    subject, (bob, carol, *_) = settled(8)
    subject.hear(carol, Suspect(bob.key, 1, 0, WITNESSES))
    subject.now -= 50.0
    for _ in range(3):
        assert events(subject.fire(SuspicionExpiry)) == []
    assert suspects(subject) == ["peer-1"]


@pytest.mark.scenario(112)
def test_a_clock_that_goes_back_accuses_nobody_and_stops_no_probe() -> None:
    stage, others = settled(8)
    before = stage.membership._parts.locator.own()
    target, ping = begin_probe(stage, others)
    stage.now -= 50.0
    stage.hear(target, Ack(ping.sequence, stage.membership.digest, Coordinate(error=0.1).encode()))
    effects = stage.fire(ProbePeriod)
    assert events(effects) == []
    assert probed(effects, others)[1].sequence == ping.sequence + 1
    assert stage.membership.statistics.probes_failed == 0
    assert stage.membership._parts.locator.own() == before, "a negative round trip is none"


@pytest.mark.scenario(112)
def test_a_clock_that_goes_back_forgets_nobody_and_sets_no_timer_into_the_past() -> None:
    subject, (bob, carol, *_) = settled(8, Settings(dead_memory_s=60.0))
    subject.hear(carol, Dead(bob.key, 1, 0, WITNESSES))
    subject.fire(KnockRound)
    subject.now -= 50.0
    effects = subject.fire(KnockRound) + subject.hear(carol, Suspect(carol.key, 1, 0, WITNESSES))
    assert subject.membership.find("peer-1") is not None
    assert all(effect.after_s >= 0 for effect in effects if isinstance(effect, Schedule))


@pytest.mark.scenario(112)
@pytest.mark.parametrize("jump_s", [1e6, 1e12, -1e6, -1e12])
def test_a_clock_that_jumps_far_breaks_nothing(jump_s: float) -> None:
    subject, others = settled(8)
    subject.hear(others[1], Suspect(others[0].key, 1, 0, ACCUSER))
    subject.now += jump_s
    for kind in (ProbePeriod, SuspicionExpiry, KnockRound):
        assert MemberDied not in kinds(subject.fire(kind)), "the first look after a jump is a stall"
    for peer in others[1:]:
        assert only(peer.hears(subject.hear(peer, Ping(1, subject.key[:4], bytes(8)))), Ack)
    assert subject.membership.find("peer-1") is not None
