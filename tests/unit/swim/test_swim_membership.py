"""The hub: commands, bounds, broadcasts, leaving, and tables that are compared."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from caxton_node.devkit.simulator.cluster import Cluster, all_alive_everywhere, name_of
from swim.effects import Notify, Schedule, Send
from swim.errors import BacklogFull, TooLarge
from swim.events import JoinCompleted, LeaveCompleted, TopicReceived
from swim.keyring import Keyring
from swim.member import Identity, MemberState
from swim.membership import Membership
from swim.messages import (
    Ack,
    Alive,
    Buckets,
    Dead,
    Left,
    Listing,
    Page,
    Ping,
    Pull,
    Refute,
    Suspect,
    Topic,
    Want,
)
from swim.settings import Settings
from swim.statistics import Drop
from swim.sync import ENTRY, PAGE_RECORDS
from swim.timers import GossipRound, JoinRetry, KnockRound, LeaveEnd, ProbePeriod
from tests.support.swim_pair import CLUSTER_KEY, Peer, Subject, events, only

ACCUSER = b"acc1"
pytestmark = pytest.mark.story("018")


@pytest.fixture
def subject() -> Subject:
    return Subject()


@pytest.fixture
def bob() -> Peer:
    return Peer("bob", 1)


@pytest.mark.scenario(102)
def test_metadata_has_a_bound(subject: Subject) -> None:
    subject.membership.update_metadata(bytes(65_536), 1.0)
    with pytest.raises(TooLarge, match="65537 bytes"):
        subject.membership.update_metadata(bytes(65_537), 1.0)
    assert subject.membership.self_member.metadata == bytes(65_536)
    identity = Identity("a", ("10.0.0.1", 1), 1, bytes(65_537))
    with pytest.raises(TooLarge):
        Membership(identity, Settings(), Keyring("c", [CLUSTER_KEY]), random.Random(1))


@pytest.mark.scenario(51, 102)
def test_a_broadcast_has_bounds(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    subject.membership.broadcast("t" * 64, bytes(900), 1.0)
    with pytest.raises(TooLarge, match="901 bytes"):
        subject.membership.broadcast("t", bytes(901), 1.0)
    for topic in ("", "t" * 65, "ü" * 33):
        with pytest.raises(TooLarge, match="topic"):
            subject.membership.broadcast(topic, b"", 1.0)


@pytest.mark.scenario(55)
def test_too_many_waiting_broadcasts_are_refused(bob: Peer) -> None:
    subject = Subject(Settings(topics_max=4))
    subject.meet(bob)
    for _ in range(4):
        subject.membership.broadcast("t", b"x", 1.0)
    with pytest.raises(BacklogFull, match="4 broadcasts"):
        subject.membership.broadcast("t", b"x", 1.0)
    subject.fire(GossipRound)
    subject.membership.broadcast("t", b"x", 1.0)
    assert subject.membership.statistics.dropped[Drop.TOPICS_FULL] == 1, "the most told one made room"


def test_a_broadcast_is_delivered_once_and_passed_on(subject: Subject, bob: Peer) -> None:
    carol = Peer("carol", 2)
    subject.meet(bob, carol)
    message = Topic(bob.key, 1, 1, "prices", b"42")
    assert events(subject.hear(bob, message)) == [TopicReceived("bob", "prices", b"42")]
    assert events(subject.hear(carol, message)) == []
    heard = [only(peer.hears(subject.fire(GossipRound)), Topic) for peer in (bob, carol)]
    assert any(message in part for part in heard)


def test_a_broadcast_of_an_earlier_life_or_of_a_stranger_is_not_delivered(
    subject: Subject, bob: Peer
) -> None:
    subject.meet(bob)
    subject.hear(bob, Topic(bob.key, 1, 1, "t", b""))
    assert events(subject.hear(bob, Topic(bob.key, 0, 2, "t", b""))) == []
    assert events(subject.hear(bob, Topic(Peer("x", 9).key, 1, 1, "t", b""))) == []
    assert events(subject.hear(bob, Topic(subject.key, 5, 1, "t", b""))) == [], "its own came back"


@pytest.mark.scenario(108)
def test_the_snapshot_has_everybody_but_those_who_left(subject: Subject) -> None:
    alive, dead, left = (Peer(name, number) for number, name in enumerate(["alive", "dead", "left"], 1))
    subject.meet(alive, dead, left)
    subject.hear(alive, Dead(dead.key, 1, 0, ACCUSER), Left(left.key, 1, 0))
    assert subject.membership.snapshot() == [("alive", alive.address, 1), ("dead", dead.address, 1)]
    assert [member.node_id for member in subject.membership.members()] == ["alive", "dead", "left", "subject"]


@pytest.mark.scenario(78, 79)
def test_a_leaver_tells_everybody_answers_for_a_while_and_then_is_silent(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    effects = subject.membership.leave(subject.now)
    assert only(bob.hears(effects), Left)[:1] == [Left(subject.key, 5, 0)]
    subject.timers += [effect.timer for effect in effects if isinstance(effect, Schedule)]
    assert subject.membership.leave(subject.now) == [], "twice is once"
    ping = Ping(9, subject.key[:4], bytes(8))
    assert only(bob.hears(subject.hear(bob, ping)), Ack)
    subject.hear(bob, Dead(subject.key, 5, 0, ACCUSER))
    assert subject.membership.self_member.state is MemberState.LEFT
    assert subject.membership.self_member.incarnation == 0
    assert events(subject.fire(LeaveEnd)) == [LeaveCompleted()]
    assert subject.hear(bob, ping) == []
    assert subject.membership.statistics.dropped[Drop.DEPARTED] == 1
    assert subject.fire(ProbePeriod) == []


@pytest.mark.scenario(79)
def test_leaving_alone_is_done_at_once(subject: Subject) -> None:
    [scheduled] = subject.membership.leave(subject.now)
    assert scheduled == Schedule(LeaveEnd(), 0.0)


@pytest.mark.scenario(79)
def test_nothing_follows_a_leave(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    subject.membership.leave(subject.now)
    for effects in (
        subject.membership.update_metadata(b"x", subject.now),
        subject.membership.broadcast("t", b"x", subject.now),
        subject.membership.join([bob.address], subject.now),
    ):
        assert not any(isinstance(effect, Send | Notify) for effect in effects)


@pytest.mark.scenario(76)
def test_own_datagrams_and_oversize_ones_are_dropped(subject: Subject) -> None:
    itself = Peer("subject", 100, epoch=5)
    assert subject.hear(itself) == []
    assert subject.membership.handle_datagram(bytes(1353), ("10.0.0.9", 1), 1.0) == []
    assert subject.membership.statistics.dropped[Drop.OWN] == 1
    assert subject.membership.statistics.dropped[Drop.OVERSIZE] == 1


def test_traffic_is_counted(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    effects = subject.hear(bob, Ping(1, subject.key[:4], bytes(8)))
    sent = [effect.datagram for effect in effects if isinstance(effect, Send)]
    assert subject.membership.statistics.datagrams_in == 2
    assert subject.membership.statistics.datagrams_out == len(sent)
    assert subject.membership.statistics.bytes_out == sum(map(len, sent))


# ---- tables


@pytest.mark.scenario(65)
def test_a_join_pulls_page_after_page(subject: Subject, bob: Peer) -> None:
    effects = subject.membership.join([bob.address, subject.membership.self_member.address], subject.now)
    assert only(bob.hears(effects), Pull) == [Pull(b"")]
    assert only(bob.hears(effects), Alive)[0].node_id == "subject"
    half = b"\x80" + bytes(7)
    effects = subject.hear(bob, bob.record(), Page(half))
    assert only(bob.hears(effects), Pull) == [Pull(half)]
    assert subject.hear(bob, Page(half)) == [], "a repeated page asks for nothing"
    [completed] = events(subject.hear(bob, Page(b"")))
    assert completed == JoinCompleted(2)
    assert bob.hears(subject.fire(JoinRetry)) == []


@pytest.mark.scenario(65)
def test_a_seed_gives_its_table_in_pages(subject: Subject, bob: Peer) -> None:
    peers = [Peer(f"peer-{number}", number) for number in range(2, 102)]
    subject.meet(bob, *peers)
    received: set[str] = set()
    after, pages = b"", 0
    while True:
        heard = bob.hears(subject.hear(bob, Pull(after)))
        received |= {alive.node_id for alive in only(heard, Alive)}
        [page] = only(heard, Page)
        pages += 1
        if not page.next:
            break
        after = page.next
    assert received == {member.node_id for member in subject.membership.members()}
    assert pages == -(-102 // PAGE_RECORDS)


@pytest.mark.scenario(64)
def test_a_difference_that_lasts_is_looked_into_less_and_less_often(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    asked = []
    for _ in range(400):
        subject.now += 0.25
        if only(bob.hears(subject.hear(bob, Ping(1, subject.key[:4], b"other..."))), Buckets):
            asked.append(subject.now)
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[:4] == [2, 4, 8, 10], "bob may hold somebody who is refused here"
    assert set(pauses[4:]) == {10}


@pytest.mark.scenario(64)
def test_equal_digests_end_it(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    for number in range(40):
        subject.now += 0.25
        digest = subject.membership.digest if number % 4 == 0 else b"other..."
        heard = bob.hears(subject.hear(bob, Ping(1, subject.key[:4], digest)))
        if subject.now < 109:
            assert only(heard, Buckets) == []


@pytest.mark.scenario(60)
def test_slices_that_differ_are_listed_and_settled(subject: Subject, bob: Peer) -> None:
    carol = Peer("carol", 2)
    subject.meet(bob, carol)
    listings = only(bob.hears(subject.hear(bob, Buckets(bytes(256)))), Listing)
    listed = {entry[0] for listing in listings for entry in ENTRY.iter_unpack(listing.entries)}
    assert listed == {subject.key, bob.key, carol.key}
    mine = ENTRY.pack(bob.key, 1, 0, 0) + ENTRY.pack(Peer("dave", 3).key, 1, 0, 0)
    heard = bob.hears(subject.hear(bob, Listing(bytes(8), b"\xff" * 8, mine)))
    assert {alive.node_id for alive in only(heard, Alive)} >= {"subject", "carol"}
    assert only(heard, Want) == [Want(Peer("dave", 3).key)]


def test_what_is_wanted_is_given(subject: Subject, bob: Peer) -> None:
    subject.meet(bob)
    for _ in range(12):
        subject.fire(GossipRound)
    heard = bob.hears(subject.hear(bob, Want(subject.key + Peer("x", 9).key)))
    assert [alive.node_id for alive in only(heard, Alive)] == ["subject"]


@pytest.mark.scenario(50)
def test_no_datagram_is_larger_than_the_bound() -> None:
    settings = replace(Settings.lan(), datagram_bytes_max=1280, payload_bytes_max=800)
    subject = Subject(settings)
    peers = [Peer(f"peer-{number}", number) for number in range(1, 200)]
    sent: list[Send] = []
    for peer in peers:
        sent += [
            effect
            for effect in subject.hear(peer, peer.record(metadata=bytes(128)), Pull(b""))
            if isinstance(effect, Send)
        ]
    for number in range(20):
        subject.membership.broadcast("topic", bytes(number * 40), subject.now)
    for _ in range(30):
        sent += [effect for effect in subject.fire(GossipRound) if isinstance(effect, Send)]
    assert len(sent) > 200
    assert max(len(effect.datagram) for effect in sent) + 48 <= 1280


# ---- large metadata, lives that were never introduced, and the end


def test_large_metadata_is_there_again_after_a_restart_a_leave_and_a_death() -> None:
    cluster = Cluster(1)
    cluster.form(4)
    large = bytes(range(256)) * 12
    cluster.update_metadata(name_of(1), large)

    def is_complete() -> bool:
        return all(node.find(name_of(1)).metadata == large for node in cluster.nodes.values())

    cluster.network.run_until(is_complete, within_s=10)
    for go in (cluster.kill, cluster.leave):
        go(name_of(1))
        cluster.network.run_for(3)
        cluster.add(name_of(1), [cluster.address(name_of(0))], metadata=large)
        cluster.network.run_until(is_complete, within_s=10)
    cluster.network.freeze(cluster.address(name_of(1)), 20)
    cluster.network.run_until(lambda: not cluster.nodes[name_of(0)].find(name_of(1)).is_live, within_s=20)
    cluster.network.run_until(lambda: all_alive_everywhere(cluster) and is_complete(), within_s=30)


@pytest.mark.parametrize("claim", [Suspect, Dead, Refute])
def test_a_life_that_was_never_introduced_is_not_believed_alive(
    claim: type[Suspect | Dead | Refute],
) -> None:
    subject = Subject()
    peers = [Peer(f"peer-{number}", number) for number in range(1, 9)]
    subject.meet(*peers)
    reborn, teller = peers[0], peers[1]
    subject.hear(teller, Left(reborn.key, 2, 0))
    who = (reborn.key, 2, 1)
    subject.now += 2
    effects = subject.hear(teller, Refute(*who) if claim is Refute else claim(*who, ACCUSER))
    member = subject.membership.find("peer-1")
    assert member is not None
    assert not member.is_live
    assert only(teller.hears(effects), Want) == [Want(reborn.key)]
    subject.hear(teller, Buckets(bytes(256)))


def test_a_leaver_looks_after_nobody_even_if_all_others_leave_too() -> None:
    subject, bob, carol = Subject(), Peer("bob", 1), Peer("carol", 2)
    subject.meet(bob, carol)
    subject._note(subject.membership.join([bob.address], subject.now))
    subject.hear(bob, Dead(carol.key, 1, 0, ACCUSER))
    subject._note(subject.membership.leave(subject.now))
    subject.hear(bob, Left(bob.key, 1, 0))
    for kind in (KnockRound, ProbePeriod, JoinRetry):
        assert bob.hears(subject.fire(kind)) == []
    assert subject.membership.protocol_version == 1
