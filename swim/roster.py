"""The member table: records by key, and digests by which two tables are compared without sending them.

The digest is the XOR of a hash of every live record (key, epoch, incarnation, revision), kept up to date
with every change: equal digests in a ping and its answer show that two tables agree, once a second, for
eight bytes. Suspicions are left out because they are on their way to being settled, the dead because nodes
forget them at different times. The same sum is kept for 64 slices of the key space, to find where two
tables differ.

The rest of the package sees the table only through this class and a `Member` never changes, so a table that
shares one immutable base between many simulated nodes can take its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

from swim.member import Member

BUCKETS = 64
_BUCKET_SHIFT = 2  # the top six bits of a key's first byte


class Roster:
    """The members that one node knows, live or remembered."""

    def __init__(self) -> None:
        self._members: dict[bytes, Member] = {}
        self._gone: set[bytes] = set()
        self._newcomers: list[bytes] = []
        self._digest = 0
        self._buckets = [0] * BUCKETS

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    @property
    def live_count(self) -> int:
        """Return how many members are live, this node included."""
        return len(self._members) - len(self._gone)

    @property
    def digest(self) -> bytes:
        """Return eight bytes that are equal when the live members are."""
        return self._digest.to_bytes(8, "big")

    @property
    def bucket_digests(self) -> bytes:
        """Return four bytes for each of the 64 slices of the key space, in order."""
        return b"".join((value & 0xFFFF_FFFF).to_bytes(4, "big") for value in self._buckets)

    def find(self, key: bytes) -> Member | None:
        """Return the member with this key, if it is known."""
        return self._members.get(key)

    def gone(self) -> list[Member]:
        """Return the members that are dead or have left."""
        return [self._members[key] for key in sorted(self._gone)]

    def live_between(self, low: bytes, high: bytes) -> list[Member]:
        """Return the live members with keys from `low` to `high`, sorted by key."""
        found = [
            member for key, member in self._members.items() if low <= key <= high and key not in self._gone
        ]
        return sorted(found, key=_key_of)

    def put(self, member: Member) -> None:
        """Take a member in, in place of the former record of the same key."""
        key = member.key
        former = self._members.get(key)
        was_live = former is not None and former.is_live
        if former is not None and was_live:
            self._toggle(former)
        self._members[key] = member
        if not member.is_live:
            self._gone.add(key)
            return
        self._gone.discard(key)
        self._toggle(member)
        if not was_live:
            self._newcomers.append(key)

    def forget(self, key: bytes) -> None:
        """Drop a member that is dead or has left."""
        if key in self._gone:
            self._gone.discard(key)
            del self._members[key]

    def take_newcomers(self) -> list[bytes]:
        """Return the members that became live since the last call."""
        newcomers, self._newcomers = self._newcomers, []
        return newcomers

    def _toggle(self, member: Member) -> None:
        value = _fingerprint(member.key, member.epoch, member.incarnation, member.revision)
        self._digest ^= value
        self._buckets[member.key[0] >> _BUCKET_SHIFT] ^= value


def bucket_range(index: int) -> tuple[bytes, bytes]:
    """Return the lowest and highest key of a slice."""
    low = index << _BUCKET_SHIFT
    return bytes([low]) + bytes(7), bytes([low + (1 << _BUCKET_SHIFT) - 1]) + b"\xff" * 7


def _key_of(member: Member) -> bytes:
    return member.key


@lru_cache(maxsize=65_536)
def _fingerprint(key: bytes, epoch: int, incarnation: int, revision: int) -> int:
    data = key + b"%d.%d.%d" % (epoch, incarnation, revision)
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")
