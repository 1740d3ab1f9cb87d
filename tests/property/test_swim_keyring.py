"""Whatever bytes arrive, a ring opens only what a member of its cluster sent, and only once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swim.errors import Unopenable
from swim.keyring import FIRST_BYTE, PLAIN_BYTE, Encryption, Keyring
from swim.member import node_key

pytestmark = pytest.mark.story("018")

KEYS = [bytes([number]) * 32 for number in range(3)]
ALICE = node_key("alice")

modes = st.sampled_from(Encryption)
heads = st.sampled_from([b"", bytes([FIRST_BYTE]), bytes([PLAIN_BYTE])])


@pytest.mark.scenario(96)
@given(mode=modes, head=heads, rest=st.binary(max_size=200))
def test_any_bytes_are_refused_and_leave_nothing_behind(mode: Encryption, head: bytes, rest: bytes) -> None:
    ring = Keyring("c", KEYS[:2], encryption=mode)
    with pytest.raises(Unopenable):
        ring.open(head + rest)
    assert ring._windows == {}
    assert ring._subkeys._known == {}


@given(mode=modes, said=st.binary(max_size=200), epoch=st.integers(0, 2**32 - 1))
def test_what_is_sealed_comes_back_whole_and_once(mode: Encryption, said: bytes, epoch: int) -> None:
    ring = Keyring("c", KEYS[:2], encryption=mode)
    datagram = Keyring("c", KEYS[:2], encryption=mode).seal(ALICE, epoch, said)
    assert ring.open(datagram) == (ALICE, epoch, said, False)
    with pytest.raises(Unopenable):
        ring.open(datagram)


@pytest.mark.scenario(97)
@given(mode=modes, said=st.binary(max_size=60), data=st.data())
def test_one_changed_bit_anywhere_is_enough(mode: Encryption, said: bytes, data: st.DataObject) -> None:
    datagram = bytearray(Keyring("c", KEYS, encryption=mode).seal(ALICE, 7, said))
    bit = data.draw(st.integers(0, 8 * len(datagram) - 1))
    datagram[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Unopenable):
        Keyring("c", KEYS, encryption=mode).open(bytes(datagram))


@pytest.mark.scenario(98)
@given(st.lists(st.sampled_from(["send", "install", "use", "remove"]), max_size=30), st.data())
def test_two_rings_read_each_other_through_any_changes_made_in_the_order_of_a_rotation(
    steps: list[str], data: st.DataObject
) -> None:
    rings = [Keyring("c", KEYS[:1]) for _ in range(2)]
    spare = iter(bytes([number]) * 32 for number in range(10, 99))
    for step in steps:
        order = data.draw(st.permutations(rings))
        if step == "install" and len(rings[0].keys) < 3:
            key = next(spare)
            changes = [(ring, ring.ring.adding(key)) for ring in order]
        elif step == "use":
            changes = [(ring, ring.ring.sealing_with(rings[0].keys[-1])) for ring in order]
        elif step == "remove" and len(rings[0].keys) > 1:
            changes = [(ring, ring.ring.removing(rings[0].keys[-1])) for ring in order]
        else:
            changes = []
        _talk(rings)
        for ring, changed in changes:
            ring.replace(changed)
            _talk(rings)


def _talk(rings: list[Keyring]) -> None:
    for sender, receiver, name in ((*rings, b"a" * 8), (*rings[::-1], b"b" * 8)):
        assert receiver.open(sender.seal(name, 1, b"x")).plaintext == b"x"
