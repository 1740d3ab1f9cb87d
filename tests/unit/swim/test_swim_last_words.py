"""What stands between a suspicion and a death: witnesses, a last chance, flap damping; and who is told."""

from __future__ import annotations

import pytest

from swim.effects import Effect, PingLink, Schedule
from swim.events import (
    AddressClaimed,
    DatagramsBlocked,
    MemberDied,
    MemberRefuted,
    MemberSuspected,
    PingAnswered,
    VersionRefused,
)
from swim.member import MemberState
from swim.messages import Ack, Dead, Left, Ping, PingRequest, Refute, Suspect, Want
from swim.settings import Settings
from swim.statistics import Drop
from swim.timers import GossipRound, LastChance, ProbePeriod, ProbeStep, SuspicionExpiry
from tests.support.swim_pair import Peer, Subject, events, only

pytestmark = pytest.mark.story("018")


def acquainted(count: int, settings: Settings | None = None) -> tuple[Subject, list[Peer]]:
    """Return a subject that knows `count` peers and has nothing left to tell."""
    subject = Subject(settings)
    peers = [Peer(f"peer-{number}", number) for number in range(1, count + 1)]
    subject.meet(*peers)
    for _ in range(12):
        subject.fire(GossipRound)
    return subject, peers


def state(subject: Subject, peer: Peer) -> MemberState:
    member = subject.membership.find(peer.node_id)
    assert member is not None
    return member.state


def names(peers: list[Peer]) -> bytes:
    return b"".join(peer.key[:4] for peer in peers)


# ---- witnesses


@pytest.mark.parametrize(("others", "needed"), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (20, 3)])
def test_a_death_is_believed_with_enough_witnesses_and_else_taken_for_a_suspicion(others, needed):
    subject, peers = acquainted(others)
    accusers = [b"acc%d" % number for number in range(needed)]
    [reported] = events(subject.hear(peers[0], Dead(peers[-1].key, 1, 0, b"".join(accusers))))
    assert isinstance(reported, MemberDied)
    if needed > 1:
        subject, peers = acquainted(others)
        [reported] = events(subject.hear(peers[0], Dead(peers[-1].key, 1, 0, b"".join(accusers[1:]))))
        assert isinstance(reported, MemberSuspected)


def test_witnesses_add_up_with_those_already_known():
    subject, peers = acquainted(8)
    victim = peers[-1]
    subject.hear(peers[0], Suspect(victim.key, 1, 0, b"acc1acc2"))
    reported = events(subject.hear(peers[1], Dead(victim.key, 1, 0, b"acc3")))
    assert [type(event) for event in reported] == [MemberDied]


def test_the_same_witness_counts_once():
    subject, peers = acquainted(8)
    victim = peers[-1]
    subject.hear(peers[0], Suspect(victim.key, 1, 0, b"acc1"))
    assert events(subject.hear(peers[1], Dead(victim.key, 1, 0, b"acc1acc1"))) == []
    assert state(subject, victim) is MemberState.SUSPECT
    assert subject.membership.statistics.dropped[Drop.WITNESSES] == 1


def test_a_death_in_an_unknown_life_without_witnesses_is_looked_into():
    subject, peers = acquainted(8)
    effects = subject.hear(peers[0], Dead(peers[-1].key, 2, 0, b"acc1"))
    assert only(peers[0].hears(effects), Want) == [Want(peers[-1].key)]
    assert state(subject, peers[-1]) is MemberState.ALIVE


def test_events_say_who_accused_whom():
    subject, peers = acquainted(8)
    victim = peers[-1]
    [suspected] = events(subject.hear(peers[0], Suspect(victim.key, 1, 0, names(peers[:2]))))
    assert isinstance(suspected, MemberSuspected)
    assert suspected.accusers == ("peer-1", "peer-2")
    [died] = events(subject.hear(peers[1], Dead(victim.key, 1, 0, names(peers[2:3]))))
    assert isinstance(died, MemberDied)
    assert died.accusers == ("peer-1", "peer-2", "peer-3")


# ---- the last chance


def test_before_its_time_is_over_a_suspect_is_asked_four_times_and_through_three_others():
    subject, peers = acquainted(8)
    victim = peers[-1]
    subject.hear(peers[0], Suspect(victim.key, 1, 0, b"acc1acc2acc3acc4"))
    subject.now += 3.0 - 0.7
    effects = subject.fire(SuspicionExpiry)
    asked = [peer for peer in peers if only(peer.hears(effects), PingRequest)]
    assert len(asked) == 3
    assert victim not in asked
    for helper in asked:
        assert only(helper.hears(effects), Suspect), "a helper carries the accusation to the suspect"
    for further in (1, 1, 1, 0):
        assert only(victim.hears(effects), Ping)
        assert only(victim.hears(effects), Suspect), "whatever is answered refutes"
        timers = [effect for effect in effects if isinstance(effect, Schedule)]
        assert [type(effect.timer) for effect in timers].count(LastChance) == further
        subject.now += 0.15
        effects = subject.fire(LastChance)
    assert state(subject, victim) is MemberState.SUSPECT


def test_an_answer_to_the_last_chance_is_a_refutation():
    subject, peers = acquainted(8)
    victim = peers[-1]
    subject.hear(peers[0], Suspect(victim.key, 1, 0, b"acc1acc2acc3acc4"))
    subject.now += 2.3
    subject.fire(SuspicionExpiry)
    victim.incarnation = 1
    reported = events(subject.hear(victim, Ack(0, bytes(8))))
    assert [type(event) for event in reported] == [MemberRefuted]
    subject.now += 0.15
    assert subject.fire(LastChance) == [], "nobody is asked twice whether it lives"


@pytest.mark.scenario(90)
def test_a_flapping_member_gets_more_time():
    subject, peers = acquainted(8)
    victim = peers[-1]

    def shortest() -> float:
        accusation = Suspect(victim.key, 1, victim.incarnation, b"acc1acc2acc3acc4")
        return due(subject.hear(peers[0], accusation))

    first = shortest()
    victim.incarnation = 1
    subject.hear(victim, Refute(victim.key, 1, 1))
    assert shortest() + 0.7 == pytest.approx(2 * (first + 0.7))


def due(effects: list[Effect]) -> float:
    [after_s] = [
        effect.after_s
        for effect in effects
        if isinstance(effect, Schedule) and isinstance(effect.timer, SuspicionExpiry)
    ]
    return after_s


# ---- links, versions, addresses, pings


def silent_probe(subject: Subject) -> PingLink | None:
    """Let a probe go unanswered until others are asked; return the question over the link."""
    subject.now += 1
    subject.fire(ProbePeriod)
    subject.now += 0.215
    subject.fire(ProbeStep)
    subject.now += 0.285
    asked = [effect for effect in subject.fire(ProbeStep) if isinstance(effect, PingLink)]
    return asked[0] if asked else None


def test_a_member_that_answers_over_its_link_is_not_suspected_but_reported():
    subject, _ = acquainted(2)
    asked = silent_probe(subject)
    assert asked is not None
    subject.membership.handle_link_answer(asked.node_id, asked.sequence, subject.now)
    subject.now += 0.5
    reported = events(subject.fire(ProbePeriod))
    assert [type(event) for event in reported] == [DatagramsBlocked]
    assert subject.membership.statistics.link_rescues == 1
    assert subject.membership.loss > 0, "to the retries it is loss"


def test_an_answer_over_a_link_must_be_of_this_probe():
    subject, _ = acquainted(1)
    asked = silent_probe(subject)
    assert asked is not None
    subject.membership.handle_link_answer(asked.node_id, asked.sequence + 1, subject.now)
    subject.membership.handle_link_answer("somebody", asked.sequence, subject.now)
    subject.now += 0.5
    assert not any(isinstance(event, DatagramsBlocked) for event in events(subject.fire(ProbePeriod)))


@pytest.mark.parametrize(
    "settings", [Settings(link_probe=False), Settings(link_probe_without=frozenset({"peer-1"}))]
)
def test_asking_over_links_can_be_turned_off_for_all_or_for_one(settings):
    subject, _ = acquainted(1, settings)
    assert silent_probe(subject) is None


@pytest.mark.scenario(104)
def test_a_newcomer_that_speaks_no_common_version_is_refused_and_reported():
    subject, peers = acquainted(1)
    stranger = Peer("from-the-future", 9)
    record = stranger.record()._replace(version_min=2, version_max=3)
    for _ in range(2):
        reported = events(subject.hear(stranger, record))
    assert reported == [], "reported once a second"
    assert subject.membership.find("from-the-future") is None
    assert subject.membership.statistics.dropped[Drop.VERSION] == 2
    later = Peer("overlapping", 10)
    subject.hear(later, later.record()._replace(version_min=1, version_max=3))
    assert subject.membership.find("overlapping") is not None
    assert subject.membership.protocol_version == 1
    subject.now += 2
    [event] = events(subject.hear(stranger, record))
    assert event == VersionRefused("from-the-future", (2, 3))
    assert state(subject, peers[0]) is MemberState.ALIVE


@pytest.mark.scenario(70)
def test_a_second_process_in_the_same_life_at_another_address_is_reported_and_not_believed():
    subject, [bob] = acquainted(1)
    subject.now += 2
    [event] = events(subject.hear(bob, bob.record()._replace(host="10.9.9.9")))
    assert isinstance(event, AddressClaimed)
    assert event.address == ("10.9.9.9", 7946)
    assert event.member.address == bob.address


def test_a_ping_that_was_asked_for_tells_the_round_trip():
    subject, [bob] = acquainted(1)
    [ping] = only(bob.hears(subject.membership.ping("peer-1", subject.now)), Ping)
    subject.now += 0.012
    [answered] = events(subject.hear(bob, Ack(ping.sequence, bytes(8))))
    assert isinstance(answered, PingAnswered)
    assert answered.rtt_s == pytest.approx(0.012)
    assert events(subject.hear(bob, Ack(ping.sequence, bytes(8)))) == [], "once"
    assert subject.membership.ping("nobody", subject.now) == []


# ---- giving up


def test_a_dead_member_that_is_given_up_counts_as_left_and_everybody_is_told():
    subject, peers = acquainted(4)
    dead, teller = peers[0], peers[1]
    subject.hear(teller, Dead(dead.key, 1, 0, b"acc1acc2acc3"))
    assert events(subject._note(subject.membership.give_up("peer-1", subject.now))) == []
    assert state(subject, dead) is MemberState.LEFT
    told = [message for peer in peers for message in peer.hears(subject.fire(GossipRound))]
    assert Left(dead.key, 1, 0) in told
    assert subject.membership.give_up("peer-2", subject.now) == [], "nobody who lives"
    assert subject.membership.give_up("nobody", subject.now) == []
    assert state(subject, peers[1]) is MemberState.ALIVE


def test_who_was_given_up_and_comes_back_is_a_member_at_once():
    subject, peers = acquainted(2)
    back = peers[0]
    subject.hear(peers[1], Dead(back.key, 1, 0, b"acc1acc2acc3"))
    subject._note(subject.membership.give_up("peer-1", subject.now))
    subject.hear(back, back.record(incarnation=1))
    assert state(subject, back) is MemberState.ALIVE
