"""Rings of group keys as values."""

from __future__ import annotations

import pytest

from swim.errors import InvalidKey
from swim.ring import KEYS_MAX, Ring, key_id

pytestmark = pytest.mark.story("018")

OLD, NEW, OTHER = bytes(32), bytes([1]) * 32, bytes([2]) * 32


@pytest.mark.scenario(98)
def test_a_rotation_is_three_rings_each_with_a_higher_revision() -> None:
    start = Ring((OLD,))
    installed = start.adding(NEW)
    used = installed.sealing_with(NEW)
    removed = used.removing(OLD)
    assert [ring.keys for ring in (start, installed, used, removed)] == [
        (OLD,),
        (OLD, NEW),
        (NEW, OLD),
        (NEW,),
    ]
    assert [ring.revision for ring in (start, installed, used, removed)] == [0, 1, 2, 3]


def test_what_changes_nothing_is_no_change() -> None:
    ring = Ring((OLD, NEW), 5)
    assert ring.adding(NEW) is ring
    assert ring.sealing_with(OLD) is ring


def test_the_others_keep_their_order() -> None:
    assert Ring((OLD, NEW, OTHER)).sealing_with(OTHER).keys == (OTHER, OLD, NEW)


def test_the_key_that_seals_cannot_be_removed_and_others_must_be_there() -> None:
    ring = Ring((OLD,))
    with pytest.raises(InvalidKey, match="seals"):
        ring.removing(OLD)
    with pytest.raises(InvalidKey, match="does not hold"):
        ring.sealing_with(NEW)
    with pytest.raises(InvalidKey, match="does not hold"):
        ring.find("00000000")


@pytest.mark.parametrize(
    "keys", [(), (b"short",), (OLD, OLD), tuple(bytes([number]) * 32 for number in range(KEYS_MAX + 1))]
)
def test_what_is_no_ring_is_refused(keys: tuple[bytes, ...]) -> None:
    with pytest.raises(InvalidKey):
        Ring(keys)


def test_a_key_is_found_by_its_id_and_shown_by_nothing_else() -> None:
    ring = Ring((OLD, NEW))
    assert ring.find(key_id(NEW)) == NEW
    assert ring.ids == [key_id(OLD), key_id(NEW)]
    assert all(len(each) == 8 for each in ring.ids)
    assert "keys" not in repr(ring)
