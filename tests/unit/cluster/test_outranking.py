"""Which of two rings takes the place of the other, and how a ring is kept."""

from __future__ import annotations

import stat
from itertools import product
from pathlib import Path

import pytest

from caxton_node.cluster.identity import GOSSIP_KEYS, read_gossip_keys, write_gossip_keys
from caxton_node.cluster.key_offers import Offer, Shown, outranks
from caxton_node.cluster.key_steps import NodeKeys, Standing, standing
from caxton_node.core.errors import InvalidConfig
from swim import InvalidKey, Ring
from swim.ring import REVISION_MAX

pytestmark = pytest.mark.story("018")

OLD, NEW = bytes(32), bytes([1]) * 32
RINGS = [
    Ring((OLD,)),
    Ring((NEW,)),
    Ring((OLD, NEW), 1),
    Ring((NEW, OLD), 2),
    Ring((NEW,), 3),
    Ring((OLD,), 3),
]


def test_the_later_ring_wins_however_many_hold_the_earlier_one() -> None:
    assert outranks(Ring((NEW,), 3), Ring((OLD,), 2), their_alive=1, my_alive=99)
    assert not outranks(Ring((OLD,), 2), Ring((NEW,), 3), their_alive=99, my_alive=1)


def test_between_sides_that_changed_equally_often_the_larger_wins() -> None:
    assert outranks(Ring((NEW,), 3), Ring((OLD,), 3), their_alive=3, my_alive=2)
    assert not outranks(Ring((NEW,), 3), Ring((OLD,), 3), their_alive=2, my_alive=3)


def test_of_any_two_different_rings_exactly_one_wins() -> None:
    for (mine, my_alive), (theirs, their_alive) in product(product(RINGS, (1, 2)), repeat=2):
        there = outranks(theirs, mine, their_alive=their_alive, my_alive=my_alive)
        back = outranks(mine, theirs, their_alive=my_alive, my_alive=their_alive)
        assert (there, back) == (False, False) if mine == theirs else there != back


def test_a_ring_is_kept_with_its_order_and_revision(tmp_path: Path) -> None:
    ring = Ring((NEW, OLD), 7)
    write_gossip_keys(tmp_path, ring)
    assert read_gossip_keys(tmp_path) == ring
    assert stat.S_IMODE((tmp_path / GOSSIP_KEYS).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [GOSSIP_KEYS]


def test_a_file_of_keys_without_a_revision_is_the_earliest_ring(tmp_path: Path) -> None:
    (tmp_path / GOSSIP_KEYS).write_text(f"{OLD.hex()}\n{NEW.hex()}\n")
    assert read_gossip_keys(tmp_path) == Ring((OLD, NEW), 0)


def test_keys_that_were_never_changed_are_written_as_ever(tmp_path: Path) -> None:
    write_gossip_keys(tmp_path, Ring((OLD,)))
    assert (tmp_path / GOSSIP_KEYS).read_text() == f"{OLD.hex()}\n"


@pytest.mark.parametrize("text", ["", "abc\n", "zz" * 32, f"{OLD.hex()}\n" * 2, "# revision x\n" + OLD.hex()])
def test_a_file_that_is_no_ring_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / GOSSIP_KEYS).write_text(text)
    with pytest.raises(InvalidConfig, match=r"gossip\.key cannot be read"):
        read_gossip_keys(tmp_path)
    assert (tmp_path / GOSSIP_KEYS).read_text() == text


def test_a_failed_write_leaves_the_keys_that_were_there(tmp_path: Path) -> None:
    write_gossip_keys(tmp_path, Ring((OLD,)))
    (tmp_path / f"{GOSSIP_KEYS}.new").mkdir()  # in the way of what is written first
    with pytest.raises(OSError, match=r"gossip\.key\.new"):
        write_gossip_keys(tmp_path, Ring((NEW,), 1))
    assert read_gossip_keys(tmp_path) == Ring((OLD,))


def test_an_offer_shows_no_key() -> None:
    assert "x00" not in repr(Offer([OLD], 3))


def test_the_standing_of_a_member_follows_from_what_all_hold() -> None:
    def node(name: str, ids: tuple[str, ...], revision: int) -> NodeKeys:
        return NodeKeys(name, Shown(ids, revision))

    latest, same = node("n1", ("b",), 3), node("n2", ("b",), 3)
    behind, apart, silent = node("n3", ("b", "a"), 2), node("n4", ("a",), 3), NodeKeys("n5", Shown(), "away")
    found = [latest, same, behind, apart, silent]
    assert [standing(each, found) for each in found] == [
        Standing.CURRENT,
        Standing.CURRENT,
        Standing.BEHIND,
        Standing.APART,
        Standing.SILENT,
    ]


@pytest.mark.parametrize("revision", [-1, REVISION_MAX + 1, 10**30])
def test_a_revision_that_nobody_reached_is_refused(revision: int, tmp_path: Path) -> None:
    with pytest.raises(InvalidKey, match="no revision"):
        Ring((OLD,), revision)
    (tmp_path / GOSSIP_KEYS).write_text(f"# revision {revision}\n{OLD.hex()}\n")
    with pytest.raises(InvalidConfig, match="cannot be read"):
        read_gossip_keys(tmp_path)
