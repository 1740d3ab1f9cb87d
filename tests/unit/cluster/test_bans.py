"""Members that are held for gone."""

from __future__ import annotations

import pytest

from caxton_node.cluster.bans import Bans
from swim import Identity, Member, MemberState
from swim.member import node_key

pytestmark = pytest.mark.story("022")


def member(epoch: int, node_id: str = "n2") -> Member:
    identity = Identity(node_id, ("127.0.0.1", 1), epoch)
    return Member(
        identity.node_id, identity.address, MemberState.ALIVE, 0, epoch, b"", 0, node_key(identity.node_id)
    )


def test_a_ban_holds_for_this_run_of_the_node_and_those_before() -> None:
    bans = Bans()
    assert bans.add(member(5))
    assert bans.holds(member(5))
    assert bans.holds(member(4))
    assert not bans.holds(member(6))
    assert not bans.holds(member(5, "n3"))


def test_a_second_ban_of_the_same_run_is_none() -> None:
    bans = Bans()
    assert [bans.add(member(5)), bans.add(member(5)), bans.add(member(6))] == [True, False, True]


def test_a_node_that_has_started_again_outlives_its_ban_once() -> None:
    bans = Bans()
    bans.add(member(5))
    assert not bans.outlived_by(member(5))
    assert bans.outlived_by(member(6))
    assert not bans.outlived_by(member(6))
    assert not bans.holds(member(5))


def test_a_ban_that_is_lifted_holds_no_more() -> None:
    bans = Bans()
    bans.add(member(5))
    assert bans.lift("n2")
    assert not bans.lift("n2")
    assert not bans.holds(member(5))
