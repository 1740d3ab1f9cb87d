"""What two replicas say to one another when they compare, as bytes.

    initiator                              responder
    context [1]                       ->   [1, caught up, node -> stamp], now and then (context.py)
    digest  [1, root]                 ->   empty: we are equal; else its 256 sums
    pull    [1, [bucket, rows], ...]  ->   [1, entries newer here, key hashes newer there, left]
    pull    [1, [], [bucket, ...]]    ->   [1, all entries of these, [], left]
    push    page of the entries that were asked for
                                      ->   [1, [key hash, stamp], ...] of those that are stale
    forget  [1, [key hash, stamp], ...]  ->   empty; entries of the answers that are stale here

A row is 20 bytes: key hash, stamp, and a hash of the origin; that is enough to know which side is newer.
Answers are bounded pages. `left` are the buckets that should be asked for again; what came of the first of
them has been merged, so the next answer goes on where this one ended, without a cursor that could go stale.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, TypeVar

import msgspec

from caxton_node.core.ids import stable_hash
from caxton_node.registry.compression import decompress
from caxton_node.registry.entry import (
    FORMAT,
    MESSAGE_BYTES_MAX,
    Entry,
    MalformedPage,
    Name,
    Stamp,
    key_hash,
)

ROW = struct.Struct(">QQI")

Hash: TypeAlias = int
Version: TypeAlias = tuple[Hash, Stamp]
"""Key hash and stamp: what a version is called in comparisons."""


class Method(StrEnum):
    """Requests between nodes."""

    DIGEST = "registry.digest"
    PULL = "registry.pull"
    PUSH = "registry.push"
    CONTEXT = "registry.context"
    FORGET = "registry.forget"


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask the other side next."""

    method: Method
    payload: bytes


class Digest(msgspec.Struct, frozen=True, array_like=True):
    """Asks whether the other side is equal."""

    format: int
    root: bytes


class Pull(msgspec.Struct, frozen=True, array_like=True):
    """Asks for what is newer in some buckets, by rows of what is here; and for others as they are."""

    format: int
    buckets: list[tuple[int, bytes]]
    whole: list[int] = []


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """Answers `Pull`, from the side that writes it."""

    format: int
    entries: list[Entry | msgspec.Raw]
    wanted: list[Hash]
    left: list[int]


class ReadAnswer(msgspec.Struct, frozen=True, array_like=True):
    """The same from the side that reads it."""

    format: int
    entries: list[Entry]
    wanted: list[Hash]
    left: list[int]


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What a replica has seen of everybody's writes; empty as a question."""

    format: int
    caught_up: bool = False
    stamps: dict[Name, Stamp] = {}


class Stale(msgspec.Struct, frozen=True, array_like=True):
    """Versions that were deleted long ago."""

    format: int
    versions: list[Version]


T = TypeVar("T", Digest, Pull, ReadAnswer, Seen, Stale)


def encode(message: msgspec.Struct) -> bytes:
    """Return a message's bytes."""
    return msgspec.msgpack.encode(message)


def decode(payload: bytes, kind: type[T]) -> T:
    """Return the message of a kind.

    Raises:
        MalformedPage: It is none, or of another version of the format.
    """
    try:
        message: T = msgspec.msgpack.decode(decompress(payload, MESSAGE_BYTES_MAX), type=kind)
    except ValueError as err:  # msgspec's own are such errors too
        raise MalformedPage("a registry message cannot be read", why=str(err)) from err
    if message.format != FORMAT:
        raise MalformedPage(
            f"a registry message has format {message.format}",
            why=f"this node knows {FORMAT}",
            hint="upgrade the older node",
        )
    return message


def encode_rows(entries: Iterable[tuple[int, Entry]]) -> bytes:
    """Return the rows of entries, each given with its key hash."""
    return b"".join(ROW.pack(hashed, entry.stamp, tie(entry)) for hashed, entry in entries)


def tie(entry: Entry) -> int:
    """Return what tells versions of one stamp apart."""
    return stable_hash(entry.origin) & 0xFFFFFFFF


def name_versions(entries: Sequence[Entry]) -> Stale:
    """Return how entries are called in comparisons."""
    return Stale(FORMAT, [(key_hash(*entry.id), entry.stamp) for entry in entries])
