"""The side that is asked in a comparison: functions from bytes to bytes, and to what is new here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from caxton_node.registry.comparison import (
    ROW,
    Answer,
    Digest,
    Pull,
    Seen,
    Stale,
    decode,
    encode,
    name_versions,
    tie,
)
from caxton_node.registry.compression import compress
from caxton_node.registry.digest import BUCKETS, Buckets
from caxton_node.registry.entry import (
    FORMAT,
    PAGE_BYTES_MAX,
    Entry,
    MalformedPage,
    decode_page,
    encode_entry,
)
from caxton_node.registry.replica import Replica


class Forgotten(NamedTuple):
    """What came of a peer's word that versions were deleted long ago.

    Attributes:
        dropped: Those that are gone.
        renewed: Own entries that were written anew instead, to be sent on.
    """

    dropped: list[Entry]
    renewed: list[Entry]


def answer_digest(replica: Replica, payload: bytes) -> bytes:
    """Answer DIGEST: nothing when the replicas are equal, else this one's sums.

    Raises:
        MalformedPage: The request cannot be read.
    """
    digest = decode(payload, Digest)
    return b"" if digest.root == replica.buckets.root() else replica.buckets.sums()


def answer_pull(replica: Replica, payload: bytes) -> bytes:
    """Answer PULL: entries that are newer here, in one bounded page, and the names of those newer there.

    Raises:
        MalformedPage: The request cannot be read.
    """
    pull = decode(payload, Pull)
    _check_buckets([*(bucket for bucket, _ in pull.buckets), *pull.whole])
    answer = _whole(replica.buckets, pull.whole) if pull.whole else _newer(replica.buckets, pull.buckets)
    return compress(encode(answer))


def answer_push(replica: Replica, payload: bytes, now_us: int) -> tuple[list[Entry], bytes]:
    """Take a page that was pushed; return the entries that are new here, and the answer.

    Raises:
        MalformedPage: The page cannot be read; nothing was changed.
    """
    stale: list[Entry] = []
    changed = replica.merge(decode_page(payload), now_us, stale=stale)
    return changed, encode(name_versions(stale)) if stale else b""


def answer_context(replica: Replica, payload: bytes, now_us: int) -> bytes:
    """Answer CONTEXT: what has been seen here of everybody's writes.

    Raises:
        MalformedPage: The request cannot be read.
    """
    decode(payload, Seen)
    context = replica.claim(now_us)
    return encode(Seen(FORMAT, context.caught_up, dict(context.stamps)))


def answer_forget(replica: Replica, payload: bytes, now_us: int) -> Forgotten:
    """Take FORGET, or the answer to a push: drop what a peer knows to be deleted.

    Raises:
        MalformedPage: It cannot be read; nothing was changed.
    """
    dropped: list[Entry] = []
    renewed: list[Entry] = []
    for hashed, stamp in decode(payload, Stale).versions:
        entry = replica.forget(hashed, stamp, now_us)
        if entry is not None:
            (dropped if entry.stamp == stamp else renewed).append(entry)
    return Forgotten(dropped, renewed)


def _check_buckets(buckets: Sequence[int]) -> None:
    if not all(bucket in range(BUCKETS) for bucket in buckets) or len(set(buckets)) < len(buckets):
        why = "it names a bucket that there is not, or one twice"
        raise MalformedPage("a registry pull cannot be read", why=why)


def _newer(buckets: Buckets, asked: Sequence[tuple[int, bytes]]) -> Answer:
    """Return what is newer here, bucket after bucket until the page is full."""
    page = _Page()
    wanted: list[int] = []
    for place, (bucket, rows) in enumerate(asked):
        newer_here, newer_there = _compare(buckets, bucket, rows)
        if not all(page.add(entry) for entry in newer_here):
            return Answer(FORMAT, page.entries, wanted, [bucket for bucket, _ in asked[place:]])
        wanted += newer_there
    return Answer(FORMAT, page.entries, wanted, [])


def _whole(buckets: Buckets, asked: Sequence[int]) -> Answer:
    """Return as many buckets as one page holds; none if the first alone is too large."""
    page = _Page()
    for place, bucket in enumerate(asked):
        done = len(page.entries)
        if not all(page.add(entry) for entry in buckets.entries_of(bucket).values()):
            return Answer(FORMAT, page.entries[:done], [], list(asked[place:]))
    return Answer(FORMAT, page.entries, [], [])


class _Page:
    """Entries as bytes, up to the size of a page."""

    def __init__(self) -> None:
        self.entries: list[Entry | msgspec.Raw] = []
        self._room = PAGE_BYTES_MAX

    def add(self, entry: Entry) -> bool:
        """Add an entry; return whether there was room."""
        raw = encode_entry(entry)
        if self.entries and len(raw) > self._room:
            return False
        self._room -= len(raw)
        self.entries.append(raw)
        return True


def _compare(buckets: Buckets, bucket: int, rows: bytes) -> tuple[list[Entry], list[int]]:
    """Return the entries of a bucket that are newer here, and the key hashes of those newer there."""
    if len(rows) % ROW.size:
        raise MalformedPage("a registry pull cannot be read", why=f"{len(rows)} bytes are no rows")
    newer_here: list[Entry] = []
    newer_there: list[int] = []
    theirs = {hashed: (stamp, origin) for hashed, stamp, origin in ROW.iter_unpack(rows)}
    for hashed, entry in buckets.entries_of(bucket).items():
        stamp, origin = theirs.pop(hashed, (-1, 0))
        if entry.stamp > stamp:
            newer_here.append(entry)
        elif entry.stamp < stamp:
            newer_there.append(hashed)
        elif tie(entry) != origin:
            # two nodes wrote in the same instant: both sides merge and keep the same one
            newer_here.append(entry)
            newer_there.append(hashed)
    for hashed, (stamp, _) in theirs.items():
        settled = buckets.find_settled(hashed)
        if settled is None or settled.stamp < stamp:
            newer_there.append(hashed)
        elif settled.stamp > stamp:
            newer_here.append(settled)
    return newer_here, newer_there
