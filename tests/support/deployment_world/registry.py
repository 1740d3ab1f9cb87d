"""A node's registry over a real replica; the world carries entries between nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from caxton_node.registry import InstanceRecord
from caxton_node.registry.background import Tally
from caxton_node.registry.entry import Entry
from caxton_node.registry.patch import patch
from caxton_node.registry.replica import Replica
from caxton_node.registry.service import OWNED_KINDS
from tests.support.deployment_world.loop import VirtualClock

_RECORD = msgspec.msgpack.Decoder(InstanceRecord)


class SimRegistry:
    """What the deployment service needs of `registry.Registry`.

    Args:
        node_id: This node.
        kept: What an earlier life of it had stored.
        is_alive: Tells whether a node is alive, as seen from here.
        spread: Takes what was written here and is to reach the others.
    """

    def __init__(
        self,
        node_id: str,
        kept: Iterable[Entry],
        is_alive: Callable[[str], bool],
        spread: Callable[[list[Entry]], None],
    ) -> None:
        self.tally = Tally()
        self.is_dead = False
        self._clock = VirtualClock()
        self._is_alive = is_alive
        self._spread = spread
        self._node_id = node_id
        self._replica = Replica(node_id, owned_kinds=OWNED_KINDS)
        self._replica.load(kept, self._clock.unix_us())
        self._watchers: defaultdict[str, list[Callable[[Sequence[Entry]], None]]] = defaultdict(list)
        self._listeners: list[Callable[[frozenset[str]], None]] = []

    def everything(self) -> list[Entry]:
        """Return all entries, tombstones too: what would be on disk."""
        return list(self._replica._entries.values())

    def put_entry(self, kind: str, key: str, value: bytes) -> None:
        """Write an entry."""
        if not self.is_dead:
            self._wrote(self._replica.put(kind, key, value, self._clock.unix_us()))

    def remove_entry(self, kind: str, key: str) -> None:
        """Delete an entry."""
        tombstone = None if self.is_dead else self._replica.delete(kind, key, self._clock.unix_us())
        if tombstone is not None:
            self._wrote(tombstone)

    def update_entry(self, kind: str, key: str, changes: Mapping[str, object]) -> None:
        """Change fields of an entry."""
        entry = self._replica.find(kind, key)
        assert entry is not None
        self.put_entry(kind, key, patch(entry, changes))

    def merge(self, entries: Iterable[Entry]) -> None:
        """Take entries of others in."""
        changed = self._replica.merge(entries, self._clock.unix_us())
        if changed:
            self._tell(changed)
        mine = [entry for entry in changed if entry.origin == self._node_id]
        if mine:
            self._spread(mine)

    def find_entry(self, kind: str, key: str) -> Entry | None:
        """Find an entry."""
        return self._replica.find(kind, key)

    def was_deleted(self, kind: str, key: str) -> bool:
        """Tell whether the tombstone of an entry is here."""
        return self._replica.was_deleted(kind, key)

    def entries(self, kind: str) -> list[Entry]:
        """List the entries of a kind."""
        return list(self._replica.entries(kind))

    def own_entries(self) -> list[Entry]:
        """List what this node alone writes."""
        return self._replica.own_entries()

    def instances(self, name: str) -> list[InstanceRecord]:
        """List the instances of a name on nodes that are alive."""
        records = (_RECORD.decode(entry.value) for entry in self._replica.entries(InstanceRecord.KIND))
        return [record for record in records if record.name == name and self._is_alive(record.node)]

    def watch(self, kind: str, listener: Callable[[Sequence[Entry]], None]) -> None:
        """Tell a listener of changes of a kind."""
        self._watchers[kind].append(listener)

    def subscribe(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Tell a listener of names whose instances changed."""
        self._listeners.append(listener)

    def _wrote(self, entry: Entry) -> None:
        self._tell([entry])
        self._spread([entry])

    def _tell(self, changed: Sequence[Entry]) -> None:
        for kind, watchers in self._watchers.items():
            found = [entry for entry in changed if entry.kind == kind]
            for watcher in watchers:
                if found:
                    watcher(found)
        names = {entry.key.partition("#")[0] for entry in changed if entry.kind == InstanceRecord.KIND}
        if names:
            for listener in self._listeners:
                listener(frozenset(names))
