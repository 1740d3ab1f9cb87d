"""Clusters that form, lose members and get them back."""

from __future__ import annotations

import pytest

from caxton_node.devkit.simulator.cluster import (
    Cluster,
    all_alive_everywhere,
    all_views_equal,
    deliveries,
    events_alternate,
    false_deaths,
    name_of,
)
from swim.events import JoinCompleted, MemberDied, MemberJoined, MemberLeft, MemberSuspected, MemberUpdated
from swim.settings import Settings

pytestmark = pytest.mark.story("018")


def formed(seed: int, size: int, settings: Settings | None = None) -> Cluster:
    cluster = Cluster(seed, settings)
    cluster.form(size)
    cluster.network.run_for(3)
    return cluster


def test_a_hundred_nodes_form_through_one_seed_lose_ten_and_converge(seed: int) -> None:
    cluster = Cluster(seed)
    assert cluster.form(100) < 15
    cluster.kill(*(name_of(number) for number in range(20, 30)))
    assert cluster.network.run_until(lambda: all_views_equal(cluster), within_s=30) > 8
    assert false_deaths(cluster) == []
    assert events_alternate(cluster) == []
    for node in cluster.nodes.values():
        died = {event.member.node_id for event in node.events(MemberDied)}
        assert died == set(cluster.killed)


def test_a_node_alone_is_a_complete_cluster_and_sends_nothing(seed: int) -> None:
    cluster = Cluster(seed)
    node = cluster.add(name_of(0))
    cluster.update_metadata(name_of(0), b"alone")
    cluster.broadcast(name_of(0), "topic", b"nobody hears")
    cluster.network.run_for(60)
    assert node.live_ids() == {name_of(0)}
    assert cluster.bytes_sent() == 0


@pytest.mark.scenario(107)
def test_a_join_reports_its_completion_and_every_member_once(seed: int) -> None:
    cluster = formed(seed, 80)
    newcomer = cluster.add("newcomer", [cluster.address(name_of(3))])
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=10)
    assert newcomer.events(JoinCompleted) == [JoinCompleted(81)]
    assert len(newcomer.events(MemberJoined)) == 80
    assert all(
        len(node.events_about(MemberJoined, "newcomer")) == 1
        for node in cluster.nodes.values()
        if node != newcomer
    )


@pytest.mark.scenario(62)
def test_a_join_goes_on_when_seeds_are_down_or_datagrams_are_lost(seed: int) -> None:
    cluster = formed(seed, 40)
    cluster.network.lose(0.3)
    cluster.add("newcomer", [("10.9.9.9", 7946), cluster.address(name_of(0))])
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=30)


@pytest.mark.scenario(62)
def test_a_join_waits_for_a_seed_that_starts_later(seed: int) -> None:
    cluster = Cluster(seed)
    late = ("10.7.7.7", 7946)
    cluster.add("early", [late])
    cluster.network.run_for(45)
    cluster.add("late", address=late)
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=15)


@pytest.mark.scenario(66)
def test_nodes_that_each_know_only_the_next_become_one_cluster(seed: int) -> None:
    cluster = Cluster(seed)
    former = cluster.add(name_of(0))
    for number in range(1, 8):
        former = cluster.add(name_of(number), [former.address])
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=10)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_crash_in_a_small_cluster_is_seen_in_seconds(seed: int, size: int) -> None:
    cluster = formed(seed, size)
    cluster.kill(name_of(1))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=10)


def test_two_crashes_at_once_in_a_cluster_of_three_are_seen_too(seed: int) -> None:
    cluster = formed(seed, 3)
    cluster.kill(name_of(1), name_of(2))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=60)


def test_the_local_profile_sees_a_crash_within_about_two_seconds(seed: int) -> None:
    cluster = formed(seed, 3, Settings.local())
    cluster.kill(name_of(2))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=2.5)


@pytest.mark.scenario(91)
def test_a_third_of_the_nodes_can_die_at_once(seed: int) -> None:
    cluster = formed(seed, 48)
    cluster.kill(*(name_of(number) for number in range(0, 48, 3)))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=40)
    assert false_deaths(cluster) == []


@pytest.mark.scenario(72)
def test_a_quick_restart_is_alive_at_once_with_its_new_epoch(seed: int) -> None:
    cluster = formed(seed, 32)
    cluster.kill(name_of(5))
    cluster.network.run_for(0.5)
    again = cluster.add(name_of(5), [cluster.address(name_of(0))], metadata=b"second life")
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=3)
    for node in cluster.nodes.values():
        member = node.find(name_of(5))
        assert (member.epoch, member.metadata) == (again.identity.epoch, b"second life")
    assert events_alternate(cluster) == []


@pytest.mark.scenario(72)
def test_a_restart_wins_over_its_own_death(seed: int) -> None:
    cluster = formed(seed, 32)
    cluster.kill(name_of(5))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=30)
    cluster.add(name_of(5), [cluster.address(name_of(0))])
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=3)
    assert events_alternate(cluster) == []


@pytest.mark.scenario(72)
def test_a_restart_without_seeds_is_found_by_the_others(seed: int) -> None:
    cluster = formed(seed, 8)
    cluster.kill(name_of(5))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=30)
    cluster.add(name_of(5))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=60)


@pytest.mark.scenario(73)
def test_all_nodes_can_restart_at_the_same_moment(seed: int) -> None:
    cluster = formed(seed, 16)
    addresses = {node_id: node.address for node_id, node in cluster.nodes.items()}
    cluster.kill(*addresses)
    cluster.network.run_for(1)
    for node_id in addresses:
        cluster.add(node_id, addresses.values())
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=10)
    cluster.network.run_for(30)
    assert all_alive_everywhere(cluster)


@pytest.mark.scenario(71)
def test_a_node_may_come_back_at_another_address(seed: int) -> None:
    cluster = formed(seed, 12)
    cluster.kill(name_of(5))
    cluster.network.run_for(1)
    cluster.add(name_of(5), [cluster.address(name_of(0))], address=("10.8.8.8", 7946))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=5)
    assert all(node.find(name_of(5)).address == ("10.8.8.8", 7946) for node in cluster.nodes.values())


def test_metadata_spreads_to_everybody(seed: int) -> None:
    cluster = formed(seed, 64)
    cluster.update_metadata(name_of(9), b"new")
    took = cluster.network.run_until(
        lambda: all(node.find(name_of(9)).metadata == b"new" for node in cluster.nodes.values()),
        within_s=3,
    )
    assert took < 3
    assert all(
        len(node.events_about(MemberUpdated, name_of(9))) == 1
        for node in cluster.nodes.values()
        if node.node_id != name_of(9)
    )


@pytest.mark.scenario(67)
def test_metadata_reaches_a_node_that_missed_all_the_gossip(seed: int) -> None:
    cluster = formed(seed, 16)
    away = cluster.nodes[name_of(7)]
    others = [node.address for node in cluster.nodes.values() if node is not away]
    cluster.network.lose_between(others, [away.address], 1.0)
    cluster.update_metadata(name_of(0), b"new")
    cluster.network.run_for(2.5)
    assert away.find(name_of(0)).metadata == b""
    cluster.network.heal()
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=15)
    assert away.find(name_of(0)).metadata == b"new"


def test_a_broadcast_reaches_everybody_once(seed: int) -> None:
    cluster = formed(seed, 64)
    for number in range(20):
        cluster.broadcast(name_of(number), "prices", b"%d" % number + b"." * 800)
    cluster.network.run_for(10)
    counted = deliveries(cluster, "prices")
    assert len(counted) == 20 * 63, "the origin does not hear itself"
    assert set(counted.values()) == {1}


@pytest.mark.scenario(78, 83)
def test_a_leave_is_not_taken_for_a_failure(seed: int) -> None:
    cluster = formed(seed, 32)
    cluster.leave(name_of(4))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=2)
    cluster.network.run_for(60)
    for node in cluster.nodes.values():
        assert len(node.events_about(MemberLeft, name_of(4))) == 1
        assert node.events(MemberDied) == []
        assert node.events(MemberSuspected) == []


@pytest.mark.scenario(81)
def test_a_leaver_can_come_back(seed: int) -> None:
    cluster = formed(seed, 8)
    cluster.leave(name_of(4))
    cluster.network.run_for(5)
    cluster.add(name_of(4), [cluster.address(name_of(0))])
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=3)
    assert events_alternate(cluster) == []


@pytest.mark.parametrize("size", [16, 128])
def test_a_quiet_cluster_costs_the_same_at_any_size(seed: int, size: int) -> None:
    cluster = formed(seed, size)
    cluster.network.run_for(10)
    assert cluster.bytes_per_node_second(30) < 185
