"""Links that fail while the cluster is whole: whoever can be reached by any way is not given up."""

from __future__ import annotations

import pytest

from tests.chaos.diary import DIED, SUSPECTED
from tests.chaos.network import between, one_way
from tests.chaos.reunion import check_reunion

pytestmark = pytest.mark.story("018")

HEALTHY = ("n1", "n2", "n3", "n4")
ALL = (*HEALTHY, "n5")
HOLD_S = 60.0


def hold(cluster, figures, cut_s):
    """Leave the links cut for a minute; note the suspicions that it brings, and return the deaths."""
    cluster.hold(cut_s + HOLD_S)
    figures.note("suspicions told in 60 s", len(cluster.diary.find(SUSPECTED, since_s=cut_s)), "events")
    return cluster.diary.find(DIED, since_s=cut_s)


def test_two_sides_that_share_one_node_keep_each_other_through_it(five, figures):
    lives = five.lives()
    deaths = hold(five, figures, five.cut(between(["n1", "n2"], ["n4", "n5"])))
    figures.note("false deaths in 60 s", len(deaths), "events", limit=0)
    assert {node.partition_view() for node in five.nodes.values()} == {"majority"}
    check_reunion(five, figures, five.heal(), ALL)
    assert five.lives() == lives


def test_a_node_that_one_other_cannot_hear_is_not_given_up(five, figures):
    lives = five.lives()
    deaths = hold(five, figures, five.cut(one_way(["n1"], ["n2"])))
    figures.note("false deaths in 60 s", len(deaths), "events", limit=0)
    check_reunion(five, figures, five.heal(), ALL)
    assert five.lives() == lives


def test_a_node_that_hears_nobody_takes_no_healthy_one_with_it(five, figures):
    lives = five.lives()
    deaths = hold(five, figures, five.cut(one_way(HEALTHY, ["n5"])))
    among_healthy = [one for one in deaths if {one.observer, one.subject} <= set(HEALTHY)]
    by_deaf = [one for one in deaths if one.observer == "n5"]
    of_deaf = [one for one in deaths if one.subject == "n5"]
    figures.note("healthy held dead by healthy in 60 s", len(among_healthy), "events", limit=0)
    figures.note("healthy held dead by the deaf", len(by_deaf), "events")
    figures.note("the deaf held dead by healthy", len(of_deaf), "events")
    assert {five.nodes[name].partition_view() for name in HEALTHY} == {"majority"}
    check_reunion(five, figures, five.heal(), ALL)
    assert five.lives() == lives
