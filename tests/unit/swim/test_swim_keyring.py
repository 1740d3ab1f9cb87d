"""Sealing and opening datagrams."""

from __future__ import annotations

from itertools import pairwise

import pytest

from swim import keyring, subkeys
from swim.errors import InvalidKey, Unopenable
from swim.keyring import OVERHEAD_BYTES, PLAIN_OVERHEAD_BYTES, Encryption, Keyring
from swim.member import node_key
from swim.ring import Ring
from swim.statistics import Drop

pytestmark = pytest.mark.story("018")

KEY, OTHER = bytes(32), bytes([1]) * 32
ALICE = node_key("alice")


def refusal(ring: Keyring, datagram: bytes) -> Drop:
    with pytest.raises(Unopenable) as refused:
        ring.open(datagram)
    return refused.value.reason


def test_what_one_seals_the_other_opens() -> None:
    datagram = Keyring("c", [KEY]).seal(ALICE, 7, b"hello")
    opened = Keyring("c", [KEY]).open(datagram)
    assert opened == (ALICE, 7, b"hello", False)
    assert len(datagram) == 5 + OVERHEAD_BYTES
    assert datagram[0] < 0x40


@pytest.mark.scenario(106)
def test_a_datagram_opens_once() -> None:
    ring, datagram = Keyring("c", [KEY]), Keyring("c", [KEY]).seal(ALICE, 7, b"hello")
    ring.open(datagram)
    assert refusal(ring, datagram) is Drop.REPLAYED


def test_datagrams_open_in_any_order() -> None:
    sender, receiver = Keyring("c", [KEY]), Keyring("c", [KEY])
    datagrams = [sender.seal(ALICE, 7, b"%d" % number) for number in range(20)]
    assert {receiver.open(datagram).plaintext for datagram in reversed(datagrams)} == {
        b"%d" % number for number in range(20)
    }


def test_no_two_datagrams_are_alike() -> None:
    ring = Keyring("c", [KEY])
    assert ring.seal(ALICE, 7, b"same") != ring.seal(ALICE, 7, b"same")


def test_a_later_life_of_the_sender_makes_the_earlier_one_stale() -> None:
    ring = Keyring("c", [KEY])
    old = Keyring("c", [KEY]).seal(ALICE, 7, b"old")
    ring.open(Keyring("c", [KEY]).seal(ALICE, 8, b"new"))
    assert ring.open(old).is_stale
    assert not ring.open(Keyring("c", [KEY]).seal(ALICE, 9, b"newest")).is_stale


@pytest.mark.scenario(100)
def test_another_cluster_does_not_open_it() -> None:
    assert refusal(Keyring("d", [KEY]), Keyring("c", [KEY]).seal(ALICE, 7, b"x")) is Drop.UNAUTHENTIC


@pytest.mark.scenario(97)
def test_another_key_does_not_open_it() -> None:
    datagram = Keyring("c", [KEY]).seal(ALICE, 7, b"x")
    assert refusal(Keyring("c", [OTHER]), datagram) is Drop.UNKNOWN_KEY


@pytest.mark.scenario(97)
@pytest.mark.parametrize("at", [2, 9, 13, 19, 20, -1])
def test_a_changed_byte_is_noticed_wherever_it_is(at: int) -> None:
    datagram = bytearray(Keyring("c", [KEY]).seal(ALICE, 7, b"x"))
    datagram[at] ^= 1
    assert refusal(Keyring("c", [KEY]), bytes(datagram)) is Drop.UNAUTHENTIC


@pytest.mark.parametrize("datagram", [b"", b"\x11", b"\x12" + bytes(60), b"\xc0" + bytes(60)])
def test_what_is_not_ours_is_foreign(datagram: bytes) -> None:
    assert refusal(Keyring("c", [KEY]), datagram) is Drop.FOREIGN


@pytest.mark.scenario(98)
def test_a_key_is_rotated_without_losing_a_datagram() -> None:
    ring, old, new = Keyring("c", [KEY]), Keyring("c", [KEY]), Keyring("c", [OTHER])
    ring.replace(ring.ring.adding(OTHER))
    ring.open(old.seal(ALICE, 1, b"x"))
    ring.replace(ring.ring.sealing_with(OTHER))
    assert ring.keys == [OTHER, KEY]
    assert new.open(ring.seal(node_key("bob"), 1, b"y")).plaintext == b"y"
    ring.open(new.seal(ALICE, 2, b"z"))
    ring.replace(ring.ring.removing(KEY))
    assert refusal(ring, old.seal(ALICE, 2, b"x")) is Drop.UNKNOWN_KEY


@pytest.mark.scenario(98)
def test_the_key_in_use_cannot_be_removed_and_others_must_be_there() -> None:
    ring = Keyring("c", [KEY])
    with pytest.raises(InvalidKey, match="seals"):
        ring.replace(ring.ring.removing(KEY))
    with pytest.raises(InvalidKey, match="does not hold"):
        ring.replace(ring.ring.sealing_with(OTHER))
    with pytest.raises(InvalidKey, match="32 bytes"):
        ring.replace(ring.ring.adding(b"short"))


def test_forged_senders_fill_no_table() -> None:
    ring = Keyring("c", [KEY])
    genuine = Keyring("c", [KEY]).seal(ALICE, 7, b"x")
    for number in range(50):
        refusal(ring, genuine[:2] + number.to_bytes(8, "big") + genuine[10:])
    assert ring._windows == {}
    assert ring._subkeys._known == {}


def test_the_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "PEERS_MAX", 4)
    monkeypatch.setattr(subkeys, "SENDERS_MAX", 4)
    ring, sender = Keyring("c", [KEY]), Keyring("c", [KEY])
    for number in range(10):
        ring.open(sender.seal(node_key(f"n{number}"), 1, b"x"))
    assert len(ring._windows) == 4
    assert len(ring._subkeys._known) == 4


def test_what_was_derived_from_a_key_goes_with_it() -> None:
    ring = Keyring("c", [OTHER, KEY])
    ring.open(Keyring("c", [KEY]).seal(ALICE, 7, b"x"))
    ring.replace(Ring((OTHER,)))
    assert ring._subkeys._known == {}


@pytest.mark.scenario(106)
def test_a_replay_is_known_whatever_key_it_came_under() -> None:
    ring, sender = Keyring("c", [KEY, OTHER]), Keyring("c", [KEY, OTHER])
    old = sender.seal(ALICE, 7, b"x")
    ring.open(old)
    sender.replace(sender.ring.sealing_with(OTHER))
    ring.open(sender.seal(ALICE, 7, b"y"))
    assert refusal(ring, old) is Drop.REPLAYED


# ---- plain datagrams


def keyring_of(encryption: Encryption, cluster: str = "c") -> Keyring:
    return Keyring(cluster, [KEY], encryption=encryption)


@pytest.mark.parametrize("receiver", [Encryption.ACCEPT_PLAIN, Encryption.OFF])
def test_a_plain_datagram_opens_where_plain_is_taken(receiver: Encryption) -> None:
    datagram = keyring_of(Encryption.OFF).seal(ALICE, 7, b"hello")
    assert datagram[0] < 0x40
    assert datagram.endswith(b"hello")
    assert len(datagram) == 5 + PLAIN_OVERHEAD_BYTES
    assert keyring_of(receiver).open(datagram) == (ALICE, 7, b"hello", False)


def test_where_sealing_is_required_a_plain_datagram_is_refused_unread() -> None:
    assert refusal(Keyring("c", [KEY]), keyring_of(Encryption.OFF).seal(ALICE, 7, b"x")) is Drop.PLAIN


@pytest.mark.scenario(99)
def test_neighbouring_modes_read_each_other_in_both_directions() -> None:
    order = [Encryption.OFF, Encryption.ACCEPT_PLAIN, Encryption.REQUIRED]
    for first, second in [*pairwise(order), *((mode, mode) for mode in order)]:
        for sender, receiver in ((first, second), (second, first)):
            datagram = keyring_of(sender).seal(ALICE, 7, b"x")
            assert keyring_of(receiver).open(datagram).plaintext == b"x", (sender, receiver)


def test_a_plain_datagram_opens_once() -> None:
    ring, datagram = keyring_of(Encryption.OFF), keyring_of(Encryption.OFF).seal(ALICE, 7, b"x")
    ring.open(datagram)
    assert refusal(ring, datagram) is Drop.REPLAYED


@pytest.mark.scenario(100)
def test_plain_clusters_do_not_mix() -> None:
    datagram = keyring_of(Encryption.OFF, "d").seal(ALICE, 7, b"x")
    assert refusal(keyring_of(Encryption.OFF), datagram) is Drop.UNAUTHENTIC


@pytest.mark.scenario(97)
@pytest.mark.parametrize("at", [1, 2, 9, 13, 19, 20, -1])
def test_a_flipped_bit_of_a_plain_datagram_is_noticed_wherever_it_is(at: int) -> None:
    datagram = bytearray(keyring_of(Encryption.OFF).seal(ALICE, 7, b"x"))
    datagram[at] ^= 1
    assert refusal(keyring_of(Encryption.OFF), bytes(datagram)) is Drop.UNAUTHENTIC


@pytest.mark.parametrize("length", range(PLAIN_OVERHEAD_BYTES))
def test_a_plain_datagram_that_is_cut_is_foreign(length: int) -> None:
    datagram = keyring_of(Encryption.OFF).seal(ALICE, 7, b"x")
    assert refusal(keyring_of(Encryption.OFF), datagram[:length]) is Drop.FOREIGN
