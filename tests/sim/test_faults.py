"""Networks and processes that misbehave: loss, one-way links, partitions, stalls."""

from __future__ import annotations

import pytest

from caxton_node.devkit.simulator.cluster import (
    GROUP_KEY,
    Cluster,
    Node,
    all_alive_everywhere,
    all_views_equal,
    events_alternate,
    false_deaths,
    name_of,
    suspicions,
)
from swim.events import IdentityClaimed
from swim.keyring import Keyring, Subkeys
from swim.member import Identity

pytestmark = pytest.mark.story("018")


def formed(seed: int, size: int) -> Cluster:
    cluster = Cluster(seed)
    cluster.form(size)
    cluster.network.run_for(3)
    return cluster


@pytest.mark.parametrize("loss", [0.1, 0.2])
def test_nobody_dies_of_loss(seed: int, loss: float) -> None:
    cluster = formed(seed, 32)
    cluster.network.lose(loss)
    assert cluster.bytes_per_node_second(120) < 500
    assert false_deaths(cluster) == []
    cluster.network.heal()
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=40)


def test_ten_per_cent_of_loss_hardly_raises_a_suspicion(seed: int) -> None:
    cluster = formed(seed, 32)
    cluster.network.lose(0.1)
    cluster.network.run_for(120)
    assert suspicions(cluster) <= 64, "two suspicions, each told to everybody"


@pytest.mark.scenario(85)
@pytest.mark.parametrize("loss", [0.05, 0.2, 0.4])
def test_a_crash_is_seen_through_loss(seed: int, loss: float) -> None:
    cluster = formed(seed, 24)
    cluster.network.lose(loss)
    cluster.kill(name_of(3))
    cluster.network.run_until(
        lambda: not any(name_of(3) in node.live_ids() for node in cluster.nodes.values()), within_s=60
    )


@pytest.mark.scenario(86)
def test_two_nodes_that_reach_each_other_only_through_a_third_stay_members(seed: int) -> None:
    cluster = formed(seed, 3)
    one, two = cluster.address(name_of(0)), cluster.address(name_of(1))
    cluster.network.lose_between([one], [two], 1.0)
    cluster.network.lose_between([two], [one], 1.0)
    cluster.network.run_for(120)
    assert all_views_equal(cluster)
    assert false_deaths(cluster) == []


@pytest.mark.scenario(89)
def test_a_node_that_hears_nothing_gets_nobody_else_declared_dead(seed: int) -> None:
    cluster = formed(seed, 32)
    deaf = cluster.nodes[name_of(6)]
    others = [node.address for node in cluster.nodes.values() if node is not deaf]
    cluster.network.lose_between(others, [deaf.address], 1.0)
    cluster.network.run_for(90)
    assert {pair for pair in false_deaths(cluster) if deaf.node_id not in pair} == set()
    healthy = set(cluster.nodes) - {deaf.node_id}
    assert all_views_equal(cluster, among=healthy), "the deaf node itself does not answer and is given up"
    cluster.network.heal()
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=60)


@pytest.mark.scenario(87)
@pytest.mark.parametrize("for_s", [20, 120])
@pytest.mark.parametrize("minority", [1, 8, 16])
def test_a_partition_heals(seed: int, for_s: float, minority: int) -> None:
    cluster = formed(seed, 32)
    ids = list(cluster.nodes)
    few, many = ids[:minority], ids[minority:]
    cluster.split(few, many)
    cluster.network.run_for(for_s)
    if for_s > 60:
        assert all_views_equal(cluster, among=few)
        assert all_views_equal(cluster, among=many)
    cluster.network.heal()
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=25)
    assert events_alternate(cluster) == []


@pytest.mark.scenario(88)
def test_a_partition_into_three_heals_twice(seed: int) -> None:
    cluster = formed(seed, 24)
    ids = list(cluster.nodes)
    for _ in range(2):
        cluster.split(ids[:8], ids[8:16], ids[16:])
        cluster.network.run_for(60)
        cluster.network.heal()
        cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=25)


@pytest.mark.scenario(93)
def test_a_process_that_stood_still_accuses_nobody_when_it_goes_on(seed: int) -> None:
    cluster = formed(seed, 24)
    frozen = cluster.nodes[name_of(2)]
    cluster.network.freeze(frozen.address, 20)
    cluster.network.run_for(60)
    assert {subject for _, subject in false_deaths(cluster)} <= {frozen.node_id}
    assert all_alive_everywhere(cluster)


@pytest.mark.scenario(93)
def test_a_short_pause_is_refuted_before_anybody_dies(seed: int) -> None:
    cluster = formed(seed, 24)
    cluster.network.freeze(cluster.address(name_of(2)), 4)
    cluster.network.run_for(40)
    assert false_deaths(cluster) == []
    assert all_alive_everywhere(cluster)


@pytest.mark.scenario(75)
def test_a_node_that_lost_count_of_its_epochs_is_told(seed: int) -> None:
    cluster = formed(seed, 8)
    for _ in range(2):
        cluster.kill(name_of(3))
        cluster.network.run_for(1)
        cluster.add(name_of(3), [cluster.address(name_of(0))])
        cluster.network.run_for(2)
    address = cluster.address(name_of(3))
    cluster.kill(name_of(3))
    keyring = Keyring("simulated", [GROUP_KEY], subkeys=Subkeys())
    forgetful = Node(cluster.network, Identity(name_of(3), address, 1), cluster.settings, keyring)
    forgetful.start([cluster.address(name_of(0))])
    cluster.network.run_for(5)
    claims = forgetful.events(IdentityClaimed)
    assert claims
    assert claims[0].claim.epoch == 3


@pytest.mark.scenario(97)
def test_a_cluster_with_another_key_stays_apart(seed: int) -> None:
    cluster = formed(seed, 8)
    stranger = Node(
        cluster.network,
        Identity("stranger", ("10.6.6.6", 7946), 1),
        cluster.settings,
        Keyring("simulated", [bytes(32)]),
    )
    stranger.start([cluster.address(name_of(0))])
    cluster.network.run_for(30)
    assert stranger.live_ids() == {"stranger"}
    assert all_alive_everywhere(cluster)
