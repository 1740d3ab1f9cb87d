"""Packets to bytes and back: MessagePack arrays, each message an array that starts with its kind.

One table says, for each kind, what its fields may be. A packet is decoded completely before anything in it
is applied, so a bad one changes nothing. Trailing bytes, unknown kinds, missing and surplus fields are
errors: inside an authenticated datagram they mean a different version, not noise.

Source: MessagePack specification; DESIGN.md, "Datagram".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgpack

from swim.coordinates import COORDINATE_BYTES
from swim.errors import InvalidIdentity, Malformed
from swim.member import (
    EPOCH_MAX,
    INCARNATION_MAX,
    KEY_BYTES,
    REVISION_MAX,
    check_address,
    check_node_id,
)
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

SEQUENCE_MAX = 2**32 - 1
TARGET_BYTES = 4
DIGEST_BYTES = 8
ACCUSER_BYTES = 4
ENTRY_BYTES = 20
BUCKETS_BYTES = 256
METADATA_BYTES_MAX = 512
CONTENT_REFERENCE_BYTES = 20
CONTENT_BYTES_MAX = 65_536
CONTENT_PIECE_BYTES = 1000
ACCUSERS_MAX = 16
VERSION_MAX = 127
PACKET_OVERHEAD_BYTES = 8
"""Array header and incarnation around the messages of a packet."""

Check = Callable[[Any], bool]


def _number(high: int) -> Check:
    return lambda value: type(value) is int and 0 <= value <= high


def _bytes(*lengths: int) -> Check:
    return lambda value: type(value) is bytes and len(value) in lengths


def _bytes_to(high: int) -> Check:
    return lambda value: type(value) is bytes and len(value) <= high


def _pieces(size: int, high: int) -> Check:
    return lambda value: type(value) is bytes and len(value) % size == 0 and len(value) <= size * high


def _text(high: int) -> Check:
    return lambda value: type(value) is str and 0 < len(value) <= high


_KEY = _bytes(KEY_BYTES)
_KEY_OR_NONE = _bytes(0, KEY_BYTES)
_SEQUENCE = _number(SEQUENCE_MAX)
_DIGEST = _bytes(DIGEST_BYTES)
_EPOCH = _number(EPOCH_MAX)
_INCARNATION = _number(INCARNATION_MAX)
_CLAIM = (_KEY, _EPOCH, _INCARNATION)
_ACCUSERS = _pieces(ACCUSER_BYTES, ACCUSERS_MAX)
_VERSION = _number(VERSION_MAX)
_REFERENCE = _bytes(CONTENT_REFERENCE_BYTES)
_REFERENCE_OR_NONE = _bytes(0, CONTENT_REFERENCE_BYTES)

# kind on the wire -> class, checks of its fields in order. Numbers are never used again for something else.
KINDS: dict[int, tuple[Callable[..., Message], tuple[Check, ...]]] = {
    1: (Ping, (_SEQUENCE, _bytes(TARGET_BYTES), _DIGEST)),
    2: (Ack, (_SEQUENCE, _DIGEST, _bytes(0, COORDINATE_BYTES))),
    3: (PingRequest, (_SEQUENCE, _KEY)),
    4: (Nack, (_SEQUENCE,)),
    5: (
        Alive,
        (
            _text(63),
            _text(255),
            _number(65_535),
            _EPOCH,
            _INCARNATION,
            _number(REVISION_MAX),
            _bytes_to(METADATA_BYTES_MAX),
            _REFERENCE_OR_NONE,
            _VERSION,
            _VERSION,
        ),
    ),
    6: (Refute, _CLAIM),
    7: (Suspect, (*_CLAIM, _ACCUSERS)),
    8: (Dead, (*_CLAIM, _ACCUSERS)),
    9: (Left, _CLAIM),
    10: (Topic, (_KEY, _EPOCH, _SEQUENCE, _text(255), _bytes_to(9000))),
    11: (Pull, (_KEY_OR_NONE,)),
    12: (Page, (_KEY_OR_NONE,)),
    13: (Buckets, (_bytes(BUCKETS_BYTES),)),
    14: (Listing, (_KEY, _KEY, _pieces(ENTRY_BYTES, 500))),
    15: (Want, (_pieces(KEY_BYTES, 128),)),
    16: (ContentWant, (_REFERENCE, _number(CONTENT_BYTES_MAX))),
    17: (ContentPiece, (_REFERENCE, _number(CONTENT_BYTES_MAX), _bytes_to(CONTENT_PIECE_BYTES))),
}
_ALIVE = 5
_CODES: dict[object, int] = {kind: code for code, (kind, _) in KINDS.items()}
_packer = msgpack.Packer(use_bin_type=True)


def encode_message(message: Message) -> bytes:
    """Return one message as it stands inside a packet."""
    packed: bytes = _packer.pack((_CODES[type(message)], *message))
    return packed


def encode_packet(incarnation: int, parts: list[bytes]) -> bytes:
    """Return a packet around messages that are encoded already."""
    head: bytes = _packer.pack_array_header(1 + len(parts))
    return b"".join((head, _packer.pack(incarnation), *parts))


def decode_packet(plaintext: bytes) -> Packet:
    """Return the packet in a plaintext.

    Raises:
        Malformed: It is not exactly one packet of known messages.
    """
    try:
        items = msgpack.unpackb(plaintext, use_list=False, raw=False, strict_map_key=True)
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as err:
        raise Malformed(f"not one MessagePack object: {err}") from err
    if type(items) is not tuple or not items or not _INCARNATION(items[0]):
        raise Malformed("a packet starts with the incarnation of its sender")
    return Packet(items[0], [_decode_message(item) for item in items[1:]])


def _decode_message(item: object) -> Message:
    if type(item) is not tuple or not item or type(item[0]) is not int or item[0] not in KINDS:
        raise Malformed("unknown kind of message")
    if item[0] != _ALIVE:
        return _check_message(item)
    try:
        return _check_known_message(item)
    except TypeError as err:  # a map inside: not hashable, and not a field of anything
        raise Malformed("message kind 5 with a map in it") from err


def _check_message(item: tuple[Any, ...]) -> Message:
    kind, checks = KINDS[item[0]]
    if len(item) != len(checks) + 1:
        raise Malformed(f"message kind {item[0]} has {len(checks)} fields, not {len(item) - 1}")
    for position, check in enumerate(checks, start=1):
        if not check(item[position]):
            raise Malformed(f"message kind {item[0]}, field {position}")
    message = kind(*item[1:])
    if type(message) is Alive:
        _check_introduction(message)
    return message


# A record arrives about as often as it is told, a dozen times: all but the first are looked up.
_check_known_message = lru_cache(maxsize=4096)(_check_message)


def _check_introduction(alive: Alive) -> None:
    try:
        check_node_id(alive.node_id)
        check_address(alive.host, alive.port)
    except InvalidIdentity as err:
        raise Malformed(str(err)) from err
    if alive.version_min > alive.version_max:
        raise Malformed(f"versions {alive.version_min} to {alive.version_max} are no range")
