"""The rule that decides between two claims, and who may be a member at all."""

from __future__ import annotations

import itertools

import pytest

from swim.errors import InvalidIdentity
from swim.member import Identity, MemberState, node_key, supersedes

pytestmark = pytest.mark.story("018")

ALIVE, SUSPECT, DEAD, LEFT = MemberState


@pytest.mark.scenario(21)
def test_the_full_table_at_one_epoch() -> None:
    """Rows: the newer claim. Columns: what is held. The paper's table, with `left` above `dead`."""
    beats = {
        (new, held): supersedes(1, 5, new, over=(1, 5, held))
        for new, held in itertools.product(MemberState, repeat=2)
    }
    assert beats == {
        (ALIVE, ALIVE): False, (ALIVE, SUSPECT): False, (ALIVE, DEAD): False, (ALIVE, LEFT): False,
        (SUSPECT, ALIVE): True, (SUSPECT, SUSPECT): False, (SUSPECT, DEAD): False, (SUSPECT, LEFT): False,
        (DEAD, ALIVE): True, (DEAD, SUSPECT): True, (DEAD, DEAD): False, (DEAD, LEFT): False,
        (LEFT, ALIVE): True, (LEFT, SUSPECT): True, (LEFT, DEAD): True, (LEFT, LEFT): False,
    }  # fmt: skip


@pytest.mark.scenario(21)
@pytest.mark.parametrize(("new", "held"), list(itertools.product(MemberState, repeat=2)))
def test_a_higher_incarnation_wins_whatever_the_states(new: MemberState, held: MemberState) -> None:
    assert supersedes(1, 6, new, over=(1, 5, held))
    assert not supersedes(1, 5, new, over=(1, 6, held))


@pytest.mark.parametrize(("new", "held"), list(itertools.product(MemberState, repeat=2)))
def test_a_higher_epoch_wins_whatever_the_incarnations(new: MemberState, held: MemberState) -> None:
    assert supersedes(2, 0, new, over=(1, 900, held))
    assert not supersedes(1, 900, new, over=(2, 0, held))


def test_keys_are_eight_stable_bytes() -> None:
    assert node_key("node-1").hex() == "8f57b755bca4eb29"
    assert node_key("node-1") != node_key("node-2")


@pytest.mark.parametrize("node_id", ["", "-a", "a-", "A", "a.b", "a" * 64, "ä"])
def test_a_node_id_is_a_dns_label(node_id: str) -> None:
    with pytest.raises(InvalidIdentity, match="node id"):
        Identity(node_id, ("10.0.0.1", 7946), 1)


@pytest.mark.parametrize("address", [("", 1), ("h" * 256, 1), ("h", 0), ("h", 65_536)])
def test_an_address_can_be_sent_to(address: tuple[str, int]) -> None:
    with pytest.raises(InvalidIdentity):
        Identity("a", address, 1)


@pytest.mark.parametrize("epoch", [-1, 2**32])
def test_an_epoch_fits_the_wire(epoch: int) -> None:
    with pytest.raises(InvalidIdentity, match="epoch"):
        Identity("a", ("10.0.0.1", 7946), epoch)
