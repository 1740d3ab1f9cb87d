"""Nodes that cannot read the gossip of a cluster: a stranger stays outside, a member helps itself."""

import json

import pytest

from caxton_node.client import MemberState
from caxton_node.devkit.demo.interrupts import Interrupts
from caxton_node.devkit.demo.nodes import Stage, wait_for
from tests.support.nodes import found, join

pytestmark = pytest.mark.story("018")


def states(node):
    with node.client() as client:
        return {member.node_id: MemberState.of(member) for member in client.cluster.members()}


def test_a_node_of_another_cluster_stays_outside_and_the_cluster_says_so():
    with Stage(Interrupts()) as stage:
        first, stranger, _ = stage.nodes
        found(first)
        found(stranger)  # the name of the cluster is the same; its authority and its key are not
        stranger.stop()
        path = stranger.data_dir / "identity.json"
        seeds = {"seeds": [f"127.0.0.1:{first.mesh_port}"]}
        path.write_text(json.dumps(json.loads(path.read_text()) | seeds))
        stranger.start()
        stranger.wait_ready()
        told = lambda: "gossip that this node cannot open" in first.log_path.read_text()  # noqa: E731
        wait_for("the log of the cluster to tell", told, within_s=20)
        assert list(states(stranger)) == ["n2"]
        assert list(states(first)) == ["n1"]


def test_a_member_with_a_wrong_gossip_key_fetches_the_right_one():
    with Stage(Interrupts()) as stage:
        first, second, third = stage.nodes
        found(first)
        join(second, first)
        join(third, first)
        right = (first.data_dir / "gossip.key").read_text()
        second.stop()
        (second.data_dir / "gossip.key").write_text("ab" * 32 + "\n")
        second.start()
        second.wait_ready()
        wait_for("the node to be in again", lambda: states(first)["n2"] is MemberState.ALIVE, within_s=20)
        assert (second.data_dir / "gossip.key").read_text() == right
        assert "gossip keys changed" in second.log_path.read_text()
