"""Group B: who is probed, who is asked to help, and what counts as an answer."""

from __future__ import annotations

import pytest

from swim.codec import encode_message, encode_packet
from swim.errors import InvalidSettings
from swim.events import MemberDied, MemberJoined
from swim.keyring import Keyring
from swim.messages import Ack, Claim, Dead, Left, Nack, Ping, PingRequest, Refute, Suspect
from swim.settings import Settings
from swim.timers import ProbePeriod
from tests.conformance.swim.scenes import (
    ACCUSER,
    ROUNDING_S,
    WITNESSES,
    Stage,
    answer_probe,
    ask_helpers,
    begin_probe,
    settled,
    suspects,
    targets,
)
from tests.support.swim_pair import Peer, events, only

pytestmark = pytest.mark.story("018")


def refused_probe(stage: Stage, others: list[Peer]) -> tuple[Peer, Ping, list[Peer]]:
    """Begin a probe that all helpers say no to; return the target, the ping and the helpers."""
    target, ping = begin_probe(stage, others)
    helpers = ask_helpers(stage, others)
    for helper in helpers:
        stage.hear(helper, Nack(ping.sequence))
    return target, ping, helpers


@pytest.mark.scenario(22)
def test_there_is_one_probe_in_each_interval_and_each_has_the_next_number() -> None:
    stage, others = settled(4)
    stage.let_answer(*others)
    effects = stage.run_for(20.0)
    pings = [ping.sequence for peer in others for ping in only(peer.hears(effects), Ping)]
    assert sorted(pings) == list(range(min(pings), min(pings) + 20))
    assert events(effects) == []
    assert stage.membership.health == 0


@pytest.mark.scenario(23)
def test_the_order_changes_from_round_to_round() -> None:
    stage, others = settled(7)
    rounds = [tuple(answer_probe(stage, others).node_id for _ in others) for _ in range(6)]
    assert {tuple(sorted(order)) for order in rounds} == {tuple(sorted(peer.node_id for peer in others))}
    assert len(set(rounds)) == 6


@pytest.mark.scenario(23)
def test_in_a_larger_cluster_every_second_turn_is_that_of_the_neighbour() -> None:
    """So every member has one that probes it often; memberlist leaves that to chance."""
    stage, others = settled(12)
    ring = sorted([stage.key, *(peer.key for peer in others)])
    neighbour = ring[(ring.index(stage.key) + 1) % len(ring)]
    turns = [answer_probe(stage, others) for _ in range(4 * len(others))]
    assert {peer.key for peer in turns[0::2]} == {neighbour}
    by_turns = [peer.node_id for peer in turns[1::2]]
    everybody = sorted(peer.node_id for peer in others)
    assert sorted(by_turns[: len(others)]) == sorted(by_turns[len(others) :]) == everybody


@pytest.mark.scenario(23)
def test_a_newcomer_has_its_turn_at_a_random_place_of_the_round_that_goes_on() -> None:
    places = set()
    for seed in range(12):
        stage, others = settled(6, seed=seed)
        for _ in range(len(others) + 1):  # the first round, and one of the second
            answer_probe(stage, others)
        newcomer = Peer("newcomer", 99)
        stage.meet(newcomer)
        rest = [answer_probe(stage, [*others, newcomer]) for _ in range(6)]
        assert rest.count(newcomer) == 1
        places.add(rest.index(newcomer))
    assert len(places) >= 4


@pytest.mark.scenario(24)
def test_the_dead_and_those_who_left_are_not_probed_but_suspects_are() -> None:
    """The dead are knocked on now and then, but outside the rounds of probes."""
    stage, others = settled(8)
    dead, left, suspect = others[:3]
    stage.hear(others[3], Dead(dead.key, 1, 0, WITNESSES), Left(left.key, 1, 0))
    stage.hear(others[3], Suspect(suspect.key, 1, 0, ACCUSER))
    once = [answer_probe(stage, others).node_id for _ in range(6)]
    assert sorted(once) == [peer.node_id for peer in others[2:]]


@pytest.mark.scenario(25)
def test_helpers_are_different_live_members_and_never_the_target() -> None:
    """Members are told apart by id and not by address: an alias counts once, under the key of its seal."""
    stage, others = settled(9)
    dead, left = others[:2]
    stage.hear(others[2], Dead(dead.key, 1, 0, WITNESSES), Left(left.key, 1, 0))
    for _ in range(10):
        target, ping = begin_probe(stage, others)
        helpers = ask_helpers(stage, others)
        assert len(helpers) >= 4
        assert not {target, dead, left} & set(helpers)
        stage.hear(target, Ack(ping.sequence, stage.membership.digest))


@pytest.mark.scenario(25)
def test_more_helpers_are_asked_where_much_is_lost() -> None:
    stage, others = settled(9)
    asked = []
    for _ in range(8):  # answers do come, but never to the first ping
        target, _ = begin_probe(stage, others)
        effects = stage.run_for(stage.settings.probe_timeout_s + ROUNDING_S)
        asked.append(len(targets(effects, others, PingRequest)))
        last = only(target.hears(effects), Ping)[-1]
        stage.hear(target, Ack(last.sequence, stage.membership.digest))
    assert asked == sorted(asked)
    assert (asked[0], asked[-1]) == (4, 6)


@pytest.mark.scenario(26)
@pytest.mark.parametrize("late_s", [0.0, 0.3, 0.49])
def test_a_late_direct_answer_counts_until_the_probe_is_judged(late_s: float) -> None:
    stage, others = settled(6)
    target, ping, _ = refused_probe(stage, others)
    stage.run_for(late_s)
    stage.hear(target, Ack(ping.sequence, stage.membership.digest))
    assert events(stage.run_until(ProbePeriod)) == []
    assert stage.membership.health == 0


@pytest.mark.scenario(27)
def test_an_answer_of_somebody_who_was_not_asked_does_not_count() -> None:
    stage, others = settled(8)
    target, ping, helpers = refused_probe(stage, others)
    forger = next(peer for peer in others if peer is not target and peer not in helpers)
    stage.hear(forger, Ack(ping.sequence, stage.membership.digest))
    stage.run_until(ProbePeriod)
    assert suspects(stage) == [target.node_id]


@pytest.mark.scenario(27)
def test_an_answer_through_a_helper_to_an_earlier_probe_does_not_count() -> None:
    stage, others = settled(6)
    target, old = begin_probe(stage, others)
    helpers = ask_helpers(stage, others)
    stage.hear(helpers[0], Nack(old.sequence))
    same, new = begin_probe(stage, others)
    assert same is target, "one witness is not enough: it is probed again"
    again = ask_helpers(stage, others)
    stage.hear(again[0], Ack(old.sequence, stage.membership.digest))
    for helper in again:
        stage.hear(helper, Nack(new.sequence))
    stage.run_until(ProbePeriod)
    assert suspects(stage) == [target.node_id]


@pytest.mark.scenario(27)
def test_it_is_the_seal_that_says_who_answers_and_not_the_address() -> None:
    """Memberlist compares addresses; here a forged seal does not open, and a changed route is no forgery."""
    stage, others = settled(6)
    target, ping = begin_probe(stage, others)
    forged = encode_packet(0, [encode_message(Ack(ping.sequence, bytes(8)))])
    datagram = Keyring("test", [bytes(32)]).seal(target.key, 1, forged)
    assert stage.membership.handle_datagram(datagram, target.address, stage.now) == []
    helpers = ask_helpers(stage, others)
    assert len(helpers) == 4, "there is no answer yet"
    for helper in helpers:
        stage.hear(helper, Nack(ping.sequence))
    target.address = ("192.0.2.7", 4)
    stage.hear(target, Ack(ping.sequence, stage.membership.digest))
    stage.run_until(ProbePeriod)
    assert suspects(stage) == []


@pytest.mark.scenario(29)
def test_a_helper_that_says_no_ten_times_counts_once() -> None:
    stage, others = settled(6)
    _, ping = begin_probe(stage, others)
    helper = ask_helpers(stage, others)[0]
    for _ in range(10):
        stage.hear(helper, Nack(ping.sequence))
    stage.run_until(ProbePeriod)
    assert suspects(stage) == [], "one witness is not enough the first time"
    assert stage.membership.health == 2, "the other three are missed, and two points is the most"


@pytest.mark.scenario(29)
def test_nacks_that_nobody_asked_for_or_that_come_late_do_not_count() -> None:
    stage, others = settled(8)
    target, ping = begin_probe(stage, others)
    helpers = ask_helpers(stage, others)
    for peer in others:
        if peer not in helpers and peer is not target:
            stage.hear(peer, Nack(ping.sequence))
    stage.hear(helpers[0], Nack(ping.sequence + 1))
    stage.run_until(ProbePeriod)
    assert stage.membership.health == 2, "the helpers are missed, and two points is the most"
    for helper in helpers:
        stage.hear(helper, Nack(ping.sequence))
    assert stage.membership.health == 2
    assert suspects(stage) == []


@pytest.mark.scenario(33)
def test_a_target_that_refuted_meanwhile_is_not_accused() -> None:
    stage, others = settled(8)
    target, _, helpers = refused_probe(stage, others)
    stage.hear(helpers[0], Refute(target.key, 1, 3))
    assert events(stage.run_until(ProbePeriod)) == []
    assert suspects(stage) == []


@pytest.mark.scenario(33, 36)
@pytest.mark.parametrize("moves", [True, False])
def test_a_target_that_came_back_in_a_new_life_meanwhile_is_not_accused(moves: bool) -> None:
    """Somebody else tells of the restart, at another address or the same; the target is not heard itself."""
    stage, others = settled(8)
    target, _, helpers = refused_probe(stage, others)
    again = Peer(target.node_id, 50, epoch=2)
    if not moves:
        again.address = target.address
    reported = events(stage.hear(helpers[0], again.record()))
    assert [type(event) for event in reported] == [MemberDied, MemberJoined]
    assert events(stage.run_until(ProbePeriod)) == []
    assert suspects(stage) == []


@pytest.mark.scenario(33)
def test_a_target_that_is_at_another_address_meanwhile_is_not_accused() -> None:
    stage, others = settled(8)
    target, _, helpers = refused_probe(stage, others)
    stage.hear(helpers[0], target.record(revision=1)._replace(host="10.0.7.7"))
    stage.run_until(ProbePeriod)
    assert suspects(stage) == []


@pytest.mark.scenario(33)
@pytest.mark.parametrize("is_left", [True, False])
def test_a_target_that_died_or_left_meanwhile_is_not_accused(is_left: bool) -> None:
    stage, others = settled(8)
    target, _, helpers = refused_probe(stage, others)
    claim: Claim = Left(target.key, 1, 0) if is_left else Dead(target.key, 1, 0, WITNESSES)
    stage.hear(helpers[0], claim)
    assert events(stage.run_until(ProbePeriod)) == []
    assert suspects(stage) == []


@pytest.mark.scenario(36)
def test_a_target_that_restarts_during_its_probe_and_speaks_is_not_suspected() -> None:
    stage, others = settled(6)
    target, _, _ = refused_probe(stage, others)
    again = Peer(target.node_id, 50, epoch=2)
    again.address = target.address
    stage.hear(again, again.record())
    assert events(stage.run_until(ProbePeriod)) == []
    assert suspects(stage) == []


@pytest.mark.scenario(35)
def test_a_probe_timeout_above_the_probe_interval_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="probe_timeout_s"):
        Settings(probe_interval_s=1.0, probe_timeout_s=1.5)
