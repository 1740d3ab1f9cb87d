"""Gossip keys of real processes: changed under way, missed by a node that was away, kept over restarts."""

import json

import pytest

from caxton_node.client import MemberState
from caxton_node.devkit.demo.interrupts import Interrupts
from caxton_node.devkit.demo.nodes import Stage, wait_for
from tests.support.nodes import caxton, found, invite, join

pytestmark = pytest.mark.story("018")


def keys(node, *words):
    done = caxton(node, "cluster", "keys", *words, "-o", "json")
    assert done.returncode == 0, done.stderr
    return (
        [json.loads(line) for line in done.stdout.splitlines()]
        if words[0] != "list"
        else json.loads(done.stdout)
    )


def alive(node):
    with node.client() as client:
        members = client.cluster.members()
    return {member.node_id for member in members if MemberState.of(member) is MemberState.ALIVE}


def all_alive(nodes):
    return all(alive(node) == {each.node_id for each in nodes} for node in nodes)


def test_a_rotation_reaches_all_and_nothing_that_was_said_meanwhile_is_lost(trio):
    wait_for("three members", lambda: all_alive(trio.nodes), within_s=20)
    steps = keys(trio.nodes[1], "rotate")
    assert [step["step"] for step in steps] == ["install", "use", "remove"]
    listed = keys(trio.nodes[0], "list")
    assert {tuple(node["key_ids"]) for node in listed} == {(steps[0]["key_id"],)}
    assert {(node["state"], node["unopened"]) for node in listed} == {("current", 0)}
    assert all("member suspected" not in node.log_path.read_text() for node in trio.nodes)


def test_a_node_that_was_away_during_a_rotation_gets_back_in_by_itself(trio):
    first, second, away = trio.nodes
    wait_for("three members", lambda: all_alive(trio.nodes), within_s=20)
    away.stop()
    wait_for("n3 to be gone", lambda: alive(first) == {"n1", "n2"} == alive(second), within_s=20)
    (step, *_) = keys(first, "rotate")
    assert [node["node"] for node in step["nodes"]] == ["n1", "n2"]
    away.start()
    away.wait_ready()
    wait_for("n3 to be a member again", lambda: all_alive(trio.nodes), within_s=20)
    listed = keys(first, "list")
    assert {tuple(node["key_ids"]) for node in listed} == {(step["key_id"],)}
    assert [node["node"] for node in listed] == ["n1", "n2", "n3"]


def test_a_ring_with_its_order_outlives_a_restart(trio):
    wait_for("three members", lambda: all_alive(trio.nodes), within_s=20)
    first = trio.nodes[0]
    (installed,) = keys(first, "install")
    keys(first, "use", installed["key_id"])
    before = keys(first, "list")
    first.stop()
    first.start()
    first.wait_ready()
    wait_for("three members", lambda: all_alive(trio.nodes), within_s=20)
    after = keys(first, "list")
    facts = ("node", "key_ids", "revision", "state")
    assert [[node[key] for key in facts] for node in after] == [
        [node[key] for key in facts] for node in before
    ]
    assert len(after[0]["key_ids"]) == 2


def test_a_node_that_joined_before_a_rotation_and_starts_after_it_gets_in():
    with Stage(Interrupts()) as stage:
        first, second, late = stage.nodes
        found(first)
        join(second, first)
        invite(late, first)
        keys(second, "rotate")
        late.start()
        late.wait_ready()
        wait_for("n3 to be a member", lambda: all_alive(stage.nodes), within_s=20)
