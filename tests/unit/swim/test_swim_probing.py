"""Probes, step by step, as those who are probed see them."""

from __future__ import annotations

import random

import pytest

from swim.effects import Schedule
from swim.events import MemberSuspected
from swim.messages import Ack, Nack, Ping, PingRequest, Suspect
from swim.probe import ISOLATION_PATIENCE, Probe, Verdict, judge
from swim.rounds import HEARD_LATELY, Rounds
from swim.settings import Settings
from swim.statistics import Drop
from swim.timers import GossipRound, ProbePeriod, ProbeStep, RelayStep
from tests.support.swim_pair import Peer, Subject, events, only

pytestmark = pytest.mark.story("018")


def peers(count: int) -> list[Peer]:
    return [Peer(f"peer-{number}", number) for number in range(1, count + 1)]


def settled(count: int, settings: Settings | None = None) -> tuple[Subject, list[Peer]]:
    """Return a subject that knows some peers and has told everybody about them."""
    subject, others = Subject(settings), peers(count)
    subject.meet(*others)
    for _ in range(12):
        subject.fire(GossipRound)
    return subject, others


def begin_probe(subject: Subject, others: list[Peer]) -> tuple[Peer, Ping]:
    """Start a probe; return who is probed, and the ping."""
    subject.now += 1
    effects = subject.fire(ProbePeriod)
    for peer in others:
        for ping in only(peer.hears(effects), Ping):
            return peer, ping
    raise AssertionError("nobody was probed")


def ask_helpers(subject: Subject, others: list[Peer]) -> dict[str, PingRequest]:
    """Let the direct answer fail to come; return who is asked to help."""
    subject.now += 0.215
    subject.fire(ProbeStep)
    subject.now += 0.285
    effects = subject.fire(ProbeStep)
    return {peer.node_id: only(peer.hears(effects), PingRequest)[0] for peer in others if peer.hears(effects)}


def probe(**facts: object) -> Probe:
    facts = {"is_asked": True, **facts}
    return Probe(1, b"target", (1, 0, ("10.0.0.1", 7946)), 0.0, 1.0, **facts)  # type: ignore[arg-type]  # names are those of Probe


THREE = [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"answered": True}, Verdict.ALIVE),
        ({"target_heard": True, "helpers": THREE}, Verdict.ALIVE),
        ({"helpers": []}, Verdict.ACCUSED),
        ({"helpers": THREE}, Verdict.ISOLATED),
        ({"helpers": THREE, "anybody_heard": True}, Verdict.UNSURE),
        ({"helpers": THREE, "anybody_heard": True, "nackers": [b"a"]}, Verdict.UNSURE),
        ({"helpers": THREE, "anybody_heard": True, "nackers": [b"a", b"b"]}, Verdict.ACCUSED),
        ({"helpers": [b"a"], "anybody_heard": True, "nackers": [b"a"]}, Verdict.ACCUSED),
        ({"helpers": THREE, "anybody_heard": True, "nackers": [b"a"], "strikes": 1}, Verdict.ACCUSED),
        ({"helpers": THREE, "anybody_heard": True, "strikes": 1}, Verdict.UNSURE),
        ({"helpers": THREE, "anybody_heard": True, "strikes": 2}, Verdict.ACCUSED),
    ],
)
def test_the_judgement(facts: dict[str, object], verdict: Verdict) -> None:
    assert judge(probe(**facts)) is verdict


@pytest.mark.scenario(23)
def test_everybody_is_probed_once_in_a_round_before_anybody_again() -> None:
    subject, others = settled(6)
    for _ in range(3):
        probed = []
        for _ in others:
            peer, ping = begin_probe(subject, others)
            subject.hear(peer, Ack(ping.sequence, subject.membership.digest))
            probed.append(peer.node_id)
        assert sorted(probed) == [peer.node_id for peer in others]


@pytest.mark.scenario(30)
def test_a_node_alone_probes_nobody_and_goes_on() -> None:
    subject = Subject()
    for _ in range(3):
        subject.now += 1
        [scheduled] = subject.fire(ProbePeriod)
        assert isinstance(scheduled, Schedule)
        assert isinstance(scheduled.timer, ProbePeriod)


def test_an_old_period_is_stale() -> None:
    subject, others = settled(3)
    stale = next(timer for timer in subject.timers if isinstance(timer, ProbePeriod))
    begin_probe(subject, others)
    assert subject.membership.handle_timer(stale, subject.now) == []


def test_an_answer_ends_the_probe() -> None:
    subject, others = settled(4)
    peer, ping = begin_probe(subject, others)
    assert ping.target == peer.key[:4]
    subject.hear(peer, Ack(ping.sequence, bytes(8)))
    assert ask_helpers(subject, others) == {}


@pytest.mark.scenario(25)
def test_without_an_answer_it_is_pinged_again_and_then_helpers_are_asked() -> None:
    subject, others = settled(6)
    peer, ping = begin_probe(subject, others)
    subject.now += 0.215
    [again] = only(peer.hears(subject.fire(ProbeStep)), Ping)
    assert again == ping._replace(sequence=ping.sequence + 1), "an answer says which ping it answers"
    subject.now += 0.285
    effects = subject.fire(ProbeStep)
    asked = [other.node_id for other in others if only(other.hears(effects), PingRequest)]
    assert len(asked) == 4
    assert peer.node_id not in asked


def test_two_nacks_start_a_suspicion_that_names_the_witnesses() -> None:
    subject, others = settled(5)
    peer, ping = begin_probe(subject, others)
    helpers = ask_helpers(subject, others)
    for other in others:
        if other.node_id in helpers:
            subject.hear(other, Nack(ping.sequence))
    subject.now += 0.5
    effects = subject.fire(ProbePeriod)
    [suspected] = events(effects)
    assert isinstance(suspected, MemberSuspected)
    assert suspected.member.node_id == peer.node_id
    [told] = only(peer.hears(effects), Suspect)[:1]
    assert len(told.accusers) == 4 * 4, "no more than are wanted"
    assert subject.membership.health == 0, "all helpers answered: this node is well"


@pytest.mark.scenario(26)
def test_an_ack_through_a_helper_is_as_good() -> None:
    subject, others = settled(5)
    _, ping = begin_probe(subject, others)
    helpers = ask_helpers(subject, others)
    helper = next(other for other in others if other.node_id in helpers)
    subject.hear(helper, Ack(ping.sequence, bytes(8)))
    subject.now += 0.5
    assert events(subject.fire(ProbePeriod)) == []


def test_acks_and_nacks_of_others_do_not_count() -> None:
    subject, others = settled(5)
    peer, ping = begin_probe(subject, others)
    bystander = next(other for other in others if other is not peer)
    subject.hear(bystander, Ack(ping.sequence, bytes(8)), Nack(ping.sequence))
    subject.hear(peer, Ack(ping.sequence + 1000, bytes(8)))
    assert len(ask_helpers(subject, others)) == 4


def test_silence_of_all_is_blamed_on_this_node() -> None:
    subject, others = settled(5)
    begin_probe(subject, others)
    ask_helpers(subject, others)
    subject.now += 0.5
    assert events(subject.fire(ProbePeriod)) == []
    assert subject.membership.health == 1
    assert subject.membership.statistics.isolations == 1


def test_after_long_silence_everybody_is_doubted_but_nobody_is_told() -> None:
    subject, others = settled(5)
    begin_probe(subject, others)
    for _ in range(ISOLATION_PATIENCE):
        began_at = subject.now
        ask_helpers(subject, others)
        subject.now = began_at + 1 + subject.membership.health
        effects = subject.fire(ProbePeriod)
    assert [type(event) for event in events(effects)] == [MemberSuspected] * 5
    rounds = sum(isinstance(timer, GossipRound) for timer in subject.timers)
    subject.hear(others[0])
    assert sum(isinstance(timer, GossipRound) for timer in subject.timers) == rounds


def test_a_probe_that_is_judged_much_too_late_accuses_nobody() -> None:
    subject, others = settled(2)
    begin_probe(subject, others)
    ask_helpers(subject, others)
    subject.now += 30
    assert events(subject.fire(ProbePeriod)) == []
    assert subject.membership.statistics.probes_voided == 1


@pytest.mark.scenario(31)
def test_a_ping_for_somebody_else_is_not_answered() -> None:
    subject, (peer,) = settled(1)
    assert only(peer.hears(subject.hear(peer, Ping(1, b"else", bytes(8)))), Ack) == []
    assert subject.membership.statistics.dropped[Drop.MISDIRECTED] == 1


# ---- probing for others


@pytest.mark.scenario(28)
def test_a_helper_passes_the_ack_on_once_under_the_number_of_the_request() -> None:
    subject, (asking, target) = settled(2)
    [ping] = only(target.hears(subject.hear(asking, PingRequest(55, target.key))), Ping)
    [ack] = only(asking.hears(subject.hear(target, Ack(ping.sequence, bytes(8)))), Ack)
    assert ack.sequence == 55
    assert asking.hears(subject.hear(target, Ack(ping.sequence, bytes(8)))) == []
    assert asking.hears(subject.fire(RelayStep)) == [], "no nack after an ack"


@pytest.mark.scenario(28)
def test_a_helper_pings_twice_and_then_says_that_it_could_not() -> None:
    subject, (asking, target) = settled(2)
    subject.hear(asking, PingRequest(55, target.key))
    assert only(target.hears(subject.fire(RelayStep)), Ping)
    assert asking.hears(subject.fire(RelayStep)) == [Nack(55)]
    assert asking.hears(subject.fire(RelayStep)) == []


def test_strangers_are_not_helped_nor_probed() -> None:
    subject, (asking,) = settled(1)
    stranger = Peer("stranger", 9)
    subject.hear(stranger, PingRequest(1, asking.key))
    subject.hear(asking, PingRequest(1, stranger.key))
    assert subject.membership.statistics.dropped[Drop.UNKNOWN_MEMBER] == 2


def test_help_is_bounded() -> None:
    subject, (asking, target) = settled(2, Settings(relays_max=2))
    for number in range(5):
        subject.hear(asking, PingRequest(number, target.key))
    assert subject.membership.statistics.dropped[Drop.RELAYS_FULL] == 3


# ---- whom to ask


@pytest.mark.scenario(25)
def test_helpers_are_different_live_members_heard_lately_first() -> None:
    subject, others = settled(40)
    roster = subject.membership._context.roster
    rounds = Rounds(subject.key, roster, random.Random(3))
    roster._newcomers = [peer.key for peer in others]
    for peer in others:
        rounds.hear(peer.key)
    lately = {peer.key for peer in others[-HEARD_LATELY:]}
    for _ in range(50):
        chosen = {member.key for member in rounds.helpers(3, for_target=others[-1].key)}
        assert len(chosen) == 3
        assert chosen <= lately - {others[-1].key}


def test_a_sample_is_of_different_live_members() -> None:
    subject, others = settled(5)
    rounds = subject.membership._parts.rounds
    for count in (1, 3, 5, 9):
        chosen = rounds.sample(count, without=others[0].key)
        assert len({member.key for member in chosen}) == len(chosen) == min(count, 4)
