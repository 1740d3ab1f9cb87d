"""Three real processes of which two are lost: what the survivor says, and how an operator gets out of it."""

import json

import pytest

from caxton_node.devkit.demo.nodes import wait_for
from tests.support.nodes import caxton

pytestmark = [pytest.mark.story("018"), pytest.mark.story("041")]


def partition(node):
    done = caxton(node, "cluster", "partition", "-o", "json")
    return json.loads(done.stdout) if done.returncode == 0 else {}


def stands(node, view, *agreed):
    facts = partition(node)
    return facts.get("view") == view and facts["agreed"] == list(agreed)


def test_a_survivor_becomes_the_majority_when_it_is_told_so_and_the_lost_may_come_back(trio):
    first, second, third = trio.nodes
    for node in trio.nodes:
        wait_for("all to count", lambda node=node: stands(node, "majority", "n1", "n2", "n3"), within_s=30)
    second.kill()
    third.kill()
    wait_for("n1 to be alone", lambda: stands(first, "isolated", "n1", "n2", "n3"), within_s=30)
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
        wait_for("n2 to count again", lambda node=node: stands(node, "majority", "n1", "n2"), within_s=30)
