"""Group I, scenarios 93 to 95: processes that stand still, slow listeners, and timers that are lost."""

from __future__ import annotations

import pytest

from caxton_node.cluster.gossip import Gossip
from caxton_node.devkit.simulator.cluster import (
    Cluster,
    Happening,
    Node,
    all_alive_everywhere,
    events_alternate,
    false_deaths,
)
from swim.events import Event, MemberDied, MemberJoined, MemberSuspected, MemberUpdated, TopicReceived
from swim.member import MemberState
from swim.timers import GossipRound, ProbePeriod, ProbeStep, Timer
from tests.conformance.swim.scenes import Stage, answer_probe, begin_probe, settled, suspects
from tests.conformance.swim.worlds import NAMES, formed
from tests.support.clock import HandClock
from tests.support.swim_pair import Peer, events

pytestmark = pytest.mark.story("018")

# ---- processes that stand still


@pytest.mark.scenario(93)
@pytest.mark.parametrize("for_s", [2.0, 8.0, 20.0, 60.0])
def test_a_process_that_stood_still_accuses_nobody(seed: int, for_s: float) -> None:
    """Its timers come before its input when it goes on, which is the worst order."""
    cluster = formed(seed, 24)
    frozen = cluster.nodes[NAMES[2]]
    cluster.network.freeze(frozen.address, for_s)
    cluster.network.run_for(for_s + 40)
    assert frozen.events(MemberSuspected) == frozen.events(MemberDied) == []
    assert frozen.membership.statistics.probes_failed == 0, "what was judged too late is void"
    assert {subject for _, subject in false_deaths(cluster)} <= {frozen.node_id}
    assert all_alive_everywhere(cluster)


@pytest.mark.scenario(93)
def test_a_probe_that_is_judged_much_too_late_is_void() -> None:
    """Its answer may wait to be read: judged, it would make the target silent and this node ill."""
    stage, others = settled(6)
    begin_probe(stage, others)
    stage.now += 20.0
    reported = events(stage.fire(ProbePeriod))
    assert reported == []
    statistics = stage.membership.statistics
    assert (statistics.probes_voided, statistics.probes_failed, stage.membership.health) == (1, 0, 0)


@pytest.mark.scenario(93)
def test_a_suspicion_that_ended_while_the_process_stood_still_gets_one_more_chance(seed: int) -> None:
    cluster = formed(seed, 24)
    frozen, suspect = cluster.nodes[NAMES[2]], cluster.nodes[NAMES[3]]
    cluster.network.freeze(suspect.address, 4.0)
    cluster.network.run_until(
        lambda: frozen.find(suspect.node_id).state is not MemberState.ALIVE, within_s=12
    )
    cluster.network.freeze(frozen.address, 30.0)
    cluster.network.run_for(60)
    assert not frozen.events_about(MemberDied, suspect.node_id)
    assert {subject for _, subject in false_deaths(cluster)} <= {frozen.node_id}
    assert all_alive_everywhere(cluster)


# ---- listeners


@pytest.mark.scenario(94)
def test_a_listener_may_ask_and_command_from_inside_an_event(seed: int) -> None:
    """Events are values that come after the fact: nothing is locked while somebody looks at them."""
    cluster = Cluster(seed, sealed=False)
    seen: list[int] = []

    def listen(node: Node, happening: Happening) -> None:
        seen.append(len(node.membership.members()))
        if isinstance(happening.event, MemberJoined):
            node.perform(node.membership.update_metadata(b"met %d" % seen[-1], node.now))
            node.perform(node.membership.broadcast("met", happening.event.member.key, node.now))

    cluster.listen(listen)
    cluster.form(8)
    cluster.network.run_for(10)
    assert all_alive_everywhere(cluster)
    assert len(seen) == sum(len(node.log) for node in cluster.nodes.values())
    for node in cluster.nodes.values():
        assert node.events(MemberUpdated)
        assert len(node.events(TopicReceived)) == 7 * 7, "each of the others has met seven, and says so once"
    assert events_alternate(cluster) == []


@pytest.mark.scenario(94)
async def test_a_listener_that_takes_its_time_costs_the_pump_none_of_its_effects() -> None:
    """The pump performs everything of one input; a slow listener makes it late, which is a stall like any."""
    clock, sent = HandClock(), list[bytes]()
    stage, (bob, carol) = Stage(), (Peer("bob", 1), Peer("carol", 2))
    heard: list[object] = []

    def listen(event: object) -> None:
        heard.append(event)
        clock.advance(30.0)
        assert stage.membership.members()
        pump.perform(stage.membership.broadcast("heard", b"", clock.now()))

    pump = Gossip(stage.membership, lambda datagram, _: sent.append(datagram), listen, clock)
    pump.start()
    for peer in (bob, carol):
        pump.receive(peer.says(peer.record()), peer.address)
    pump.close()
    assert [type(event) for event in heard] == [MemberJoined, MemberJoined]
    assert len(stage.membership.members()) == 3


# ---- timers that are lost


def lose(stage: Stage, kind: type[Timer]) -> None:
    """Drop every timer of a kind that is under way."""
    stage._due = [entry for entry in stage._due if not isinstance(entry[2], kind)]


@pytest.mark.scenario(95)
def test_the_next_period_goes_on_although_the_steps_of_a_probe_were_lost() -> None:
    stage, others = settled(6)
    begin_probe(stage, others)
    lose(stage, ProbeStep)
    reported: list[Event] = events(stage.run_until(ProbePeriod))
    assert reported == []
    assert suspects(stage) == [], "nobody else was asked, so nobody is accused"
    answer_probe(stage, others)
    assert stage.membership.statistics.probes == 3


@pytest.mark.scenario(95)
def test_a_timer_that_comes_twice_or_much_later_changes_nothing() -> None:
    stage, others = settled(6)
    begin_probe(stage, others)
    old = [timer for timer in stage.timers if isinstance(timer, ProbePeriod | ProbeStep)][:-2]
    answer_probe(stage, others)
    probes = stage.membership.statistics.probes
    for timer in (*old, *old):
        assert stage.membership.handle_timer(timer, stage.now) == []
    assert stage.membership.statistics.probes == probes


@pytest.mark.scenario(95)
def test_gossip_goes_on_in_answers_although_its_round_was_lost() -> None:
    stage, others = settled(3)
    stage.membership.update_metadata(b"news", stage.now)
    lose(stage, GossipRound)
    stage.let_answer(*others)
    stage.run_for(15.0)
    assert not stage.membership.has_rumours
