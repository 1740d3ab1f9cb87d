"""Make two replicas equal, at a price that follows their difference and not their size.

    initiator                              responder
    digest  [1, root]                 ->   empty: we are equal; else its 256 sums
    pull    [1, [bucket, rows], ...]  ->   [1, entries newer here, key hashes newer there, more]
    push    page of the entries that were asked for

A row is 20 bytes: key hash, stamp, and a hash of the origin; that is enough to know which side is newer.
Answers are bounded pages: `more` says that the same buckets should be asked for again, and since what
came has been merged, the next answer goes on where this one ended, without a cursor that could go stale.

`Exchange` is the initiator as a machine without IO: send its request, hand it the answer, until it has
none left. The responder is three functions from bytes to bytes.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import msgspec

from caxton_node.core.ids import stable_hash
from caxton_node.registry.digest import BUCKETS, SUMS_BYTES
from caxton_node.registry.entry import (
    FORMAT,
    PAGE_BYTES_MAX,
    Entry,
    MalformedPage,
    decode_page,
    encode_entry,
    paginate,
)
from caxton_node.registry.replica import Replica

ROWS_MAX = 6000

_ROW = struct.Struct(">QQI")


class Method(StrEnum):
    """Requests between nodes."""

    DIGEST = "registry.digest"
    PULL = "registry.pull"
    PUSH = "registry.push"


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask the other side next."""

    method: Method
    payload: bytes


T = TypeVar("T", "_Digest", "_Pull", "_ReadAnswer")


class _Digest(msgspec.Struct, frozen=True, array_like=True):
    format: int
    root: bytes


class _Pull(msgspec.Struct, frozen=True, array_like=True):
    format: int
    buckets: list[tuple[int, bytes]]


class _Answer(msgspec.Struct, frozen=True, array_like=True):
    format: int
    entries: list[Entry | msgspec.Raw]
    wanted: list[int]
    more: bool


class _ReadAnswer(msgspec.Struct, frozen=True, array_like=True):
    format: int
    entries: list[Entry]
    wanted: list[int]
    more: bool


class Exchange:
    """One comparison with one peer, from the side that asks.

    Attributes:
        equal: The peer's digest was the same: nothing was exchanged.
        received: Entries that were new here.
        sent: Entries that the peer asked for.
    """

    def __init__(self, replica: Replica) -> None:
        self.equal = False
        self.received = 0
        self.sent = 0
        self._replica = replica
        self._buckets: deque[int] = deque()
        self._asked: list[int] = []
        self._pushes: deque[bytes] = deque()
        self._request: Request | None = Request(
            Method.DIGEST, _encode(_Digest(FORMAT, replica.buckets.root()))
        )

    @property
    def request(self) -> Request | None:
        """Return what to send now; None when the exchange is over."""
        return self._request

    def handle_answer(self, answer: bytes, now_us: int) -> list[Entry]:
        """Take the answer to the present request; return the entries that are new here.

        Raises:
            MalformedPage: The answer cannot be read; nothing of it was used and the exchange is over.
        """
        request, self._request = self._request, None
        assert request is not None, "the exchange is over"
        changed: list[Entry] = []
        match request.method:
            case Method.DIGEST:
                self._handle_sums(answer)
            case Method.PULL:
                changed = self._handle_entries(answer, now_us)
            case Method.PUSH:
                pass
        self._request = self._next()
        return changed

    def _handle_sums(self, answer: bytes) -> None:
        self.equal = not answer
        if answer and len(answer) != SUMS_BYTES:
            raise MalformedPage("a registry digest cannot be read", why=f"it has {len(answer)} bytes")
        self._buckets.extend(self._replica.buckets.differing(answer) if answer else ())

    def _handle_entries(self, answer: bytes, now_us: int) -> list[Entry]:
        read = _decode(answer, _ReadAnswer)
        changed = self._replica.merge(read.entries, now_us)
        self.received += len(changed)
        if read.more and changed:
            self._buckets.extendleft(reversed(self._asked))
        wanted = list(self._replica.buckets.find(read.wanted))
        self.sent += len(wanted)
        self._pushes.extend(paginate(wanted))
        return changed

    def _next(self) -> Request | None:
        if self._pushes:
            return Request(Method.PUSH, self._pushes.popleft())
        if self._buckets:
            self._asked = list(self._take_buckets())
            rows = [(bucket, _rows(self._replica, bucket)) for bucket in self._asked]
            return Request(Method.PULL, _encode(_Pull(FORMAT, rows)))
        return None

    def _take_buckets(self) -> Iterator[int]:
        rows = 0
        while self._buckets:
            rows += len(self._replica.buckets.entries_of(self._buckets[0]))
            yield self._buckets.popleft()
            if rows >= ROWS_MAX:
                return


def answer_digest(replica: Replica, payload: bytes) -> bytes:
    """Answer DIGEST: nothing when the replicas are equal, else this one's sums.

    Raises:
        MalformedPage: The request cannot be read.
    """
    digest = _decode(payload, _Digest)
    return b"" if digest.root == replica.buckets.root() else replica.buckets.sums()


def answer_pull(replica: Replica, payload: bytes) -> bytes:
    """Answer PULL: entries that are newer here, in one bounded page, and the names of those newer there.

    Raises:
        MalformedPage: The request cannot be read.
    """
    newer_here: list[Entry] = []
    newer_there: list[int] = []
    for bucket, rows in _decode(payload, _Pull).buckets:
        if bucket not in range(BUCKETS) or len(rows) % _ROW.size:
            raise MalformedPage(
                "a registry pull cannot be read", why=f"bucket {bucket} with {len(rows)} bytes"
            )
        _compare(replica.buckets.entries_of(bucket), rows, newer_here, newer_there)
    page, more = _first_page(newer_here)
    return _encode(_Answer(FORMAT, page, [] if more else newer_there, more))


def answer_push(replica: Replica, payload: bytes, now_us: int) -> list[Entry]:
    """Take a page that was pushed; return the entries that are new here.

    Raises:
        MalformedPage: The page cannot be read; nothing was changed.
    """
    return replica.merge(decode_page(payload), now_us)


def _compare(mine: dict[int, Entry], rows: bytes, newer_here: list[Entry], newer_there: list[int]) -> None:
    theirs = {hashed: (stamp, tie) for hashed, stamp, tie in _ROW.iter_unpack(rows)}
    for hashed, entry in mine.items():
        stamp, tie = theirs.pop(hashed, (-1, 0))
        if entry.stamp > stamp:
            newer_here.append(entry)
        elif entry.stamp < stamp:
            newer_there.append(hashed)
        elif (
            _tie(entry) != tie
        ):  # two nodes wrote in the same instant: both sides merge and keep the same one
            newer_here.append(entry)
            newer_there.append(hashed)
    newer_there.extend(theirs)


def _first_page(entries: Sequence[Entry]) -> tuple[list[Entry | msgspec.Raw], bool]:
    page: list[Entry | msgspec.Raw] = []
    size = 0
    for entry in entries:
        raw = encode_entry(entry)
        size += len(raw)
        if page and size > PAGE_BYTES_MAX:
            return page, True
        page.append(raw)
    return page, False


def _rows(replica: Replica, bucket: int) -> bytes:
    entries = replica.buckets.entries_of(bucket).items()
    return b"".join(_ROW.pack(hashed, entry.stamp, _tie(entry)) for hashed, entry in entries)


def _tie(entry: Entry) -> int:
    return stable_hash(entry.origin) & 0xFFFFFFFF


def _encode(message: msgspec.Struct) -> bytes:
    return msgspec.msgpack.encode(message)


def _decode(payload: bytes, kind: type[T]) -> T:
    try:
        message: T = msgspec.msgpack.decode(payload, type=kind)
    except msgspec.DecodeError as err:
        raise MalformedPage("a registry message cannot be read", why=str(err)) from err
    if message.format != FORMAT:
        raise MalformedPage(
            f"a registry message has format {message.format}",
            why=f"this node knows {FORMAT}",
            hint="upgrade the older node",
        )
    return message
