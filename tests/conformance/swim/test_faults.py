"""Group I: networks that lose, nodes that are half dead, and many that die at once."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from caxton_node.devkit.simulator.cluster import (
    all_alive_everywhere,
    all_views_equal,
    events_alternate,
    false_deaths,
    name_of,
    suspicions,
)
from swim.events import MemberDied, MemberSuspected
from tests.conformance.swim.worlds import NAMES, addresses, all_know_dead, formed

pytestmark = pytest.mark.story("018")

# ---- loss


@pytest.mark.scenario(85)
@pytest.mark.parametrize(
    ("loss", "within_s"), [(0.05, 12.0), (0.1, 12.0), (0.2, 15.0), (0.5, 40.0), (0.9, 1200.0)]
)
def test_a_crash_is_noticed_by_all_through_any_loss(seed: int, loss: float, within_s: float) -> None:
    """At 90 % one ping in a hundred is answered, and patience grows with the loss: it takes minutes."""
    cluster = formed(seed)
    cluster.network.lose(loss)
    cluster.network.run_for(10)
    cluster.kill(NAMES[3])
    cluster.network.run_until(lambda: all_know_dead(cluster, [NAMES[3]]), within_s=within_s)
    if loss <= 0.2:
        assert false_deaths(cluster) == []
    cluster.network.heal()
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=60)


@pytest.mark.scenario(86)
@pytest.mark.parametrize("size", [3, 16])
def test_two_nodes_that_reach_each_other_only_through_others_stay_members(seed: int, size: int) -> None:
    cluster = formed(seed, size)
    one, two = addresses(cluster, NAMES[:2])
    cluster.network.lose_between([one], [two], 1.0)
    cluster.network.lose_between([two], [one], 1.0)
    cluster.network.run_for(120)
    assert all_alive_everywhere(cluster)
    assert suspicions(cluster) == 0


# ---- nodes that are half dead


@pytest.mark.scenario(89)
@pytest.mark.parametrize("way", ["in", "out"])
def test_a_node_that_is_cut_off_one_way_gets_nobody_else_declared_dead(seed: int, way: str) -> None:
    cluster = formed(seed, 24)
    bad, healthy = name_of(6), [name for name in cluster.nodes if name != name_of(6)]
    there, here = addresses(cluster, [bad]), addresses(cluster, healthy)
    cluster.network.lose_between(*((here, there) if way == "in" else (there, here)), 1.0)
    cluster.network.run_for(120)
    assert {pair for pair in false_deaths(cluster) if bad not in pair} == set()
    assert all_views_equal(cluster, among=healthy)


@pytest.mark.scenario(89)
def test_a_node_that_loses_most_of_its_input_gets_nobody_else_declared_dead(seed: int) -> None:
    """At 80 % it is sometimes right and sometimes wrong, which is harder than to hear nothing."""
    cluster = formed(seed, 24)
    bad, healthy = name_of(6), [name for name in cluster.nodes if name != name_of(6)]
    cluster.network.lose_between(addresses(cluster, healthy), addresses(cluster, [bad]), 0.8)
    cluster.network.run_for(120)
    assert {pair for pair in false_deaths(cluster) if bad not in pair} == set()


@pytest.mark.scenario(90)
def test_a_member_that_comes_and_goes_stays_a_member(seed: int) -> None:
    """Each pause is long enough to be noticed; refutations buy it time, so it does not die of them."""
    cluster = formed(seed)
    flapping = cluster.nodes[NAMES[4]]
    cluster.network.slow([flapping.address], frozen_s=4.0, awake_s=4.0)
    cluster.network.run_for(120)
    healthy = [node for node in cluster.nodes.values() if node is not flapping]
    assert any(node.events_about(MemberSuspected, flapping.node_id) for node in healthy), "it is noticed"
    assert not [node for node in healthy if node.events(MemberDied)]
    cluster.network.heal()
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=20)


@pytest.mark.scenario(90)
def test_no_two_views_differ_for_long_about_a_member_whose_link_flips(seed: int) -> None:
    """Up and down every 15 s, both ways: each change is one change in every view, not several."""
    cluster = formed(seed)
    name = NAMES[4]
    for _ in range(4):
        cluster.split([name], [other for other in NAMES if other != name])
        cluster.network.run_for(15)
        cluster.network.heal()
        cluster.network.run_for(15)
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=25)
    for node in cluster.nodes.values():
        if node.node_id != name:
            assert len(node.events_about(MemberDied, name)) <= 4
            assert [happening for other in NAMES if other != name for happening in
                    node.events_about(MemberDied, other)] == []  # fmt: skip
    assert events_alternate(cluster) == []


# ---- many at once


@pytest.mark.scenario(91)
@pytest.mark.parametrize(
    ("size", "victims"),
    [(48, range(0, 48, 3)), (48, range(0, 48, 4)), (50, (2, 3, 11, 17, 18, 25, 31, 40, 44, 49))],
    ids=["a third", "a quarter", "ten of fifty"],
)
def test_many_nodes_die_at_once(seed: int, size: int, victims: Iterable[int]) -> None:
    cluster = formed(seed, size)
    dead = [name_of(number) for number in victims]
    cluster.kill(*dead)
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=30)
    assert false_deaths(cluster) == []
    for node in cluster.nodes.values():
        assert sorted(event.member.node_id for event in node.events(MemberDied)) == dead
