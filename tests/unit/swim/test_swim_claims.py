"""What a membership does with claims: scenarios of the record rules, each with its message and its effect."""

from __future__ import annotations

import pytest

from swim.effects import Schedule
from swim.events import (
    IdentityClaimed,
    MemberDied,
    MemberJoined,
    MemberLeft,
    MemberRefuted,
    MemberSuspected,
    MemberUpdated,
)
from swim.member import MemberState
from swim.messages import Ack, Alive, Claim, Dead, Left, Ping, Refute, Suspect, Want
from swim.settings import Settings
from swim.statistics import Drop
from swim.timers import SuspicionExpiry
from tests.support.swim_pair import Peer, Subject, events, only

pytestmark = pytest.mark.story("018")

ACCUSER = b"acc1"


@pytest.fixture
def subject() -> Subject:
    return Subject()


@pytest.fixture
def bob() -> Peer:
    return Peer("bob", 1)


@pytest.fixture
def carol() -> Peer:
    return Peer("carol", 2)


def state_of(subject: Subject, node_id: str) -> MemberState:
    member = subject.membership.find(node_id)
    assert member is not None
    return member.state


@pytest.mark.scenario(1, 2)
def test_an_introduction_makes_a_member_once(subject: Subject, bob: Peer) -> None:
    [joined] = events(subject.hear(bob, bob.record(metadata=b"m")))
    assert isinstance(joined, MemberJoined)
    assert (joined.member.node_id, joined.member.address, joined.member.metadata) == (
        "bob",
        bob.address,
        b"m",
    )
    assert events(subject.hear(bob, bob.record(metadata=b"m"))) == []


@pytest.mark.scenario(3)
def test_a_higher_revision_is_an_update_and_a_lower_one_is_old_news(subject: Subject, bob: Peer) -> None:
    subject.hear(bob, bob.record(revision=3, metadata=b"3"))
    [updated] = events(subject.hear(bob, bob.record(revision=4, metadata=b"4")))
    assert isinstance(updated, MemberUpdated)
    assert events(subject.hear(bob, bob.record(revision=2, metadata=b"2"))) == []
    bob_now = subject.membership.find("bob")
    assert bob_now is not None
    assert bob_now.metadata == b"4"


@pytest.mark.scenario(8, 20)
def test_whoever_was_never_introduced_can_be_neither_suspected_nor_buried(
    subject: Subject, bob: Peer
) -> None:
    subject.meet(bob)
    stranger = Peer("stranger", 9)
    for claim in (
        Suspect(stranger.key, 1, 0, ACCUSER),
        Dead(stranger.key, 1, 0, ACCUSER),
        Left(stranger.key, 1, 0),
    ):
        assert events(subject.hear(bob, claim)) == []
    assert subject.membership.find("stranger") is None


def test_a_suspicion_is_reported_and_refuted_by_a_higher_incarnation(
    subject: Subject, bob: Peer, carol: Peer
) -> None:
    subject.meet(bob, carol)
    [suspected] = events(subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER)))
    assert isinstance(suspected, MemberSuspected)
    assert events(subject.hear(carol, Refute(bob.key, 1, 0))) == [], "the same incarnation does not refute"
    [refuted] = events(subject.hear(carol, Refute(bob.key, 1, 1)))
    assert isinstance(refuted, MemberRefuted)
    assert state_of(subject, "bob") is MemberState.ALIVE


def test_any_packet_with_a_higher_incarnation_is_a_refutation(
    subject: Subject, bob: Peer, carol: Peer
) -> None:
    subject.meet(bob, carol)
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    bob.incarnation = 1
    assert isinstance(events(subject.hear(bob))[0], MemberRefuted)


def test_a_suspect_that_speaks_without_refuting_is_told_of_the_accusation(
    subject: Subject, bob: Peer, carol: Peer
) -> None:
    subject.meet(bob, carol)
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    told = only(bob.hears(subject.hear(bob, Ping(1, subject.key[:4], bytes(8)))), Suspect)
    assert told
    assert (told[-1].key, told[-1].incarnation) == (bob.key, 0)


def test_a_suspect_is_warned_and_then_dies_unless_it_refutes(
    subject: Subject, bob: Peer, carol: Peer
) -> None:
    subject.meet(bob, carol)
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    subject.now += 3.0
    assert only(bob.hears(subject.fire(SuspicionExpiry)), Suspect)
    assert state_of(subject, "bob") is MemberState.SUSPECT
    subject.now += 1.0
    [died] = events(subject.fire(SuspicionExpiry))
    assert isinstance(died, MemberDied)
    assert events(subject.fire(SuspicionExpiry)) == [], "the timer is stale now"


@pytest.mark.parametrize("started_at", [100.0, 100.1, 7.3, 1e5 + 1 / 3, 123_456.789])
def test_a_suspicion_ends_at_its_timers_whatever_rounding_does(
    bob: Peer, carol: Peer, started_at: float
) -> None:
    subject = Subject()
    subject.now = started_at
    subject.meet(bob, carol)
    effects = subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    for _ in range(2):
        [due] = [
            effect
            for effect in effects
            if isinstance(effect, Schedule) and isinstance(effect.timer, SuspicionExpiry)
        ]
        subject.now += due.after_s
        effects = subject.fire(SuspicionExpiry)
    assert state_of(subject, "bob") is MemberState.DEAD


@pytest.mark.scenario(46)
def test_the_timer_of_a_refuted_suspicion_is_stale(subject: Subject, bob: Peer, carol: Peer) -> None:
    subject.meet(bob, carol)
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    stale = subject.timers[-1] if isinstance(subject.timers[-1], SuspicionExpiry) else None
    stale = stale or next(t for t in reversed(subject.timers) if isinstance(t, SuspicionExpiry))
    subject.hear(carol, Refute(bob.key, 1, 1))
    subject.hear(carol, Suspect(bob.key, 1, 1, ACCUSER))
    subject.now += 60
    subject.membership.handle_timer(stale, subject.now)
    assert state_of(subject, "bob") is MemberState.SUSPECT


@pytest.mark.scenario(93)
def test_an_expiry_that_comes_much_too_late_gives_a_last_chance(
    subject: Subject, bob: Peer, carol: Peer
) -> None:
    subject.meet(bob, carol)
    subject.hear(carol, Suspect(bob.key, 1, 0, ACCUSER))
    subject.now += 60
    subject.fire(SuspicionExpiry)
    assert state_of(subject, "bob") is MemberState.SUSPECT
    subject.now += 1
    subject.fire(SuspicionExpiry)
    assert state_of(subject, "bob") is MemberState.DEAD


@pytest.mark.scenario(13)
def test_death_is_final_until_a_higher_incarnation_or_epoch(subject: Subject, bob: Peer, carol: Peer) -> None:
    subject.meet(bob, carol)
    subject.hear(carol, Dead(bob.key, 1, 0, ACCUSER))
    subject.hear(carol, Dead(bob.key, 1, 10, ACCUSER))
    assert events(subject.hear(carol, bob.record(incarnation=2))) == []
    assert state_of(subject, "bob") is MemberState.DEAD
    [joined] = events(subject.hear(carol, bob.record(incarnation=11)))
    assert isinstance(joined, MemberJoined)


@pytest.mark.scenario(107)
def test_a_restart_is_a_death_and_a_join(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    again = Peer("bob", 1, epoch=2)
    died, joined = events(subject.hear(again, again.record()))
    assert isinstance(died, MemberDied)
    assert died.member.epoch == 1
    assert isinstance(joined, MemberJoined)
    assert joined.member.epoch == 2
    subject.hear(bob, bob.record())
    assert subject.membership.statistics.dropped[Drop.STALE_EPOCH] == 1


@pytest.mark.scenario(14)
def test_a_goodbye_is_not_a_death_and_beats_one(subject: Subject, bob: Peer, carol: Peer) -> None:
    subject.meet(bob, carol)
    [left] = events(subject.hear(bob, Left(bob.key, 1, 0)))
    assert isinstance(left, MemberLeft)
    assert events(subject.hear(carol, Dead(bob.key, 1, 0, ACCUSER))) == []
    assert state_of(subject, "bob") is MemberState.LEFT


def test_whoever_believes_the_dead_alive_is_told_to_doubt_it_not_to_bury_it(
    subject: Subject, bob: Peer, carol: Peer
) -> None:
    subject.meet(bob, carol)
    subject.hear(carol, Dead(bob.key, 1, 0, ACCUSER))
    told = carol.hears(subject.hear(carol, bob.record()))
    assert only(told, Suspect)
    assert only(carol.hears(subject.hear(carol, bob.record())), Suspect) == [], "once a second is enough"


def test_whoever_accuses_too_late_is_told_of_the_refutation(subject: Subject, bob: Peer, carol: Peer) -> None:
    subject.meet(carol)
    subject.hear(bob, bob.record(incarnation=4))
    [told] = only(carol.hears(subject.hear(carol, Suspect(bob.key, 1, 2, ACCUSER))), Refute)
    assert told == Refute(bob.key, 1, 4)


def test_whoever_speaks_without_being_known_is_asked_for_its_record(subject: Subject, bob: Peer) -> None:
    [want] = only(bob.hears(subject.hear(bob, Ping(1, subject.key[:4], bytes(8)))), Want)
    assert want.keys == bob.key


@pytest.mark.scenario(101)
def test_the_table_is_bounded() -> None:
    subject = Subject(Settings(members_max=3))
    for number in range(1, 6):
        subject.meet(Peer(f"peer-{number}", number))
    assert len(subject.membership.members()) == 3
    assert subject.membership.statistics.dropped[Drop.TABLE_FULL] >= 3


# ---- claims about the subject itself


@pytest.mark.scenario(15)
@pytest.mark.parametrize("kind", [MemberState.SUSPECT, MemberState.DEAD, MemberState.LEFT])
def test_an_accusation_is_refuted_with_a_higher_incarnation(
    subject: Subject, bob: Peer, kind: MemberState
) -> None:
    subject.meet(bob)
    accusations: dict[MemberState, Claim] = {
        MemberState.SUSPECT: Suspect(subject.key, 5, 0, ACCUSER),
        MemberState.DEAD: Dead(subject.key, 5, 0, ACCUSER),
        MemberState.LEFT: Left(subject.key, 5, 0),
    }
    heard = bob.hears(subject.hear(bob, accusations[kind]))
    assert Refute(subject.key, 5, 1) in heard
    assert subject.membership.self_member.incarnation == 1
    assert subject.membership.health == 1
    assert subject.membership.statistics.refutes == 1


@pytest.mark.scenario(16, 39)
def test_an_old_accusation_is_answered_but_raises_nothing(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    for _ in range(2):
        heard = bob.hears(subject.hear(bob, Suspect(subject.key, 5, 0, ACCUSER)))
    assert Refute(subject.key, 5, 1) in heard
    assert subject.membership.self_member.incarnation == 1
    assert subject.membership.health == 1


@pytest.mark.scenario(18)
def test_a_claim_about_an_earlier_life_is_answered_with_the_record(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    [record] = [
        alive
        for alive in only(bob.hears(subject.hear(bob, Dead(subject.key, 4, 9, ACCUSER))), Alive)
        if alive.node_id == "subject"
    ]
    assert (record.epoch, record.metadata) == (5, b"meta")
    assert subject.membership.self_member.incarnation == 0


@pytest.mark.scenario(75)
def test_a_claim_of_a_later_life_is_reported(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    [claimed] = events(subject.hear(bob, Alive("subject", "10.1.1.1", 1, 6, 0, 0, b"")))
    assert isinstance(claimed, IdentityClaimed)
    assert (claimed.claim.epoch, claimed.claim.address) == (6, ("10.1.1.1", 1))
    assert subject.membership.self_member.epoch == 5


@pytest.mark.scenario(17)
def test_the_largest_incarnation_does_not_wrap(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    reported = events(subject.hear(bob, Suspect(subject.key, 5, 2**31 - 1, ACCUSER)))
    assert [type(event) for event in reported] == [IdentityClaimed]
    assert subject.membership.self_member.incarnation == 0


def test_a_ping_is_answered_to_where_it_came_from(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    bob.address = ("192.0.2.1", 999)
    [ack] = only(bob.hears(subject.hear(bob, Ping(77, subject.key[:4], bytes(8)))), Ack)
    assert ack[:2] == (77, subject.membership.digest)
