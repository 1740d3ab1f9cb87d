"""A table that many tables share: the nodes of a simulation agree about nearly everything.

Ten thousand nodes with a table of ten thousand members each would hold a hundred million records. So a
cluster can begin from a `Base`, which nothing ever changes, and each node's table is an `Overlay` that
holds only what differs from it. A real node has no base; its table is a plain `dict`, and costs nothing more.

Rejected: packed arrays of state and incarnation for each node. They are smaller still where everybody's
record has changed, but every lookup of a real node too would have to put a `Member` together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from swim.member import Member

INTERNED_MAX = 65_536
"""Records kept to be shared by overlays; beyond it all are let go, and those in use live on in the tables."""


class Base:
    """Live members that several tables have in common, and what follows from them, computed once.

    Args:
        records: Live members by key.
        digest: XOR of their hashes.
        buckets: The same for each slice of the key space.

    Attributes:
        records: Members by key, in the order of their keys.
        keys: The keys, sorted.
        digest: As given.
        buckets: As given.
    """

    __slots__ = ("_interned", "buckets", "digest", "keys", "records")

    def __init__(self, records: Mapping[bytes, Member], digest: int, buckets: Sequence[int]) -> None:
        self.records: Mapping[bytes, Member] = MappingProxyType(dict(sorted(records.items())))
        self.keys = tuple(self.records)
        self.digest = digest
        self.buckets = tuple(buckets)
        self._interned: dict[Member, Member] = {}

    def intern(self, member: Member) -> Member:
        """Return the one object by which all overlays hold this record."""
        mine = self.records.get(member.key)
        if mine == member:
            return mine
        if len(self._interned) >= INTERNED_MAX:
            self._interned.clear()
        return self._interned.setdefault(member, member)


class Overlay:
    """A table of members that stores where it differs from a base; it is used like a `dict` by key."""

    __slots__ = ("_base", "_count", "_own")

    def __init__(self, base: Base) -> None:
        self._base = base
        self._own: dict[bytes, Member | None] = {}  # None: a member of the base that is forgotten here
        self._count = len(base.keys)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, key: bytes) -> Member:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: bytes, member: Member) -> None:
        self._count += self.get(key) is None
        record = self._base.intern(member)
        if record is self._base.records.get(key):
            self._own.pop(key, None)
        else:
            self._own[key] = record

    def __delitem__(self, key: bytes) -> None:
        self._count -= self.get(key) is not None
        if key in self._base.records:
            self._own[key] = None
        else:
            del self._own[key]

    def get(self, key: bytes) -> Member | None:
        """Return the member with this key, if there is one."""
        if key in self._own:
            return self._own[key]
        return self._base.records.get(key)

    def values(self) -> Iterator[Member]:
        """Return every member: those of the base by key, then the others as they came."""
        records = self._base.records
        for key in records:
            member = self.get(key)
            if member is not None:
                yield member
        yield from (member for key, member in self._own.items() if member and key not in records)

    @property
    def own_count(self) -> int:
        """Return in how many records this table differs from its base."""
        return len(self._own)
