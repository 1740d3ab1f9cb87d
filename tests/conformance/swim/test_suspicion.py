"""Group D: how long a suspect may refute, and that an end comes to the right suspicion only."""

from __future__ import annotations

import pytest

from swim.effects import Effect, Schedule
from swim.events import Event, LeaveCompleted, MemberDied, MemberEvent, MemberJoined, MemberLeft
from swim.member import MemberState
from swim.messages import Claim, Left, Refute, Suspect
from swim.settings import Settings
from swim.suspicion import bounds
from swim.timers import LeaveEnd, SuspicionExpiry
from tests.conformance.swim.scenes import ACCUSER, OTHERS, end_suspicion, settled
from tests.support.swim_pair import Peer, events

pytestmark = pytest.mark.story("018")

SHORTEST_S, LONGEST_S = 3.0, 15.0
"""In a cluster of up to ten at the default pace."""


def moves_the_end(effects: list[Effect]) -> bool:
    """Tell whether a new end of a suspicion was set."""
    return any(
        isinstance(effect, Schedule) and isinstance(effect.timer, SuspicionExpiry) for effect in effects
    )


def ids(reported: list[Event]) -> list[tuple[str, type]]:
    """Return whom member events are about, and their kinds."""
    return [(event.member.node_id, type(event)) for event in reported if isinstance(event, MemberEvent)]


@pytest.mark.scenario(41)
@pytest.mark.parametrize(("confirmations", "lasts_s"), [(0, 15.0), (1, 9.0), (2, 5.490), (3, 3.0), (4, 3.0)])
def test_confirmations_shorten_a_suspicion_of_a_member(confirmations: int, lasts_s: float) -> None:
    subject, (bob, carol, *_) = settled(8)
    accusers = b"".join([ACCUSER, *OTHERS][: 1 + confirmations])
    lasted_s, ended = end_suspicion(subject, subject.hear(carol, Suspect(bob.key, 1, 0, accusers)))
    assert lasted_s == pytest.approx(lasts_s, abs=0.001)
    assert ids(ended) == [("peer-1", MemberDied)]


@pytest.mark.scenario(42)
def test_neither_who_began_a_suspicion_nor_who_confirmed_it_can_confirm_it_again() -> None:
    subject, (bob, carol, *_) = settled(8)
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    assert not moves_the_end(subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER)))
    confirmed = subject.hear(carol, Suspect(bob.key, 1, 0, OTHERS[0]))
    assert not moves_the_end(subject.hear(carol, Suspect(bob.key, 1, 0, OTHERS[0] + ACCUSER)))
    lasted_s, _ = end_suspicion(subject, confirmed)
    assert lasted_s == pytest.approx(9.0, abs=0.001)


@pytest.mark.scenario(43)
def test_a_confirmation_after_the_shorter_time_is_over_leaves_only_the_last_chance() -> None:
    """Memberlist buries at once; here the suspect is asked a last time, as before any death."""
    subject, (bob, carol, *_) = settled(8)
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    subject.now += 12.0
    confirmed = subject.hear(carol, Suspect(bob.key, 1, 0, b"".join(OTHERS[:3])))
    lasted_s, ended = end_suspicion(subject, confirmed)
    assert lasted_s == pytest.approx(subject.settings.last_chance_s, abs=0.001)
    assert ids(ended) == [("peer-1", MemberDied)]


@pytest.mark.scenario(43, 44)
@pytest.mark.parametrize(
    ("live", "lasts_s"),
    [(2, SHORTEST_S), (3, SHORTEST_S), (4, SHORTEST_S), (5, LONGEST_S), (6, LONGEST_S)],
)
def test_confirmations_are_waited_for_once_three_others_could_give_them(live: int, lasts_s: float) -> None:
    subject, others = settled(live - 1)
    accused = subject.hear(others[-1], Suspect(others[0].key, 1, 0, ACCUSER))
    lasted_s, ended = end_suspicion(subject, accused)
    assert lasted_s == pytest.approx(lasts_s, abs=0.001)
    assert ids(ended) == [("peer-1", MemberDied)]


@pytest.mark.scenario(45)
@pytest.mark.parametrize(
    ("live", "factor"), [(2, 1.0), (5, 1.0), (10, 1.0), (50, 1.699), (100, 2.0), (1000, 3.0)]
)
def test_the_shortest_suspicion_grows_with_the_logarithm_of_the_cluster(live: int, factor: float) -> None:
    settings = Settings.lan()
    unit_s = settings.suspicion_multiplier * settings.probe_interval_s
    assert bounds(settings, live)[0] / unit_s == pytest.approx(factor, abs=0.001)


@pytest.mark.scenario(46)
def test_the_end_of_a_refuted_suspicion_does_not_come_to_the_next_one() -> None:
    subject, (bob, carol, *_) = settled(3)
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    stale = [timer for timer in subject.timers if isinstance(timer, SuspicionExpiry)]
    subject.now += 2.0
    subject.hear(carol, Refute(bob.key, 1, 1))
    subject.hear(carol, Suspect(bob.key, 1, 1, ACCUSER))
    subject.now += 1.5
    for timer in stale:
        assert subject.membership.handle_timer(timer, subject.now) == []
    member = subject.membership.find("peer-1")
    assert member is not None
    assert member.state is MemberState.SUSPECT


@pytest.mark.scenario(46)
def test_each_suspicion_has_its_whole_time() -> None:
    """Longer, in fact: who has refuted lately is given as much again (flap damping)."""
    subject, (bob, carol, *_) = settled(3)
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    subject.now += 2.0
    subject.hear(carol, Refute(bob.key, 1, 1))
    lasted_s, _ = end_suspicion(subject, subject.hear(carol, Suspect(bob.key, 1, 1, ACCUSER)))
    assert lasted_s == pytest.approx(2 * SHORTEST_S, abs=0.01)


@pytest.mark.scenario(47)
def test_a_suspect_that_leaves_does_not_die() -> None:
    subject, (bob, carol, *_) = settled(8)
    accused = subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    assert ids(events(subject.hear(bob, Left(bob.key, 1, 0)))) == [("peer-1", MemberLeft)]
    assert end_suspicion(subject, accused)[1] == []
    member = subject.membership.find("peer-1")
    assert member is not None
    assert member.state is MemberState.LEFT


@pytest.mark.scenario(47)
def test_a_suspect_that_restarts_is_suspected_no_longer() -> None:
    subject, (bob, carol, *_) = settled(8)
    accused = subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    again = Peer("peer-1", 1, epoch=2)
    reported = ids(events(subject.hear(again, again.record())))
    assert reported == [("peer-1", MemberDied), ("peer-1", MemberJoined)], "the former life is over"
    assert end_suspicion(subject, accused)[1] == []
    member = subject.membership.find("peer-1")
    assert member is not None
    assert (member.state, member.epoch) == (MemberState.ALIVE, 2)


@pytest.mark.scenario(47)
def test_a_leaver_buries_nobody() -> None:
    subject, (bob, carol, *_) = settled(8)
    accused = subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    subject._note(subject.membership.leave(subject.now))
    assert events(subject.fire(LeaveEnd)) == [LeaveCompleted()]
    assert end_suspicion(subject, accused)[1] == []


@pytest.mark.scenario(47)
def test_a_newer_accusation_begins_the_suspicion_anew() -> None:
    subject, (bob, carol, *_) = settled(8)
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER + b"".join(OTHERS[:3])))
    claim: Claim = Suspect(bob.key, 1, 4, ACCUSER)
    subject.now += 1.0
    lasted_s, ended = end_suspicion(subject, subject.hear(carol, claim))
    assert lasted_s == pytest.approx(LONGEST_S, abs=0.001)
    assert ids(ended) == [("peer-1", MemberDied)]
