"""Group J: bytes that come in, sizes, versions, and strangers."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable

import msgpack
import pytest

from swim.codec import KINDS, decode_packet, encode_message, encode_packet
from swim.errors import InvalidIdentity, TooLarge
from swim.keyring import Encryption, Keyring
from swim.member import Identity
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
    Message,
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
from swim.statistics import Drop
from swim.timers import GossipRound
from tests.conformance.swim.scenes import ACCUSER, settled
from tests.conformance.swim.tables import hear
from tests.support.swim_pair import CLUSTER_KEY, Peer, Subject, only

pytestmark = pytest.mark.story("018")

KEY = bytes(8)
SAMPLES: list[Message] = [
    Ping(1, bytes(4), KEY),
    Ack(1, KEY, bytes(12)),
    PingRequest(1, KEY),
    Nack(1),
    Alive("node", "::1", 7946, 1, 2, 3, b"meta"),
    Refute(KEY, 1, 2),
    Suspect(KEY, 1, 2, ACCUSER),
    Dead(KEY, 1, 2, ACCUSER),
    Left(KEY, 1, 2),
    Topic(KEY, 1, 1, "topic", b"payload"),
    Pull(b""),
    Page(KEY),
    Buckets(bytes(256)),
    Listing(KEY, KEY, bytes(20)),
    Want(KEY),
    ContentWant(bytes(20), 0),
    ContentPiece(bytes(20), 0, b"piece"),
]


RING = Keyring("test", [CLUSTER_KEY])
"""One for all, so that no datagram is taken for an earlier one."""


def sealed(plaintext: bytes) -> bytes:
    """Return a datagram with any plaintext, sealed with the group key."""
    return RING.seal(Peer("speaker", 1).key, 1, plaintext)


# ---- bytes


@pytest.mark.scenario(96)
def test_every_message_survives_the_wire() -> None:
    assert {type(message) for message in SAMPLES} == {kind for kind, _ in KINDS.values()}
    packet = decode_packet(encode_packet(7, [encode_message(message) for message in SAMPLES]))
    assert packet == Packet(7, SAMPLES)
    assert [type(message) for message in packet.messages] == [type(message) for message in SAMPLES]


@pytest.mark.scenario(96)
@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda fields: [99, *fields[1:]],
        lambda fields: fields[:-1],
        lambda fields: [*fields, 0],
        lambda fields: [*fields[:-1], {}],
        lambda fields: [*fields[:-1], None],
        lambda fields: [*fields[:-1], -1],
    ],
    ids=["unknown kind", "a field less", "a field more", "a map", "nothing", "a negative number"],
)
def test_a_message_of_another_shape_drops_its_whole_datagram(
    message: Message, spoil: Callable[[list[object]], list[object]]
) -> None:
    subject, _ = settled(2)
    fields = msgpack.unpackb(encode_message(message), use_list=True)
    good = encode_message(Refute(Peer("peer-2", 2).key, 1, 7))
    packet = encode_packet(0, [good, msgpack.packb(spoil(fields), use_bin_type=True)])
    assert hear(subject, sealed(packet)) == 1
    assert subject.membership.statistics.dropped[Drop.MALFORMED] == 1


@pytest.mark.scenario(96)
def test_datagrams_cut_anywhere_or_with_anything_behind_are_dropped() -> None:
    subject, _ = settled(2)
    packet = encode_packet(0, [encode_message(message) for message in SAMPLES])
    whole = sealed(packet)
    assert sum(hear(subject, whole[:length]) for length in range(len(whole))) == len(whole)
    assert subject.membership.statistics.dropped[Drop.MALFORMED] == 0
    assert sum(hear(subject, sealed(packet[:length])) for length in range(len(packet))) == len(packet)
    assert subject.membership.statistics.dropped[Drop.MALFORMED] == len(packet)
    assert hear(subject, whole + b"\0") == hear(subject, sealed(packet + b"\0")) == 1


@pytest.mark.scenario(96)
@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", Drop.FOREIGN),
        (b"\x11", Drop.FOREIGN),
        (bytes(200), Drop.FOREIGN),
        (b"\x11" + bytes(200), Drop.UNKNOWN_KEY),
        (bytes(1233), Drop.OVERSIZE),
        (sealed(b""), Drop.MALFORMED),
        (sealed(b"\x90"), Drop.MALFORMED),
    ],
    ids=["empty", "one byte", "another protocol", "another key", "too long", "sealed nothing", "no packet"],
)
def test_each_reason_to_drop_is_counted_for_itself(datagram: bytes, reason: Drop) -> None:
    subject, _ = settled(2)
    assert hear(subject, datagram) == 1
    assert subject.membership.statistics.dropped[reason] == 1


# ---- clusters


@pytest.mark.scenario(100)
@pytest.mark.parametrize("encryption", [Encryption.REQUIRED, Encryption.ACCEPT_PLAIN, Encryption.OFF])
@pytest.mark.parametrize("cluster", ["", "tes", "testtest", "test\0", "Test", "t" * 300])
def test_the_id_of_the_cluster_is_authenticated_to_its_last_byte(
    cluster: str, encryption: Encryption
) -> None:
    """Memberlist writes a label before each packet; here it is in no datagram and in the seal of each."""
    stranger = Keyring(cluster, [CLUSTER_KEY], encryption=encryption)
    datagram = stranger.seal(Peer("peer-1", 1).key, 1, encode_packet(0, []))
    member = Keyring("test", [CLUSTER_KEY], encryption=encryption)
    membership = Membership(
        Identity("subject", ("10.0.0.100", 7946), 5), Settings(), member, random.Random(1)
    )
    assert membership.handle_datagram(datagram, ("10.0.0.1", 1), 1.0) == []
    assert membership.statistics.dropped[Drop.UNAUTHENTIC] == 1


# ---- bounds


@pytest.mark.scenario(101)
@pytest.mark.parametrize(
    "plaintext",
    [
        b"\xdd\xff\xff\xff\xff",
        b"\x92\x00\xdd\xff\xff\xff\xff",
        b"\x92\x00\x95\x05\xdb\xff\xff\xff\xff",
        b"\x92\x00\x94\x0e\xc6\xff\xff\xff\xff",
        b"\x91" * 1100,
        b"\xdf\xff\xff\xff\xff",
    ],
    ids=["an array", "a message", "a text", "bytes", "nesting", "a map"],
)
def test_a_length_that_is_claimed_is_not_allocated(plaintext: bytes) -> None:
    subject, _ = settled(2)
    datagram = sealed(plaintext)
    tracemalloc.start()
    try:
        assert hear(subject, datagram) == 1
        assert subject.membership.statistics.dropped[Drop.MALFORMED] == 1
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.scenario(101)
@pytest.mark.parametrize(
    "message",
    [
        Want(KEY * 129),
        Suspect(KEY, 1, 0, ACCUSER * 17),
        Alive("node", "10.0.0.1", 1, 1, 0, 0, bytes(513)),
        Alive("n" * 64, "10.0.0.1", 1, 1, 0, 0, b""),
        Topic(KEY, 1, 1, "t" * 256, b""),
        ContentPiece(bytes(20), 0, bytes(1001)),
        ContentWant(bytes(20), 65_537),
        Ping(2**32, bytes(4), KEY),
        Refute(KEY, 2**32, 0),
        Refute(KEY, 1, 2**31),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_is_above_its_bound_is_dropped_before_anything_is_stored(message: Message) -> None:
    subject, _ = settled(2)
    before = subject.membership.members()
    assert hear(subject, sealed(encode_packet(0, [encode_message(message)]))) == 1
    assert subject.membership.statistics.dropped[Drop.MALFORMED] == 1
    assert subject.membership.members() == before


@pytest.mark.scenario(101)
def test_a_flood_of_strangers_fills_the_table_to_its_bound_and_no_further() -> None:
    subject = Subject(Settings(members_max=20))
    for number in range(200):
        stranger = Peer(f"stranger-{number}", 9)
        subject.hear(stranger, stranger.record(metadata=bytes(128)))
    assert len(subject.membership.members()) == 20
    assert subject.membership.statistics.dropped[Drop.TABLE_FULL] >= 181
    assert len(subject.membership._context.dissemination.claims) <= 2 * 20


# ---- limits of what is handed in


@pytest.mark.scenario(102)
@pytest.mark.parametrize("name", ["a", "0", "n" * 63, "a-b-c", "a" + "-" * 61 + "z"])
def test_a_name_at_its_limit_goes_out_and_is_taken_in(name: str) -> None:
    subject = Subject()
    named = Peer(name, 9)
    Identity(name, named.address, 1)
    subject.hear(named, named.record())
    assert subject.membership.find(name) is not None


@pytest.mark.scenario(102)
@pytest.mark.parametrize("name", ["", "n" * 64, "-a", "a-", "A", "a.b", "a_b", "a b", "a\0", "ü", "a\n"])
def test_a_name_beyond_its_limit_is_refused_by_a_sentence_and_dropped_from_the_wire(name: str) -> None:
    with pytest.raises(InvalidIdentity, match="node id"):
        Identity(name, ("10.0.0.1", 7946), 1)
    subject = Subject()
    named = Peer(name, 9)
    subject.hear(named, named.record())
    assert subject.membership.find(name) is None
    assert subject.membership.statistics.dropped[Drop.MALFORMED] == 1


@pytest.mark.scenario(102)
@pytest.mark.parametrize(("epoch", "port"), [(0, 1), (2**32 - 1, 65_535)])
def test_epochs_and_ports_at_their_limits_are_taken(epoch: int, port: int) -> None:
    assert Identity("a", ("10.0.0.1", port), epoch).epoch == epoch


@pytest.mark.scenario(102)
@pytest.mark.parametrize(("epoch", "port"), [(-1, 1), (2**32, 1), (1, 0), (1, 65_536), (1, -1)])
def test_epochs_and_ports_beyond_their_limits_are_refused(epoch: int, port: int) -> None:
    with pytest.raises(InvalidIdentity):
        Identity("a", ("10.0.0.1", port), epoch)


@pytest.mark.scenario(102)
@pytest.mark.parametrize("size", [0, 127, 128, 129, 65_535, 65_536])
def test_metadata_up_to_its_limit_is_taken_and_one_byte_more_is_not(size: int) -> None:
    """Memberlist panics at 513 bytes; here 64 KiB are told, those above 128 bytes by reference."""
    subject, (bob, _) = settled(2)
    subject._note(subject.membership.update_metadata(bytes(size), subject.now))
    told = bob.hears(subject.fire(GossipRound))
    [record] = [alive for alive in only(told, Alive) if alive.node_id == "subject"]
    assert (len(record.metadata), bool(record.content)) == ((size, False) if size <= 128 else (0, True))
    with pytest.raises(TooLarge, match="at most 65536"):
        subject.membership.update_metadata(bytes(65_537), subject.now)
    assert subject.membership.self_member.metadata == bytes(size)
