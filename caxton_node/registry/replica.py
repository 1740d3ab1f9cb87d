"""One node's copy of the registry: write here, merge what others wrote, compare.

Some kinds of entry are *owned*: their key names the node they are about, and only that node writes them (its
instances, its capabilities). For those, the owner's present word is final: when a version of its own
comes back that it did not write in this life, from a peer that remembers an earlier one, it answers at
once, with its present value or with a tombstone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from caxton_node.core.errors import InvalidArgument, ResourceLimit
from caxton_node.registry.digest import Buckets
from caxton_node.registry.entry import KEY_CHARS_MAX, VALUE_BYTES_MAX, Entry, Id, supersedes
from caxton_node.registry.hlc import HybridClock, stamp_us
from caxton_node.registry.overruled import Overruled, is_conflict, is_loss
from caxton_node.registry.vector_clock import VectorClock

TOMBSTONE_KEPT_US = 24 * 3600 * 1_000_000


class Replica:
    """The entries that a node knows.

    Args:
        node_id: Who writes here.
        owned_kinds: Kinds whose keys name the node that alone may write them.

    Attributes:
        buckets: The same entries for comparison.
        conflicts: How many versions held here were overruled by one that did not know of them.
        live: Entries that are not deleted, by kind.
        on_overruled: Is told of each version that lost to one whose writer did not know of it.
    """

    def __init__(self, node_id: str, *, owned_kinds: frozenset[str] = frozenset()) -> None:
        self.node_id = node_id
        self.buckets = Buckets()
        self.conflicts = 0
        self.on_overruled: Callable[[Overruled], None] = _ignore
        self.live: Counter[str] = Counter()
        self._owned_kinds = owned_kinds
        self._clock = HybridClock()
        self._entries: dict[Id, Entry] = {}
        self._tombstones: dict[Id, Entry] = {}
        self._written: set[Id] = set()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def tombstones(self) -> int:
        """Return how many deleted entries are still remembered."""
        return len(self._tombstones)

    def find(self, kind: str, key: str) -> Entry | None:
        """Return an entry that is not deleted."""
        entry = self._entries.get((kind, key))
        return None if entry is None or entry.deleted else entry

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """Yield the entries that are not deleted, of one kind or all, in no particular order."""
        for entry in self._entries.values():
            if not entry.deleted and kind in (None, entry.kind):
                yield entry

    def own_entries(self) -> list[Entry]:
        """Return the entries of owned kinds that this node wrote, in this life or an earlier one."""
        return [
            entry
            for entry in self.entries()
            if entry.origin == self.node_id and entry.kind in self._owned_kinds
        ]

    def put(self, kind: str, key: str, value: bytes, now_us: int) -> Entry:
        """Write an entry and return its new version, or the present one if this node wrote just that.

        Raises:
            ResourceLimit: The value is larger than an entry may be; nothing was changed.
            InvalidArgument: The key is empty or too long; nothing was changed.
        """
        if len(value) > VALUE_BYTES_MAX:
            raise ResourceLimit(
                f"the registry entry {key} is too large",
                why=f"{len(value):,} bytes, at most {VALUE_BYTES_MAX:,}",
                hint="shorten its schema",
            )
        if not 0 < len(key) <= KEY_CHARS_MAX:
            raise InvalidArgument(
                f"{key[:64]!r} cannot be a registry key", why=f"1 to {KEY_CHARS_MAX} characters"
            )
        current = self.find(kind, key)
        self._written.add((kind, key))
        if current is not None and current.value == value and current.origin == self.node_id:
            return current
        return self._write((kind, key), value, deleted=False, now_us=now_us)

    def delete(self, kind: str, key: str, now_us: int) -> Entry | None:
        """Delete an entry and return its tombstone, or None if there is nothing to delete."""
        if self.find(kind, key) is None:
            return None
        self._written.add((kind, key))
        return self._write((kind, key), b"", deleted=True, now_us=now_us)

    def merge(self, entries: Iterable[Entry], now_us: int) -> list[Entry]:
        """Take in versions from elsewhere; return what is new here, in the order of arrival.

        Returned entries of this node's own origin must be sent on: they are its answer to a version of an
        earlier life.
        """
        return [changed for entry in entries if (changed := self._merge(entry, now_us)) is not None]

    def load(self, entries: Iterable[Entry], now_us: int) -> None:
        """Take in what this node itself had stored; nothing counts as written in this life."""
        for entry in entries:
            self._clock.observe(entry.stamp, now_us)
            self._store(entry)

    def collect(self, now_us: int) -> list[Entry]:
        """Forget tombstones older than `TOMBSTONE_KEPT_US` and return them.

        A replica that was cut off for longer can bring a deleted entry back; if its kind is owned, its owner
        will delete it again.
        """
        expired = [entry for entry in self._tombstones.values() if _is_expired(entry, now_us)]
        for entry in expired:
            del self._entries[entry.id]
            del self._tombstones[entry.id]
            self._written.discard(entry.id)
            self.buckets.discard(entry)
        return expired

    def _merge(self, entry: Entry, now_us: int) -> Entry | None:
        self._clock.observe(entry.stamp, now_us)
        current = self._entries.get(entry.id)
        if current is None:
            if _is_expired(entry, now_us):
                return None
        elif not supersedes(entry, current):
            if entry.stamp != current.stamp:  # else it is the version that is here, come once more
                self._tell_if_overruled(loser=entry, winner=current)
            return None
        else:
            self.conflicts += self._tell_if_overruled(loser=current, winner=entry)
        self._store(entry)
        if entry.origin == self.node_id and entry.kind in self._owned_kinds:
            return self._answer(entry, current, now_us)
        return entry

    def _tell_if_overruled(self, *, loser: Entry, winner: Entry) -> bool:
        """Return whether the two are in conflict; tell of it if that makes a difference."""
        conflict = is_conflict(loser, winner)
        if conflict and is_loss(loser, winner):
            self.on_overruled(Overruled(loser, winner))
        return conflict

    def _answer(self, entry: Entry, current: Entry | None, now_us: int) -> Entry:
        """Say what is true of an own entry when a version comes back that this life did not write."""
        if current is None:
            return entry if entry.deleted else self._write(entry.id, b"", deleted=True, now_us=now_us)
        if entry.id in self._written:
            return self._write(
                entry.id, current.value, deleted=current.deleted, now_us=now_us, seen=current.clock
            )
        return entry  # it was stored later than our own copy; whoever starts agents will judge it

    def _write(
        self, entry_id: Id, value: bytes, *, deleted: bool, now_us: int, seen: VectorClock | None = None
    ) -> Entry:
        current = self._entries.get(entry_id)
        clock = current.clock if current else VectorClock()
        entry = Entry(
            kind=entry_id[0],
            key=entry_id[1],
            value=value,
            clock=(clock.join(seen) if seen else clock).advance(self.node_id),
            stamp=self._clock.tick(now_us, above=current.stamp if current else 0),
            origin=self.node_id,
            deleted=deleted,
        )
        self._store(entry)
        return entry

    def _store(self, entry: Entry) -> None:
        old = self._entries.get(entry.id)
        if old is None or old.deleted != entry.deleted:
            self.live[entry.kind] += (not entry.deleted) - (old is not None and not old.deleted)
        if entry.deleted:
            self._tombstones[entry.id] = entry
        else:
            self._tombstones.pop(entry.id, None)
        self._entries[entry.id] = entry
        self.buckets.put(entry)


def _is_expired(entry: Entry, now_us: int) -> bool:
    return entry.deleted and now_us - stamp_us(entry.stamp) > TOMBSTONE_KEPT_US


def _ignore(_overruled: Overruled) -> None:
    """Tell nobody."""
