"""Group E: what is told, to whom, how often, and in which datagrams."""

from __future__ import annotations

import pytest

from swim.effects import Effect, Schedule, Send
from swim.errors import TooLarge
from swim.keyring import Keyring
from swim.member import MemberState
from swim.messages import Ack, Alive, Dead, Left, Message, Nack, Ping, PingRequest, Refute, Suspect, Topic
from swim.settings import Settings
from swim.statistics import Drop
from swim.timers import GossipRound, KnockRound, ProbePeriod, ProbeStep
from tests.conformance.swim.scenes import (
    ACCUSER,
    WITNESSES,
    gossip,
    probed,
    settled,
    tell_all,
)
from tests.support.swim_pair import CLUSTER_KEY, Peer, events, only

pytestmark = pytest.mark.story("018")


def payload_bytes(effects: list[Effect]) -> list[int]:
    """Return the UDP payloads of all datagrams."""
    return [len(effect.datagram) for effect in effects if isinstance(effect, Send)]


@pytest.mark.scenario(48)
@pytest.mark.parametrize(("live", "times"), [(2, 6), (10, 7), (100, 9)])
def test_a_claim_is_told_exactly_so_often(live: int, times: int) -> None:
    """That is ceil(ln(N + 1)) + 4, fewer than memberlist: whoever is missed is found by the digests."""
    subject, others = settled(live - 1)
    subject.hear(others[0], Refute(others[-1].key, 1, 1))
    assert gossip(subject, others).count(Refute(others[-1].key, 1, 1)) == times
    assert not subject.membership.has_rumours


@pytest.mark.scenario(51)
def test_the_largest_record_and_the_largest_broadcast_go_out() -> None:
    settings = Settings(metadata_bytes_max=512, payload_bytes_max=916, topic_bytes_max=64)
    subject, others = settled(2, settings)
    giant = Alive(
        "g" * 63, "fd00:1111:2222:3333:4444:5555:6666:7777", 7946, 2**32 - 1, 2**31 - 1, 2**31 - 1, bytes(512)
    )
    subject.hear(others[0], giant)
    subject._note(subject.membership.broadcast("t" * 64, bytes(916), subject.now))
    effects = tell_all(subject)
    told = [message for peer in others for message in peer.hears(effects)]
    assert giant in told
    assert [topic.payload for topic in only(told, Topic)][:1] == [bytes(916)]
    assert max(payload_bytes(effects)) <= settings.udp_bytes_max


@pytest.mark.scenario(51)
def test_what_is_larger_is_refused_when_it_is_handed_in() -> None:
    subject, _ = settled(2)
    with pytest.raises(TooLarge):
        subject.membership.broadcast("t", bytes(901), subject.now)
    with pytest.raises(TooLarge):
        subject.membership.update_metadata(bytes(65_537), subject.now)
    assert not subject.membership.has_rumours


@pytest.mark.scenario(53)
def test_gossip_goes_to_the_alive_and_to_suspects() -> None:
    """Memberlist also gossips to the recently dead; here they are knocked on: the next test."""
    subject, others = settled(9)
    dead, left, suspect = others[:3]
    claims = (Dead(dead.key, 1, 0, WITNESSES), Left(left.key, 1, 0), Suspect(suspect.key, 1, 0, ACCUSER))
    subject.hear(others[3], *claims)
    told = tell_all(subject)
    addresses = {effect.address for effect in told if isinstance(effect, Send)}
    assert addresses == {peer.address for peer in others[2:]}


@pytest.mark.scenario(53)
def test_the_dead_are_knocked_on_and_told_until_they_are_forgotten() -> None:
    subject, others = settled(2, Settings(dead_memory_s=3600.0))
    dead, carol = others
    subject.hear(carol, Dead(dead.key, 1, 0, ACCUSER))
    tell_all(subject)
    knocked_at = []
    for _ in range(400):
        subject.now += 10.0
        told = dead.hears(subject.fire(KnockRound))
        if told:
            assert only(told, Ping)
            assert only(told, Suspect)[0][:3] == (dead.key, 1, 0), "it hears what to refute"
            knocked_at.append(subject.now - 100.0)
    assert len(knocked_at) > 100, "about every second round: one is dead, two are alive"
    assert max(knocked_at) <= 3600.0 + 10.0
    assert subject.membership.find(dead.node_id) is None


@pytest.mark.scenario(54)
def test_with_nothing_to_tell_there_are_only_probes() -> None:
    stage, others = settled(6)
    stage.let_answer(*others)
    effects = stage.run_for(30.0)
    assert sum(isinstance(effect, Send) for effect in effects) == 30
    heard = [message for peer in others for message in peer.hears(effects)]
    assert [type(message) for message in heard] == [Ping] * 30


@pytest.mark.scenario(55)
def test_a_full_queue_of_broadcasts_forgets_the_oldest_of_those_told_most() -> None:
    """As memberlist's Prune; and a queue in which nothing was told yet refuses its own instead."""
    subject, others = settled(2, Settings(topics_max=4))
    speaker = others[0]
    for numbers in ((1, 2), (3, 4)):
        for number in numbers:
            subject.hear(speaker, Topic(speaker.key, 1, number, "t", b"%d" % number))
        subject.fire(GossipRound)
    for number in (5, 6):
        subject.hear(speaker, Topic(speaker.key, 1, number, "t", b"%d" % number))
    told = only(gossip(subject, others), Topic)
    assert {topic.payload for topic in told} == {b"3", b"4", b"5", b"6"}
    assert subject.membership.statistics.dropped[Drop.TOPICS_FULL] == 2


@pytest.mark.scenario(56)
def test_more_than_255_parts_share_a_datagram() -> None:
    """Memberlist counts parts in one byte and has to split; here the array has no such bound."""
    subject, (bob, carol) = settled(2)
    many: list[Message] = [Nack(number % 100) for number in range(300)]
    assert events(subject.hear(carol, *many, Suspect(bob.key, 1, 0, ACCUSER))), "the last part counts too"
    assert subject.membership.statistics.dropped[Drop.MALFORMED] == 0


@pytest.mark.scenario(56)
@pytest.mark.parametrize("count", [1, 2, 8])
def test_small_broadcasts_share_a_datagram(count: int) -> None:
    subject, others = settled(3)
    for _ in range(count):
        subject._note(subject.membership.broadcast("prices", bytes(30), subject.now))
    effects = subject.fire(GossipRound)
    told = [
        [len(only(peer.hears([each]), Topic)) for each in effects if peer.hears([each])] for peer in others
    ]
    assert told == [[count]] * 3


@pytest.mark.scenario(56)
@pytest.mark.parametrize("cut", [1, 8, 20])
def test_a_cut_datagram_is_dropped_whole(cut: int) -> None:
    """Memberlist applies the parts that are whole; but inside a seal nothing is cut on the way."""
    subject, (bob, carol) = settled(2)
    keyring = Keyring("test", [CLUSTER_KEY])
    sealed = carol.says(Suspect(bob.key, 1, 0, ACCUSER), Refute(carol.key, 1, 1))
    plaintext = Keyring("test", [CLUSTER_KEY]).open(sealed).plaintext
    datagram = keyring.seal(Peer("peer-3", 3).key, 1, plaintext[:-cut])
    assert subject.membership.handle_datagram(datagram, carol.address, subject.now) == []
    assert subject.membership.statistics.dropped[Drop.MALFORMED] == 1
    member = subject.membership.find("peer-1")
    assert member is not None
    assert member.state is MemberState.ALIVE


@pytest.mark.scenario(57)
def test_telling_ends_by_itself_and_news_starts_it_again() -> None:
    stage, others = settled(6)
    stage.let_answer(*others)
    newcomer = Peer("newcomer", 50)
    for news in (Suspect(others[0].key, 1, 0, ACCUSER), Refute(others[0].key, 1, 1), newcomer.record()):
        assert not any(is_gossip(effect) for effect in stage.run_for(5.0)), "it is quiet"
        begun = stage.hear(others[1], news)
        assert any(is_gossip(effect) for effect in begun)
        stage.run_for(5.0)
        assert not stage.membership.has_rumours


def is_gossip(effect: Effect) -> bool:
    return isinstance(effect, Schedule) and isinstance(effect.timer, GossipRound)


@pytest.mark.scenario(58)
def test_every_ping_to_a_suspect_carries_the_accusation() -> None:
    stage, others = settled(6)
    suspect = others[0]
    stage.hear(others[1], Suspect(suspect.key, 1, 0, ACCUSER))
    tell_all(stage)
    effects = stage.run_until(ProbePeriod)
    while (probe := probed(effects, others))[0] is not suspect:
        stage.hear(probe[0], Ack(probe[1].sequence, stage.membership.digest))
        effects = stage.run_until(ProbePeriod)
    effects += stage.run_until(ProbeStep)
    datagrams = [heard for effect in effects if (heard := suspect.hears([effect]))]
    assert [[type(message) for message in datagram] for datagram in datagrams] == [[Ping, Suspect]] * 2
    assert {datagram[1] for datagram in datagrams} == {Suspect(suspect.key, 1, 0, ACCUSER)}


@pytest.mark.scenario(58)
def test_a_ping_on_behalf_of_another_carries_it_too() -> None:
    subject, others = settled(6)
    suspect, asking = others[:2]
    subject.hear(asking, Suspect(suspect.key, 1, 0, ACCUSER))
    tell_all(subject)
    heard = suspect.hears(subject.hear(asking, PingRequest(7, suspect.key)))
    assert only(heard, Ping)
    assert only(heard, Suspect) == [Suspect(suspect.key, 1, 0, ACCUSER)]


@pytest.mark.scenario(58)
def test_it_has_its_place_however_much_waits_to_be_told() -> None:
    """Memberlist may need a second datagram; here no rumour goes to somebody who is perhaps gone."""
    settings = Settings(metadata_bytes_max=512)
    subject, others = settled(6, settings)
    suspect, asking = others[:2]
    subject.hear(asking, Suspect(suspect.key, 1, 0, WITNESSES))
    tell_all(subject)
    for number in range(20, 60):
        newcomer = Peer(f"newcomer-{number}", number)
        subject.hear(asking, newcomer.record(metadata=bytes(512)))
    effects = subject.hear(asking, PingRequest(7, suspect.key))
    heard = suspect.hears(effects)
    assert [type(message) for message in heard] == [Ping, Suspect]
    assert max(payload_bytes(effects)) <= settings.udp_bytes_max
