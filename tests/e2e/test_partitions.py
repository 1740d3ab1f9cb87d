"""Three real processes of which two are lost: what the survivor says, and how an operator gets out of it."""

import json
import sqlite3
from contextlib import closing

import pytest

from caxton_node.devkit.demo.nodes import wait_for
from tests.support.nodes import caxton

pytestmark = [pytest.mark.story("018"), pytest.mark.story("041"), pytest.mark.timeout(400)]


def partition(node):
    done = caxton(node, "cluster", "partition", "-o", "json")
    return json.loads(done.stdout) if done.returncode == 0 else {}


def stands(node, view, *agreed):
    facts = partition(node)
    return facts.get("view") == view and facts["agreed"] == list(agreed)


def is_settled(node):
    """Tell whether a node relies on all who count: until then the former set must have a majority as well."""
    with closing(sqlite3.connect(f"file:{node.data_dir / 'caxton.db'}?mode=ro", uri=True)) as database:
        ((settled, known),) = database.execute("SELECT sum(settled), count(*) FROM agreed").fetchall()
    return settled == known == 3


def all_count(nodes):
    for node in nodes:
        wait_for("all to count", lambda node=node: stands(node, "majority", "n1", "n2", "n3"), within_s=90)
    for node in nodes:
        wait_for("that to be relied on", lambda node=node: is_settled(node), within_s=90)


def test_a_restart_while_another_is_dead_does_not_cost_the_majority(trio):
    first, second, third = trio.nodes
    all_count(trio.nodes)
    first.kill()
    wait_for("n1 to be missed", lambda: partition(second).get("lost") == ["n1"], within_s=90)
    third.stop()
    third.start()
    third.wait_ready()
    for node in (second, third):
        wait_for("the majority", lambda node=node: stands(node, "majority", "n1", "n2", "n3"), within_s=90)
    first.start()
    first.wait_ready()
    all_count(trio.nodes)


def test_a_node_is_told_to_leave_through_another_one(trio):
    first, _, third = trio.nodes
    all_count(trio.nodes)
    done = caxton(first, "cluster", "leave", "--node", "n3", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert third.process.wait(30) == 0
    third.process = None
    wait_for("n3 to be struck off", lambda: stands(first, "majority", "n1", "n2"), within_s=90)
    third.start()
    third.wait_ready()
    all_count(trio.nodes)


def test_a_survivor_becomes_the_majority_when_it_is_told_so_and_the_lost_may_come_back(trio):
    first, second, third = trio.nodes
    all_count(trio.nodes)
    second.kill()
    third.kill()
    wait_for("n1 to be alone", lambda: stands(first, "isolated", "n1", "n2", "n3"), within_s=90)
    lost = caxton(first, "cluster", "events", "--member", "n3")
    assert "n3  died, accused by n1" in lost.stdout

    done = caxton(first, "cluster", "resolve-partition", "--forget-all-dead", "--yes")
    assert done.stdout.splitlines() == ["given up: n2, n3", "  n1  majority"], done.stderr
    first.kill()  # it must remember that
    first.start()
    first.wait_ready()
    assert stands(first, "majority", "n1")

    second.start()
    second.wait_ready()
    for node in (first, second):
        wait_for("n2 to count again", lambda node=node: stands(node, "majority", "n1", "n2"), within_s=90)
