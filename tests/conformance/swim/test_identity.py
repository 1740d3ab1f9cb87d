"""Group G: who somebody is, where it is, and what becomes of that when it starts again."""

from __future__ import annotations

import pytest

from caxton_node.devkit.simulator.cluster import (
    CLUSTER_ID,
    GROUP_KEY,
    Cluster,
    Node,
    all_alive_everywhere,
    all_views_equal,
    events_alternate,
    name_of,
)
from swim.codec import encode_message, encode_packet
from swim.events import AddressClaimed, IdentityClaimed, MemberDied, MemberJoined, MemberUpdated
from swim.keyring import Keyring
from swim.member import Address, Identity, MemberState, node_key
from swim.messages import Alive, Dead, Left, Page, Ping
from swim.statistics import Drop
from tests.conformance.swim.scenes import WITNESSES, claim_of, settled
from tests.conformance.swim.tables import acquainted, moved
from tests.support.swim_pair import Peer, Subject, events, only

pytestmark = pytest.mark.story("018")

ELSEWHERE: Address = ("10.9.9.9", 7946)
FORMER_INCARNATION = 100


def second_process(cluster: Cluster, node_id: str, *, epoch: int) -> Node:
    """Start another process under an id that is taken, at another address."""
    identity = Identity(node_id, ELSEWHERE, epoch, b"second")
    node = Node(cluster.network, identity, cluster.settings, Keyring(CLUSTER_ID, [GROUP_KEY]))
    node.start([cluster.address(name_of(0))])
    return node


# ---- one id at two addresses


@pytest.mark.scenario(70)
def test_a_second_process_in_one_life_is_reported_and_not_believed(seed: int) -> None:
    """Memberlist calls a hook with both records; here it is an event, and the first record stands.

    Whoever the second introduces itself to reports it; so does the second, which is sent the record.
    """
    cluster = Cluster(seed)
    cluster.form(8)
    first = cluster.nodes[name_of(5)]
    second = second_process(cluster, first.node_id, epoch=first.identity.epoch)
    cluster.network.run_for(20)
    assert second.events(IdentityClaimed)[0].claim.address == first.address
    others = [node for node in cluster.nodes.values() if node is not first]
    told = [event for node in others for event in node.events(AddressClaimed)]
    assert {(event.member.address, event.address) for event in told} == {(first.address, ELSEWHERE)}
    assert {node.find(first.node_id).address for node in others} == {first.address}
    assert all_alive_everywhere(cluster)


@pytest.mark.scenario(71)
@pytest.mark.parametrize("gone", [MemberState.LEFT, MemberState.DEAD])
def test_an_id_may_come_back_at_another_address_as_soon_as_it_is_gone(gone: MemberState) -> None:
    """Memberlist waits for a reclaim time after a death; the higher epoch of each start makes it needless."""
    subject, (bob, carol) = settled(2)
    subject.hear(carol, claim_of(gone, bob, 0))
    again = moved(Peer("peer-1", 1, epoch=2), ELSEWHERE)
    [joined] = events(subject.hear(again, again.record()))
    assert isinstance(joined, MemberJoined)
    assert joined.member.address == ELSEWHERE


@pytest.mark.scenario(71)
@pytest.mark.parametrize("gone", [MemberState.LEFT, MemberState.DEAD])
def test_without_a_new_life_nobody_takes_the_id_of_who_is_gone(gone: MemberState) -> None:
    subject, (bob, carol) = settled(2)
    subject.hear(carol, claim_of(gone, bob, 0))
    thief = moved(bob, ELSEWHERE)
    assert events(subject.hear(thief, thief.record())) == []
    member = subject.membership.find("peer-1")
    assert member is not None
    assert (member.state, member.address) == (gone, bob.address)


# ---- restarts


@pytest.mark.scenario(72)
@pytest.mark.parametrize("away_s", [0.0, 0.5, 4.0, 30.0])
def test_a_restart_is_seen_by_all_within_three_seconds_however_long_it_took(seed: int, away_s: float) -> None:
    """Incarnations start at 0 again, below those of the former life; the epoch decides."""
    cluster = Cluster(seed, sealed=False)
    cluster.form(24)
    cluster.network.run_for(3)
    raise_incarnation(cluster, name_of(5))
    cluster.kill(name_of(5))
    cluster.network.run_for(away_s)
    again = cluster.add(name_of(5), [cluster.address(name_of(0))])
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=3)
    assert {node.find(name_of(5)).epoch for node in cluster.nodes.values()} == {again.identity.epoch}
    assert again.membership.self_member.incarnation == 0
    assert events_alternate(cluster) == []


@pytest.mark.scenario(73)
@pytest.mark.parametrize("first_dead", [True, False])
def test_all_nodes_restart_one_by_one_while_their_deaths_circulate(seed: int, first_dead: bool) -> None:
    """Claims of a former life are of another epoch here, however high their incarnation is."""
    cluster = Cluster(seed, sealed=False)
    cluster.form(16)
    names, seeds = list(cluster.nodes), [node.address for node in cluster.nodes.values()]
    if first_dead:
        cluster.kill(*names[:5])
        cluster.network.run_until(lambda: cluster.nodes[names[9]].events(MemberDied) != [], within_s=30)
    for name in names:
        if name in cluster.nodes:
            cluster.kill(name)
        cluster.network.run_for(0.02)
        cluster.add(name, seeds)
        for node in list(cluster.nodes.values())[::5]:
            say(node, *(death(victim, epoch=1) for victim in names))
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=10)
    for node in cluster.nodes.values():
        assert {node.find(name).epoch for name in names} == {2}
        assert not [event for event in node.events(MemberDied) if event.member.epoch == 2]


@pytest.mark.scenario(73)
def test_a_power_cut_and_the_return_of_everybody_at_once(seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.form(24)
    seeds = {name: node.address for name, node in cluster.nodes.items()}
    cluster.kill(*seeds)
    cluster.network.run_for(60)
    for name in seeds:
        cluster.add(name, seeds.values())
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=10)


def raise_incarnation(cluster: Cluster, name: str) -> None:
    """Accuse a node in a high incarnation, so that everybody learns of a higher one."""
    epoch = cluster.nodes[name].identity.epoch
    say(cluster.nodes[name], death(name, epoch=epoch))
    cluster.network.run_until(
        lambda: all(node.find(name).incarnation > FORMER_INCARNATION for node in cluster.nodes.values()),
        within_s=5,
    )


def death(name: str, *, epoch: int) -> Dead:
    return Dead(node_key(name), epoch, FORMER_INCARNATION, WITNESSES)


def say(node: Node, *claims: Dead) -> None:
    """Let a node hear claims from somebody with the group key, whom it need not know."""
    plaintext = encode_packet(0, [encode_message(claim) for claim in claims])
    datagram = node.membership._keyring.seal(node_key("speaker"), 1, plaintext)
    node.handle_datagram(datagram, ("10.7.7.7", 1))


# ---- addresses


@pytest.mark.scenario(74)
def test_an_old_address_that_comes_late_does_not_replace_the_new_one() -> None:
    subject, (bob, carol) = settled(2)
    there = moved(bob, ELSEWHERE)
    [updated] = events(subject.hear(there, there.record(revision=1)))
    assert isinstance(updated, MemberUpdated)
    assert events(subject.hear(carol, bob.record())) == []
    assert events(subject.hear(carol, bob.record(incarnation=4))) == [], "newer of life, older of place"
    member = subject.membership.find("peer-1")
    assert member is not None
    assert (member.address, member.incarnation) == (ELSEWHERE, 4)


@pytest.mark.scenario(74)
def test_the_address_of_an_earlier_life_is_answered_with_the_new_one() -> None:
    subject, (bob, carol) = settled(2)
    there = moved(Peer("peer-1", 1, epoch=2), ELSEWHERE)
    subject.hear(there, there.record())
    subject.now += 1
    told = only(carol.hears(subject.hear(carol, bob.record(incarnation=9, revision=9))), Alive)
    assert (told[0].host, told[0].epoch) == (ELSEWHERE[0], 2)
    member = subject.membership.find("peer-1")
    assert member is not None
    assert member.address == ELSEWHERE


@pytest.mark.scenario(74)
def test_tables_with_two_addresses_settle_on_the_new_one() -> None:
    meeting = acquainted()
    bob = Peer("bob", 1)
    meeting.left.hear(bob, bob.record(incarnation=7))
    meeting.right.hear(bob, moved(bob, ELSEWHERE).record(revision=1))
    meeting.compare()
    assert meeting.left.find("bob").address == meeting.right.find("bob").address == ELSEWHERE


# ---- two claims to one id


@pytest.mark.scenario(75)
def test_of_two_live_nodes_with_one_id_the_later_life_wins_and_the_other_is_told(seed: int) -> None:
    """Serf lets the majority vote and the loser leaves; here the later start wins and the loser is told so.

    It goes on unbelieved: whether to stop is for whoever started two of them.
    """
    cluster = Cluster(seed)
    cluster.form(8)
    first = cluster.nodes[name_of(5)]
    second = second_process(cluster, first.node_id, epoch=7)
    cluster.network.run_for(30)
    assert first.events(IdentityClaimed)[0].claim.epoch == 7
    assert second.events(IdentityClaimed) == []
    for node in cluster.nodes.values():
        if node is not first:
            believed = node.find(first.node_id)
            assert (believed.epoch, believed.address, believed.state) == (7, ELSEWHERE, MemberState.ALIVE)
            assert len(node.events_about(MemberDied, first.node_id)) == 1, "the first life, once"
    assert second.live_ids() == set(cluster.nodes)


@pytest.mark.scenario(75)
def test_who_is_outlived_neither_refutes_nor_takes_the_other_record() -> None:
    subject, (bob, _) = settled(2)
    [claimed] = events(subject.hear(bob, Alive("subject", "10.1.1.1", 1, 6, 3, 2, b"other")))
    assert isinstance(claimed, IdentityClaimed)
    me = subject.membership.self_member
    assert (me.epoch, me.incarnation, me.metadata) == (5, 0, b"meta")
    assert events(subject.hear(bob, Alive("subject", "10.1.1.1", 1, 6, 3, 2, b"other"))) == [], (
        "once a second"
    )


# ---- itself


@pytest.mark.scenario(76)
@pytest.mark.parametrize("epoch", [1, 4, 5, 6])
def test_a_node_never_learns_of_itself_as_a_peer(epoch: int) -> None:
    """Whatever life the record is of: it brings no member, no event about one, and no probe."""
    subject = Subject()
    bob = Peer("bob", 1)
    reported = events(subject.hear(bob, Alive("subject", "10.1.1.1", 1, epoch, 0, 0, b""), Page(b"")))
    assert not [event for event in reported if isinstance(event, MemberJoined | MemberUpdated | MemberDied)]
    assert [member.node_id for member in subject.membership.members()] == ["subject"]
    assert subject.membership.self_member.address == ("10.0.0.100", 7946)


@pytest.mark.scenario(76)
@pytest.mark.parametrize("epoch", [4, 5, 6])
def test_whoever_speaks_under_this_nodes_own_id_is_not_heard(epoch: int) -> None:
    subject, (bob, _) = settled(2)
    impostor = Peer("subject", 9, epoch=epoch)
    before = subject.membership.digest
    effects = subject.hear(impostor, Ping(1, subject.key[:4], bytes(8)), Dead(bob.key, 1, 0, WITNESSES))
    assert effects == []
    assert subject.membership.statistics.dropped[Drop.OWN] == 1
    assert subject.membership.digest == before


@pytest.mark.scenario(76)
def test_a_newcomer_that_is_sent_its_own_former_record_does_not_meet_itself(seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.form(8)
    cluster.kill(name_of(3))
    again = cluster.add(name_of(3), [cluster.address(name_of(0))], address=ELSEWHERE)
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=5)
    assert again.events_about(MemberJoined, name_of(3)) == []
    assert again.events(IdentityClaimed) == []


# ---- the goodbye of a former owner


@pytest.mark.scenario(77)
def test_the_goodbye_of_the_former_owner_is_answered_by_the_new_one_with_its_record() -> None:
    subject, (bob, _) = settled(2)
    told = bob.hears(subject.hear(bob, Left(subject.key, 4, 9)))
    assert [(record.node_id, record.epoch) for record in only(told, Alive)] == [("subject", 5)]
    assert subject.membership.self_member.state is MemberState.ALIVE


@pytest.mark.scenario(77)
def test_nobody_takes_the_goodbye_of_the_former_owner_for_that_of_the_new_one() -> None:
    subject, (bob, carol) = settled(2)
    again = moved(Peer("peer-1", 1, epoch=2), ELSEWHERE)
    subject.hear(again, again.record())
    subject.now += 1
    told = carol.hears(subject.hear(carol, Left(bob.key, 1, 50)))
    assert [(record.node_id, record.epoch) for record in only(told, Alive)] == [("peer-1", 2)]
    member = subject.membership.find("peer-1")
    assert member is not None
    assert member.is_live


@pytest.mark.scenario(77)
def test_an_id_is_handed_over_while_the_goodbye_still_spreads(seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.form(24)
    cluster.leave(name_of(5))
    cluster.network.run_for(0.15)
    cluster.network.remove(cluster.killed[name_of(5)].address)
    cluster.add(name_of(5), [cluster.address(name_of(0))], address=ELSEWHERE)
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=3)
    assert {node.find(name_of(5)).address for node in cluster.nodes.values()} == {ELSEWHERE}
    assert events_alternate(cluster) == []
