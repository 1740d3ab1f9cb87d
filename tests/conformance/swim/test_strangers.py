"""Group J, scenarios 104 to 106: other versions, strangers, and what was heard before."""

from __future__ import annotations

import pytest

from swim.codec import encode_message, encode_packet
from swim.effects import Send
from swim.keyring import Encryption, Keyring
from swim.messages import (
    Ack,
    Dead,
    Left,
    Ping,
    PingRequest,
    Pull,
    Refute,
    Suspect,
    Topic,
)
from swim.statistics import Drop
from tests.conformance.swim.scenes import ACCUSER, settled
from tests.conformance.swim.tables import Meeting, hear
from tests.support.swim_pair import CLUSTER_KEY, Peer, Subject, events, only

pytestmark = pytest.mark.story("018")

KEY = bytes(8)


# ---- versions


@pytest.mark.scenario(104)
@pytest.mark.parametrize(
    ("versions", "admitted"),
    [((1, 1), True), ((0, 1), True), ((1, 9), True), ((0, 0), False), ((2, 2), False), ((2, 9), False)],
)
def test_whoever_shares_a_version_joins_and_nobody_else(versions: tuple[int, int], admitted: bool) -> None:
    meeting = Meeting(versions=versions)
    meeting.join()
    meeting.compare()
    assert ("right" in meeting.left.states()) == admitted
    assert ("left" in meeting.right.states()) == admitted


@pytest.mark.scenario(104)
def test_old_peers_hold_the_version_down_until_they_are_gone() -> None:
    subject, (old, new) = Subject(), (Peer("old", 1), Peer("new", 2))
    subject.hear(new, new.record()._replace(version_min=1, version_max=3))
    subject.hear(old, old.record()._replace(version_min=0, version_max=1))
    assert subject.membership.protocol_version == 1
    subject.hear(old, Left(old.key, 1, 0))
    assert subject.membership.protocol_version == 1, "this node itself speaks no newer one"
    assert only(new.hears(subject.hear(new, Ping(1, subject.key[:4], KEY))), Ack)


@pytest.mark.scenario(104)
def test_a_member_that_is_updated_raises_its_range_by_a_new_record() -> None:
    subject, (bob, _) = settled(2)
    subject.hear(bob, bob.record(revision=1)._replace(version_max=2))
    member = subject.membership.find("peer-1")
    assert member is not None
    assert member.versions == (1, 2)


# ---- strangers


@pytest.mark.scenario(105)
def test_without_the_key_nothing_is_answered_whoever_the_sender_says_to_be() -> None:
    """Not one byte goes out, so no address can be aimed at."""
    subject, (bob, carol) = settled(2)
    request = encode_packet(0, [encode_message(PingRequest(1, carol.key)), encode_message(Pull(b""))])
    for ring in (
        Keyring("test", [bytes(32)]),
        Keyring("other", [CLUSTER_KEY]),
        Keyring("test", [CLUSTER_KEY], encryption=Encryption.OFF),
    ):
        assert hear(subject, ring.seal(bob.key, 1, request)) == 1
    assert hear(subject, request) == 1


@pytest.mark.scenario(105)
def test_whoever_is_no_member_is_not_helped_to_reach_anybody() -> None:
    subject, (bob, _) = settled(2)
    stranger = Peer("stranger", 9)
    effects = subject.hear(stranger, PingRequest(1, bob.key))
    assert bob.hears(effects) == []
    assert subject.membership.statistics.dropped[Drop.UNKNOWN_MEMBER] == 1


@pytest.mark.scenario(105)
@pytest.mark.parametrize("state", ["dead", "left"])
def test_whoever_is_no_member_any_more_is_not_helped_either(state: str) -> None:
    subject, (bob, gone) = settled(2)
    claim = Left(gone.key, 1, 0) if state == "left" else Dead(gone.key, 1, 0, ACCUSER)
    subject.hear(bob, claim)
    assert only(bob.hears(subject.hear(gone, PingRequest(1, bob.key))), Ping) == []


@pytest.mark.scenario(105)
def test_nobody_is_helped_to_reach_who_is_no_member() -> None:
    subject, (bob, _) = settled(2)
    effects = subject.hear(bob, PingRequest(1, Peer("stranger", 9).key))
    assert not [effect for effect in effects if isinstance(effect, Send)]
    assert subject.membership.statistics.dropped[Drop.UNKNOWN_MEMBER] == 1


@pytest.mark.scenario(105)
def test_a_request_names_a_member_and_not_an_address_and_at_most_sixty_four_are_under_way() -> None:
    subject, (bob, carol) = settled(2)
    pings = 0
    for number in range(200):
        effects = subject.hear(bob, PingRequest(number, carol.key))
        addresses = {effect.address for effect in effects if isinstance(effect, Send)}
        assert addresses <= {carol.address}
        pings += len(only(carol.hears(effects), Ping))
    assert pings == subject.settings.relays_max
    assert subject.membership.statistics.dropped[Drop.RELAYS_FULL] == 200 - pings


@pytest.mark.scenario(106)
def test_a_whole_conversation_heard_again_changes_nothing_and_is_not_answered() -> None:
    subject, (bob, carol) = settled(2)
    datagrams = [
        bob.says(bob.record(revision=1, metadata=b"new")),
        bob.says(Ping(1, subject.key[:4], KEY), Pull(b"")),
        carol.says(Suspect(bob.key, 1, 0, ACCUSER)),
        bob.says(Refute(bob.key, 1, 1), Topic(bob.key, 1, 1, "topic", b"once")),
        carol.says(PingRequest(9, bob.key)),
    ]
    reported = []
    for datagram in datagrams:
        reported += events(subject.membership.handle_datagram(datagram, bob.address, subject.now))
    assert len(reported) == 4
    before = subject.membership.members()
    for datagram in (*datagrams, *reversed(datagrams)):
        assert hear(subject, datagram) == 1
    assert subject.membership.statistics.dropped[Drop.REPLAYED] == 10
    assert subject.membership.members() == before
