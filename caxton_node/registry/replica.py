"""One node's copy of the registry: write here, merge what others wrote, compare.

Some kinds of entry are *owned*: their key names the node they are about, and only that node writes them (its
instances, its capabilities). For those, the owner's present word is final: when a version comes that it did
not write in this life, from a peer that remembers an earlier one or from whoever deleted it, it answers at
once, with its present value or with a tombstone.

A version of more than a day that is not here and has been seen here (`context.py`) is *stale*: it was
deleted, its tombstone is forgotten (`tombstones.py`), and whoever still has it is told to forget it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from caxton_node.core.errors import InvalidArgument, ResourceLimit
from caxton_node.registry.context import Context
from caxton_node.registry.digest import Buckets
from caxton_node.registry.entry import KEY_CHARS_MAX, VALUE_BYTES_MAX, Entry, Id, supersedes
from caxton_node.registry.hlc import HybridClock, stamp_at, stamp_us
from caxton_node.registry.overruled import Overruled, is_conflict, is_loss
from caxton_node.registry.tombstones import Tombstones, is_old
from caxton_node.registry.vector_clock import VectorClock

AHEAD_US_MAX = 10 * 365 * 24 * 3600 * 1_000_000
"""A stamp of more than ten years from now is no time; a version with it is refused, or nobody could write on
top of it in the end."""


class Replica:
    """The entries that a node knows.

    Args:
        node_id: Who writes here.
        owned_kinds: Kinds whose keys name the node that alone may write them.

    Attributes:
        context: What has been seen of everybody's writes.
        buckets: The same entries for comparison.
        refused: How many versions had an impossible stamp.
        conflicts: How many versions held here were overruled by one that did not know of them.
        live: Entries that are not deleted, by kind.
        on_overruled: Is told of each version that lost to one whose writer did not know of it.
    """

    def __init__(self, node_id: str, *, owned_kinds: frozenset[str] = frozenset()) -> None:
        self.node_id = node_id
        self.context = Context()
        self.buckets = Buckets()
        self.refused = 0
        self.conflicts = 0
        self.on_overruled: Callable[[Overruled], None] = _ignore
        self.live: Counter[str] = Counter()
        self._owned_kinds = owned_kinds
        self._clock = HybridClock()
        self._entries: dict[Id, Entry] = {}
        self._tombstones = Tombstones()
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

    def was_deleted(self, kind: str, key: str) -> bool:
        """Tell whether the tombstone of an entry is here."""
        entry = self._entries.get((kind, key))
        return entry is not None and entry.deleted

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

    def merge(
        self, entries: Iterable[Entry], now_us: int, *, stale: list[Entry] | None = None
    ) -> list[Entry]:
        """Take in versions from elsewhere; return what is new here, in the order of arrival.

        Returned entries of this node's own origin must be sent on: they are its answer to a version of an
        earlier life.

        Args:
            entries: The versions.
            now_us: The present.
            stale: Gets those that were deleted so long ago that whoever sent them must forget them.
        """
        gone = [] if stale is None else stale
        return [changed for entry in entries if (changed := self._merge(entry, now_us, gone)) is not None]

    def load(
        self, entries: Iterable[Entry], now_us: int, *, context: Mapping[str, int] | None = None
    ) -> None:
        """Take in what this node itself had stored; nothing counts as written in this life."""
        self.context.join(context or {})
        self._clock.resume(self.context.of(self.node_id))
        for entry in entries:
            self._clock.observe(entry.stamp, now_us)
            self._store(entry)
        for tombstone in self._tombstones.settle_old(now_us, most=None):
            self.buckets.settle(tombstone)

    def claim(self, now_us: int) -> Context:
        """Bring this node's own number up to now, if it may, and return the context."""
        if self.context.caught_up:
            self.context.claim(self.node_id, self._clock.tick(now_us))
        return self.context

    def learn(self, seen: Mapping[str, int], now_us: int, *, caught_up: bool) -> None:
        """Take over what a peer had seen before a comparison with it that has ended.

        Args:
            seen: The peer's numbers.
            now_us: The present.
            caught_up: Whether the peer had ended such a comparison itself.
        """
        highest = stamp_at(now_us + AHEAD_US_MAX)
        self.context.join({node: stamp for node, stamp in seen.items() if stamp <= highest})
        self._clock.resume(self.context.of(self.node_id))
        self.context.caught_up |= caught_up
        self.claim(now_us)

    def collect(self, now_us: int, members: Iterable[str] = ()) -> list[Entry]:
        """Settle old tombstones; forget those that are covered or very old, and return these.

        Args:
            now_us: The present.
            members: Nodes whose writes must have been seen before a tombstone is forgotten.
        """
        for tombstone in self._tombstones.settle_old(now_us):
            self.buckets.settle(tombstone)
        covered = self.claim(now_us).floor(members) if self.context.caught_up else 0
        forgotten = self._tombstones.take_forgettable(covered, now_us)
        for tombstone in forgotten:
            self._discard(tombstone)
        return forgotten

    def forget(self, hashed: int, stamp: int, now_us: int) -> Entry | None:
        """Drop a version that a peer takes for deleted long ago; return it.

        What this node owns and has written in this life it writes anew instead, and returns that. None when
        the version is not here any more, or too young for anybody to have forgotten its deletion.
        """
        entry = next(self.buckets.find([hashed]), None)
        if entry is None or entry.stamp != stamp or not is_old(entry, now_us):
            return None
        if self._is_mine(entry.id):
            return self._write(entry.id, entry.value, deleted=entry.deleted, now_us=now_us)
        self._discard(entry)
        return entry

    def _merge(self, entry: Entry, now_us: int, stale: list[Entry]) -> Entry | None:
        if stamp_us(entry.stamp) > now_us + AHEAD_US_MAX:
            self.refused += 1
            return None
        self._clock.observe(entry.stamp, now_us)
        current = self._entries.get(entry.id)
        if self._is_stale(entry, current, now_us):
            stale.append(entry)
            return None
        if current is None:
            if entry.deleted and is_old(entry, now_us):
                return None
        elif not supersedes(entry, current):
            if entry.stamp != current.stamp:  # else it is the version that is here, come once more
                self._tell_if_overruled(loser=entry, winner=current)
            return None
        else:
            self.conflicts += self._tell_if_overruled(loser=current, winner=entry)
        self._store(entry)
        if self._is_mine(entry.id) or (entry.origin == self.node_id and entry.kind in self._owned_kinds):
            return self._answer(entry, current, now_us)
        return entry

    def _is_mine(self, entry_id: Id) -> bool:
        """Tell whether an entry is this node's alone to write, and was written in this life."""
        return entry_id[0] in self._owned_kinds and entry_id in self._written

    def _is_stale(self, entry: Entry, current: Entry | None, now_us: int) -> bool:
        if entry.deleted or not is_old(entry, now_us):
            return False
        if current is None:
            return self.context.has_seen(entry.origin, entry.stamp)
        is_settled = current.deleted and is_old(current, now_us)
        return is_settled and supersedes(current, entry)

    def _discard(self, entry: Entry) -> None:
        del self._entries[entry.id]
        self._tombstones.discard(entry.id)
        self._written.discard(entry.id)
        self.live[entry.kind] -= not entry.deleted
        self.buckets.discard(entry)

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
            self._tombstones.add(entry)
        else:
            self._tombstones.discard(entry.id)
        self._entries[entry.id] = entry
        self.buckets.put(entry)


def _ignore(_overruled: Overruled) -> None:
    """Tell nobody."""
