"""A node whose gossip key is not that of its cluster: it stays outside, and the log says why."""

import pytest

from caxton_node.client import MemberState
from caxton_node.devkit.demo.interrupts import Interrupts
from caxton_node.devkit.demo.nodes import Stage, wait_for
from tests.support.nodes import found, join


@pytest.mark.story("018")
def test_a_wrong_gossip_key_keeps_a_node_outside_and_the_cluster_says_so():
    with Stage(Interrupts()) as stage:
        first, second, _ = stage.nodes
        found(first)
        join(second, first)
        second.stop()
        (second.data_dir / "gossip.key").write_text("ab" * 32 + "\n")
        second.start()
        second.wait_ready()
        told = lambda: "gossip that this node cannot open" in first.log_path.read_text()  # noqa: E731
        wait_for("the log of the cluster to tell", told, within_s=20)
        with second.client() as client:
            assert [member.node_id for member in client.cluster.members()] == ["n2"]
        with first.client() as client:
            states = {member.node_id: MemberState.of(member) for member in client.cluster.members()}
        assert states["n2"] is not MemberState.ALIVE
