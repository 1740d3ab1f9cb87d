"""The registry as it is asked: records by agent name and by capability, decoded once when they change.

A lookup is one dict access; whether the node of a record is alive is judged by the reader at that moment,
so that a node's death or return needs no change here.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from caxton_node.registry.entry import Entry
from caxton_node.registry.records import CapabilityRecord, InstanceRecord

R = TypeVar("R", InstanceRecord, CapabilityRecord)


class Index(Generic[R]):
    """The records of one kind, by what they are looked up by.

    Args:
        record: The class of the records.

    Attributes:
        unreadable: Entries whose value could not be read; they are kept for other nodes but not shown.
    """

    def __init__(self, record: type[R]) -> None:
        self.unreadable = 0
        self._decoder: msgspec.msgpack.Decoder[R] = msgspec.msgpack.Decoder(record)
        self._groups: dict[str, dict[str, R]] = {}
        self._group_of: dict[str, str] = {}

    def apply(self, entry: Entry) -> set[str]:
        """Follow a change of one entry; return the groups that are affected."""
        affected = self._remove(entry.key)
        if entry.deleted:
            return affected
        try:
            record: R = self._decoder.decode(entry.value)
        except msgspec.DecodeError:
            self.unreadable += 1
            return affected
        self._groups.setdefault(record.group, {})[entry.key] = record
        self._group_of[entry.key] = record.group
        return affected | {record.group}

    def find(self, group: str) -> list[R]:
        """Return the records of a group; empty if there are none."""
        found = self._groups.get(group)
        return list(found.values()) if found else []

    def all(self) -> list[R]:
        """Return every record."""
        return [record for group in self._groups.values() for record in group.values()]

    def _remove(self, key: str) -> set[str]:
        group = self._group_of.pop(key, None)
        if group is None:
            return set()
        del self._groups[group][key]
        if not self._groups[group]:
            del self._groups[group]
        return {group}


class Directory:
    """Both indexes, kept by the changed entries of a replica."""

    def __init__(self) -> None:
        self.instances = Index(InstanceRecord)
        self.capabilities = Index(CapabilityRecord)

    def apply(self, entry: Entry) -> set[str]:
        """Follow a change; return the agent names whose instances changed."""
        if entry.kind == InstanceRecord.KIND:
            return self.instances.apply(entry)
        if entry.kind == CapabilityRecord.KIND:
            self.capabilities.apply(entry)
        return set()
