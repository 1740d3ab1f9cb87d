"""Packets and datagrams: what goes out comes back, and nothing that comes in raises."""

from __future__ import annotations

import contextlib
import random

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swim.codec import decode_packet, encode_message, encode_packet
from swim.effects import Send
from swim.errors import Malformed
from swim.keyring import Keyring
from swim.member import EPOCH_MAX, INCARNATION_MAX, Identity, node_key
from swim.membership import Membership
from swim.messages import (
    Ack,
    Alive,
    Buckets,
    ContentPiece,
    ContentWant,
    Dead,
    Left,
    Listing,
    Nack,
    Packet,
    Page,
    Ping,
    PingRequest,
    Pull,
    Refute,
    Suspect,
    Topic,
    Want,
)
from swim.settings import Settings

pytestmark = pytest.mark.story("018")

keys = st.binary(min_size=8, max_size=8)
sequences = st.integers(0, 2**32 - 1)
epochs = st.integers(0, EPOCH_MAX)
incarnations = st.integers(0, INCARNATION_MAX)
names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
accusers = st.lists(keys.map(lambda key: key[:4]), max_size=4).map(b"".join)
references = st.binary(min_size=20, max_size=20)
messages = st.one_of(
    st.builds(Ping, sequences, st.binary(min_size=4, max_size=4), keys),
    st.builds(Ack, sequences, keys, st.sampled_from([b"", bytes(12)])),
    st.builds(PingRequest, sequences, keys),
    st.builds(Nack, sequences),
    st.builds(
        Alive,
        names,
        st.sampled_from(["10.0.0.1", "::1", "fe80::1%eth0"]),
        st.integers(1, 65_535),
        epochs,
        incarnations,
        incarnations,
        st.binary(max_size=128),
        st.one_of(st.just(b""), references),
        st.integers(0, 3),
        st.integers(3, 127),
    ),
    st.builds(Refute, keys, epochs, incarnations),
    st.builds(Suspect, keys, epochs, incarnations, accusers),
    st.builds(Dead, keys, epochs, incarnations, accusers),
    st.builds(Left, keys, epochs, incarnations),
    st.builds(Topic, keys, epochs, sequences, st.text(min_size=1, max_size=64), st.binary(max_size=900)),
    st.builds(Pull, st.one_of(st.just(b""), keys)),
    st.builds(Page, st.one_of(st.just(b""), keys)),
    st.builds(Buckets, st.binary(min_size=256, max_size=256)),
    st.builds(Listing, keys, keys, st.lists(st.binary(min_size=20, max_size=20), max_size=5).map(b"".join)),
    st.builds(Want, st.lists(keys, max_size=5).map(b"".join)),
    st.builds(ContentWant, references, st.integers(0, 65_536)),
    st.builds(ContentPiece, references, st.integers(0, 65_536), st.binary(max_size=300)),
)
packets = st.builds(Packet, incarnations, st.lists(messages, max_size=6))


def encoded(packet: Packet) -> bytes:
    return encode_packet(packet.incarnation, [encode_message(message) for message in packet.messages])


@pytest.mark.scenario(96)
@given(packets)
def test_a_packet_comes_back_as_it_went_out(packet: Packet) -> None:
    back = decode_packet(encoded(packet))
    assert back == packet
    assert [type(message) for message in back.messages] == [type(message) for message in packet.messages]


@pytest.mark.scenario(96)
@given(packets, st.data())
def test_a_truncated_packet_is_malformed(packet: Packet, data: st.DataObject) -> None:
    whole = encoded(packet)
    with pytest.raises(Malformed):
        decode_packet(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.scenario(96)
@given(packets, st.binary(min_size=1, max_size=5))
def test_trailing_bytes_are_malformed(packet: Packet, more: bytes) -> None:
    with pytest.raises(Malformed):
        decode_packet(encoded(packet) + more)


@pytest.mark.scenario(96)
@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_malformed(plaintext: bytes) -> None:
    with contextlib.suppress(Malformed):
        decode_packet(plaintext)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(st.one_of(anything, st.tuples(st.integers(1, 15), anything, anything)), max_size=4))
def test_any_messagepack_decodes_or_is_malformed(items: list[object]) -> None:
    with contextlib.suppress(Malformed):
        decode_packet(msgpack.packb([0, *items]))


# ---- the whole way in

CLUSTER_KEY = bytes(32)
PEER = ("10.0.0.2", 7946)


def receiver() -> Membership:
    identity = Identity("receiver", ("10.0.0.1", 7946), 1)
    membership = Membership(identity, Settings.lan(), Keyring("c", [CLUSTER_KEY]), random.Random(1))
    membership.start(0.0)
    return membership


def sealed(plaintext: bytes, name: str = "sender") -> bytes:
    return Keyring("c", [CLUSTER_KEY]).seal(node_key(name), 1, plaintext)


def dropped(membership: Membership) -> int:
    return sum(membership.statistics.dropped.values())


@given(packets)
def test_every_packet_of_a_member_is_survived_and_answers_fit_a_datagram(packet: Packet) -> None:
    membership = receiver()
    effects = membership.handle_datagram(sealed(encoded(packet)), PEER, 1.0)
    for effect in effects:
        if isinstance(effect, Send):
            assert len(effect.datagram) + 48 <= 1400
    assert membership.self_member.is_live


@pytest.mark.scenario(97)
@given(packets, st.data())
def test_a_flipped_bit_drops_the_datagram(packet: Packet, data: st.DataObject) -> None:
    membership, datagram = receiver(), bytearray(sealed(encoded(packet)))
    bit = data.draw(st.integers(0, 8 * len(datagram) - 1))
    datagram[bit // 8] ^= 1 << bit % 8
    before = membership.digest
    assert membership.handle_datagram(bytes(datagram), PEER, 1.0) == []
    assert dropped(membership) == 1
    assert membership.digest == before


@given(packets, st.data())
def test_a_truncated_or_lengthened_datagram_is_dropped(packet: Packet, data: st.DataObject) -> None:
    membership, datagram = receiver(), sealed(encoded(packet))
    cut = datagram[: data.draw(st.integers(0, len(datagram) - 1))]
    longer = datagram + data.draw(st.binary(min_size=1, max_size=4))
    assert membership.handle_datagram(cut, PEER, 1.0) == []
    assert membership.handle_datagram(longer, PEER, 1.0) == []
    assert dropped(membership) == 2
    assert len(membership.members()) == 1


@pytest.mark.scenario(96)
@given(st.binary(max_size=1500))
def test_noise_is_counted_and_dropped(noise: bytes) -> None:
    membership = receiver()
    assert membership.handle_datagram(noise, PEER, 1.0) == []
    assert dropped(membership) == 1
    assert membership.statistics.bytes_in == len(noise)


@given(st.binary(max_size=300))
def test_authentic_nonsense_is_counted_and_dropped(plaintext: bytes) -> None:
    membership = receiver()
    membership.handle_datagram(sealed(b"\xc1" + plaintext), PEER, 1.0)
    assert dropped(membership) == 1


@given(st.lists(st.tuples(packets, st.sampled_from(["a", "b", "c"])), max_size=8))
def test_a_conversation_of_any_packets_is_survived(talk: list[tuple[Packet, str]]) -> None:
    membership = receiver()
    rings = {name: Keyring("c", [CLUSTER_KEY]) for name in "abc"}
    for number, (packet, name) in enumerate(talk):
        datagram = rings[name].seal(node_key(name), 1, encoded(packet))
        membership.handle_datagram(datagram, PEER, number / 4)
    assert membership.find("receiver") == membership.self_member
