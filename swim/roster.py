"""The member table: records by key, and digests by which two tables are compared without sending them.

The digest is the XOR of a hash of every live record (key, epoch, incarnation, revision), kept up to date
with every change: equal digests in a ping and its answer show that two tables agree, once a second, for
eight bytes. Suspicions are left out because they are on their way to being settled, the dead because nodes
forget them at different times. The same sum is kept for 64 slices of the key space, to find where two
tables differ.

The rest of the package sees the table only through this class and a `Member` never changes, so the nodes of
a simulation can share one base: see `base.py` and `adopt`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import islice

from swim.base import Base, Overlay
from swim.member import Member

BUCKETS = 64
_BUCKET_SHIFT = 2  # the top six bits of a key's first byte


class Roster:
    """The members that one node knows, live or remembered.

    Attributes:
        base: The table that this one shares with others, None for a node of its own; set by `adopt`.
    """

    def __init__(self) -> None:
        self.base: Base | None = None
        self._members: dict[bytes, Member] | Overlay = {}
        self._keys: list[bytes] = []  # sorted; without those of the base
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

    def live_between(self, low: bytes, high: bytes, count_max: int | None = None) -> list[Member]:
        """Return the live members with keys from `low` to `high`, sorted by key, the first `count_max`."""
        keys: Sequence[bytes] = _between(self._keys, low, high)
        if self.base is not None:
            shared = _between(self.base.keys, low, high)
            keys = sorted([*shared, *keys]) if keys else shared
        found = (self._members.get(key) for key in keys if key not in self._gone)
        return list(islice((member for member in found if member is not None), count_max))

    def successor(self, key: bytes) -> Member | None:
        """Return the live member whose key follows, the first after the last; None if there is no other."""
        for start in (key, b""):
            tables = [self._keys] if self.base is None else [self._keys, self.base.keys]
            found = [member for keys in tables if (member := self._first_live(keys, start)) is not None]
            if found:
                nearest = min(found, key=lambda member: member.key)
                return nearest if nearest.key != key else None
        return None

    def put(self, member: Member) -> None:
        """Take a member in, in place of the former record of the same key."""
        key = member.key
        former = self._members.get(key)
        was_live = former is not None and former.is_live
        if former is None:
            self._index(key)
        elif was_live:
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
        if key not in self._gone:
            return
        self._gone.discard(key)
        del self._members[key]
        if self.base is None or key not in self.base.records:
            del self._keys[bisect_left(self._keys, key)]

    def take_newcomers(self) -> list[bytes]:
        """Return the members that became live since the last call; those of a base do not count."""
        newcomers, self._newcomers = self._newcomers, []
        return newcomers

    # ---- sharing

    def to_base(self) -> Base:
        """Return the live members as a base for other tables; this table goes on by itself."""
        live = {member.key: member for member in self if member.is_live}
        return Base(live, self._digest, self._buckets)

    def adopt(self, base: Base) -> None:
        """Know everybody in `base` from now on, and store only what differs; for a table just made.

        Whoever is in both is held as this table held it before.
        """
        own = list(self)
        self._members, self.base, self._keys = Overlay(base), base, []
        self._gone, self._newcomers = set(), []
        self._digest, self._buckets = base.digest, list(base.buckets)
        for member in own:
            self.put(member)

    # ---- inside

    def _index(self, key: bytes) -> None:
        if self.base is None or key not in self.base.records:
            insort(self._keys, key)

    def _first_live(self, keys: Sequence[bytes], after: bytes) -> Member | None:
        for at in range(bisect_right(keys, after), len(keys)):
            member = self._members.get(keys[at])
            if member is not None and member.is_live:
                return member
        return None

    def _toggle(self, member: Member) -> None:
        value = _fingerprint(member.key, member.epoch, member.incarnation, member.revision)
        self._digest ^= value
        self._buckets[member.key[0] >> _BUCKET_SHIFT] ^= value


def bucket_range(index: int) -> tuple[bytes, bytes]:
    """Return the lowest and highest key of a slice."""
    low = index << _BUCKET_SHIFT
    return bytes([low]) + bytes(7), bytes([low + (1 << _BUCKET_SHIFT) - 1]) + b"\xff" * 7


def _between(keys: Sequence[bytes], low: bytes, high: bytes) -> Sequence[bytes]:
    """Return the part of sorted keys from `low` to `high`, both included."""
    return keys[bisect_left(keys, low) : bisect_right(keys, high)]


@lru_cache(maxsize=65_536)
def _fingerprint(key: bytes, epoch: int, incarnation: int, revision: int) -> int:
    data = key + b"%d.%d.%d" % (epoch, incarnation, revision)
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")
