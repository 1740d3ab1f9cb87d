"""A replica in 256 numbers, kept up to date with every change.

Each entry belongs to the bucket that its key's hash names; a bucket's sum is the XOR of its entries'
fingerprints, so a change costs two XORs however many entries there are. Equal sums mean equal buckets,
but for one chance in 2**64. A tombstone that is old enough to be forgotten is *settled*: it is kept and
found, but not in the sums, since each node forgets it in its own time.

Rejected: a Merkle tree over more levels saves bytes only beyond some 100,000 differences between two nodes,
and those are better fetched than compared.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from caxton_node.registry.entry import Entry, key_hash

BUCKETS = 256
_SUMS = struct.Struct(f">{BUCKETS}Q")
SUMS_BYTES = _SUMS.size


class Buckets:
    """The entries of a replica by bucket and key hash, with a sum per bucket."""

    def __init__(self) -> None:
        self._sums = [0] * BUCKETS
        self._entries: list[dict[int, Entry]] = [{} for _ in range(BUCKETS)]
        self._settled: dict[int, Entry] = {}

    def put(self, entry: Entry) -> None:
        """Add an entry, or replace an older version of it."""
        hashed = key_hash(entry.kind, entry.key)
        bucket = hashed % BUCKETS
        self._settled.pop(hashed, None)
        old = self._entries[bucket].get(hashed)
        self._sums[bucket] ^= entry.fingerprint ^ (old.fingerprint if old else 0)
        self._entries[bucket][hashed] = entry

    def settle(self, tombstone: Entry) -> None:
        """Leave a tombstone that is there out of the sums from now on."""
        self.discard(tombstone)
        self._settled[key_hash(tombstone.kind, tombstone.key)] = tombstone

    def discard(self, entry: Entry) -> None:
        """Remove an entry that is there."""
        hashed = key_hash(entry.kind, entry.key)
        if self._settled.pop(hashed, None) is None:
            bucket = hashed % BUCKETS
            self._sums[bucket] ^= self._entries[bucket].pop(hashed).fingerprint

    def entries_of(self, bucket: int) -> dict[int, Entry]:
        """Return a bucket's entries by key hash, without settled ones; do not change it."""
        return self._entries[bucket]

    def find(self, hashes: Iterable[int]) -> Iterator[Entry]:
        """Yield the entries with these key hashes, leaving out those that are not there."""
        for hashed in hashes:
            entry = self._entries[hashed % BUCKETS].get(hashed) or self._settled.get(hashed)
            if entry is not None:
                yield entry

    def find_settled(self, hashed: int) -> Entry | None:
        """Return the settled tombstone with this key hash."""
        return self._settled.get(hashed)

    def sums(self) -> bytes:
        """Return the sums, 8 bytes each, in the order of the buckets."""
        return _SUMS.pack(*self._sums)

    def root(self) -> bytes:
        """Return 8 bytes for the whole."""
        return blake2b(self.sums(), digest_size=8).digest()

    def differing(self, sums: bytes) -> list[int]:
        """Return the buckets whose sum is not the one of another replica, ascending."""
        return [bucket for bucket, theirs in enumerate(_SUMS.unpack(sums)) if theirs != self._sums[bucket]]
