"""How many bytes memberlist puts on the wire.

Messages are MessagePack maps of the old specification with the field names in them, encoded here for real and
then only counted. Datagrams get AES-GCM framing, and a checksum where memberlist adds one (gossip and pings
to suspects, not pings and acks). A TCP connection is four segments for the network that loses them: what
travels with each of them (acknowledgements, segment headers, the end) is counted with it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import lru_cache

import msgpack

from swim.member import Address
from tests.bench.swim_sim.memberlist.compression import WRAPPING_BYTES, Compression, lzw_bytes
from tests.bench.swim_sim.memberlist.messages import (
    Ack,
    Alive,
    Dead,
    Entry,
    IndirectPing,
    Message,
    Nack,
    Ping,
    Reply,
    Request,
    Segment,
    StreamContent,
    Suspect,
    Syn,
    SynAck,
    Table,
)

SEALED_BYTES = 29
"""Version, nonce and tag of AES-GCM."""
CHECKSUM_BYTES = 5
UDP_BYTES = 28
"""IP and UDP headers, which the simulated network adds to whatever it carries."""
SYN_BYTES, TCP_BYTES, MSS_BYTES = 60, 52, 1448
STREAM_SEALED_BYTES = 5 + SEALED_BYTES
CLOSING_BYTES = 3 * TCP_BYTES
VERSIONS = bytes([1, 5, 2, 2, 5, 4])
_pack = msgpack.Packer(use_bin_type=False).pack
_SOURCE = bytes(4), 7946


class Datagram:
    """What the network carries: messages, and the length that they would have."""

    __slots__ = ("messages", "size")

    def __init__(self, messages: Sequence[Message], size: int) -> None:
        self.messages = messages
        self.size = size

    def __len__(self) -> int:
        return self.size


def encode(message: Message) -> bytes:
    """Return a message as memberlist would encode it, type byte included."""
    match message:
        case Ping(sequence, node, source):
            body = {"SeqNo": sequence, "Node": node} | _origin(source)
        case IndirectPing(sequence, node, source):
            target = {"Target": _SOURCE[0], "Port": _SOURCE[1], "Node": node, "Nack": True}
            body = {"SeqNo": sequence} | target | _origin(source)
        case Ack(sequence):
            body = {"SeqNo": sequence, "Payload": None}
        case Nack(sequence):
            body = {"SeqNo": sequence}
        case Alive(incarnation, node, address, metadata):
            body = {"Incarnation": incarnation, "Node": node} | _profile(address, metadata)
        case Suspect(incarnation, node, accuser) | Dead(incarnation, node, accuser):
            body = {"Incarnation": incarnation, "Node": node, "From": accuser}
        case _:
            raise TypeError(f"{message!r} is no datagram")
    packed: bytes = _pack(body)
    return b"\0" + packed


encode_claim = lru_cache(maxsize=65_536)(encode)
"""The same for what is told again and again."""


def _origin(source: str) -> dict[str, object]:
    return {"SourceAddr": _SOURCE[0], "SourcePort": _SOURCE[1], "SourceNode": source}


def _profile(address: Address, metadata: bytes) -> dict[str, object]:
    host = bytes(int(part) for part in address[0].split("."))
    return {"Addr": host, "Port": address[1], "Meta": metadata, "Vsn": VERSIONS}


def datagram(
    compression: Compression, messages: Sequence[Message], parts: Sequence[bytes], *, checksum: bool
) -> Datagram:
    """Return messages, whose encoded form is `parts`, as one datagram."""
    size = len(parts[0]) if len(parts) == 1 else 2 + sum(2 + len(part) for part in parts)
    if len(parts) > 1:
        size = compression.packet_bytes(parts, size)
    return Datagram(messages, size + SEALED_BYTES + (CHECKSUM_BYTES if checksum else 0))


def segment(message: Segment) -> Datagram:
    """Return one of the four steps of a connection."""
    match message:
        case Syn() | SynAck():
            size = SYN_BYTES
        case Request(_, content):
            size = TCP_BYTES + _flow_bytes(content)
        case Reply(_, content):
            size = _flow_bytes(content) + CLOSING_BYTES
    return Datagram((message,), size - UDP_BYTES)


def _flow_bytes(content: StreamContent) -> int:
    """Return one direction's bytes with headers, and an acknowledgement for every second segment."""
    payload = content_bytes(content)
    segments = math.ceil(payload / MSS_BYTES)
    return payload + TCP_BYTES * (segments + math.ceil(segments / 2))


def content_bytes(content: StreamContent) -> int:
    """Return the payload of one direction of a connection."""
    if isinstance(content, Table):
        return round(content.members * _entry_bytes(_rounded(content.members), content.metadata_bytes))
    return _ping_bytes()


def _rounded(members: int) -> int:
    """Return the number in steps of about an eighth, so that few tables have to be compressed."""
    step = 1 << max(0, members.bit_length() - 4)
    return max(1, members // step * step)


@lru_cache(maxsize=256)
def _entry_bytes(members: int, metadata_bytes: int) -> float:
    """Return what an entry of a table of that many takes, compressed and sealed; the metadata is random."""
    rng = random.Random(members)
    entries = [
        _encode_entry(Entry(f"node-{number:05d}", _address(number), rng.randbytes(metadata_bytes)))
        for number in range(members)
    ]
    head: bytes = _pack({"Nodes": members, "UserStateLen": 0, "Join": False})
    packed = lzw_bytes(b"\6" + head + b"".join(entries))
    return (packed + WRAPPING_BYTES + STREAM_SEALED_BYTES) / members


def _address(number: int) -> Address:
    return f"10.0.{number >> 8}.{number & 255}", 7946


def _encode_entry(entry: Entry) -> bytes:
    profile = _profile(entry.address, entry.metadata)
    packed: bytes = _pack({"Name": entry.node} | profile | {"Incarnation": entry.incarnation, "State": 0})
    return packed


@lru_cache(maxsize=1)
def _ping_bytes() -> int:
    ping = encode(Ping(1000, "node-00001", "node-00002"))
    return lzw_bytes(ping) + WRAPPING_BYTES + STREAM_SEALED_BYTES
