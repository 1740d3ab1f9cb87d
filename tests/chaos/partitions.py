"""A cluster that is split: each side goes on without the other, and nobody dies of the reunion."""

from __future__ import annotations

import time

import pytest

from caxton_node.devkit.demo.nodes import wait_for
from tests.chaos.diary import ALIVE, DIED, FAILED
from tests.chaos.network import between
from tests.chaos.reunion import HEAL_S, WAIT_S, check_reunion
from tests.support.nodes import ECHO, caxton

pytestmark = pytest.mark.story("018")

MAJOR, MINOR = ("n1", "n2", "n3"), ("n4", "n5")
ALL = MAJOR + MINOR
SPLIT_S = 75.0
GIVE_UP_S = 70.0
ANSWER_S = 30.0
ROUTES_S = 5.0
"""Which agents are where is known a little later than who is there."""


def split(cluster, figures):
    """Cut the cluster in two, wait until each side has given the other up, and note when; return when."""
    cut_s = cluster.cut(between(MAJOR, MINOR))
    for name, side, lost in (("three", MAJOR, MINOR), ("two", MINOR, MAJOR)):
        cluster.wait_agreed(side, lost, FAILED, within_s=GIVE_UP_S)
        given_up_s = cluster.diary.agreed_at(side, lost, FAILED, since_s=cut_s)
        figures.note(f"cut until the side of {name} has given the other up", given_up_s - cut_s, "s")
    return cut_s


def test_a_split_of_three_and_two_heals_and_nobody_dies_of_it(five, figures):
    lives = five.lives()
    cut_s = split(five, figures)
    assert {name: five.nodes[name].partition_view() for name in MAJOR} == dict.fromkeys(MAJOR, "majority")
    assert {name: five.nodes[name].partition_view() for name in MINOR} == dict.fromkeys(MINOR, "minority")
    five.hold(cut_s + SPLIT_S)
    assert len(five.diary.find(DIED, since_s=cut_s)) == 2 * len(MAJOR) * len(MINOR)
    check_reunion(five, figures, five.heal(), ALL)
    assert five.lives() == lives
    assert {node.partition_view() for node in five.nodes.values()} == {"majority"}


def test_views_are_equal_after_a_split_in_which_one_is_killed_and_one_joins(five, figures):
    survivors = (*MAJOR, "n4")
    lives = five.lives()
    cut_s = five.cut(between(MAJOR, MINOR))
    five.kill("n5")
    five.wait_agreed(MAJOR, MINOR, FAILED, within_s=GIVE_UP_S)
    five.join("n6", seed="n1", cuts=between(["n6"], MINOR))
    five.wait_agreed(["n4"], [*MAJOR, "n5"], FAILED, within_s=GIVE_UP_S)
    five.wait_agreed([*MAJOR, "n6"], [*MAJOR, "n6"], ALIVE, within_s=WAIT_S)
    figures.note("split until healed", time.time() - cut_s, "s")
    running = (*survivors, "n6")
    check_reunion(five, figures, five.heal(), running)
    views = [facts_of(five.nodes[name].members(), running) for name in running]
    assert all(view == views[0] for view in views)
    # A newcomer is told of those who are there; who died before it came is known to those who knew it.
    assert five.diary.agree(survivors, ["n5"], FAILED)
    still = five.lives()
    assert {name: still[name] for name in survivors} == {name: lives[name] for name in survivors}


def facts_of(members, names):
    """Return what two nodes must agree on, of each of these members."""
    keys = ("state", "epoch", "address", "api_address", "version")
    return {name: tuple(members[name][key] for key in keys) for name in names}


@pytest.mark.story("019")
def test_an_agent_on_the_side_of_two_answers_again_after_the_heal(five, figures):
    deployed = caxton(five.nodes["n1"], "agent", "deploy", ECHO, "--name", "echo", "--node", "n5")
    assert deployed.returncode == 0, deployed.stderr
    wait_for("an answer", lambda: is_answered(five, "n1"), within_s=ANSWER_S)
    split(five, figures)
    asked_s = time.time()
    assert not is_answered(five, "n1")
    figures.note("a question across the split is refused after", time.time() - asked_s, "s")
    assert is_answered(five, "n4"), "on its own side it never ceased to answer"
    healed_s = five.heal()
    wait_for("an answer", lambda: is_answered(five, "n1"), within_s=WAIT_S)
    figures.note("heal until it answers the other side", time.time() - healed_s, "s", limit=HEAL_S + ROUTES_S)
    check_reunion(five, figures, healed_s, ALL)


def is_answered(cluster, node):
    """Ask the echo one question through a node and return whether it came back."""
    words = ["message", "send", "--to", "echo", "--content", '"hello"', "--timeout", "5s"]
    return caxton(cluster.nodes[node], *words).returncode == 0
