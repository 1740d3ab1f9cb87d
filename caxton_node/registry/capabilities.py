"""The registry as it is asked: records by agent name and by capability, decoded once when they change.

A lookup is one dict access; whether the node of a record is alive is judged by the reader at that moment,
so that a node's death or return needs no change here.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from caxton_node.registry.discovery.offers import OfferIndex
from caxton_node.registry.entry import Entry
from caxton_node.registry.records import CapabilityRecord, InstanceRecord
from caxton_node.registry.values import ValueReader, is_json

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
        self._reader: ValueReader[R] = ValueReader(record)
        self._groups: dict[str, dict[str, R]] = {}
        self._group_of: dict[str, str] = {}

    def apply(self, entry: Entry) -> set[str]:
        """Follow a change of one entry; return the groups that are affected."""
        affected = self._remove(entry.key)
        if entry.deleted:
            return affected
        record = self._reader.find(entry)
        if record is None or record.key != entry.key:
            self.unreadable += 1
            return affected
        self._groups.setdefault(record.group, {})[entry.key] = record
        self._group_of[entry.key] = record.group
        return affected | {record.group}

    def find(self, group: str) -> list[R]:
        """Return the records of a group; empty if there are none."""
        found = self._groups.get(group)
        return list(found.values()) if found else []

    def get(self, key: str) -> R | None:
        """Return the record of a key, None if there is none."""
        return self._groups.get(self._group_of.get(key, ""), {}).get(key)

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
    """Both indexes, kept by the changed entries of a replica.

    Attributes:
        instances: By the name of their agent.
        offers: Capabilities, ready for searches, with how well their agents are.
        unreadable: Capabilities that could not be read; they are kept for other nodes but not shown.
    """

    def __init__(self) -> None:
        self.instances = Index(InstanceRecord)
        self.offers = OfferIndex()
        self.unreadable = 0

    def apply(self, entry: Entry) -> set[str]:
        """Follow a change; return the agent names whose instances changed."""
        if entry.kind == InstanceRecord.KIND:
            affected = self.instances.apply(entry)
            record = self.instances.get(entry.key)
            if record is None:
                self.offers.remove_instance(entry.key)
            else:
                self.offers.put_instance(record)
            return affected
        if entry.kind == CapabilityRecord.KIND:
            self._apply_capability(entry)
        return set()

    def find_capability(self, name: str) -> list[CapabilityRecord]:
        """Return who can do something; empty if nobody can."""
        return [offer.record for offer in self.offers.named(name)]

    def capabilities(self) -> list[CapabilityRecord]:
        """Return everything that anybody can do."""
        return [offer.record for offer in self.offers.all()]

    def capabilities_of(self, agent: str, node: str) -> list[CapabilityRecord]:
        """Return what an agent can do on a node, by name."""
        offers = self.offers.of_agent(agent, node)
        return sorted((offer.record for offer in offers), key=lambda record: record.name)

    def _apply_capability(self, entry: Entry) -> None:
        if entry.deleted:
            self.offers.remove(entry.key)
            return
        record = _CAPABILITIES.find(entry)
        if record is not None and record.key == entry.key:
            self.offers.put(record)
        else:
            self.unreadable += 1
            self.offers.remove(entry.key)


_CAPABILITIES = ValueReader(CapabilityRecord, fits=is_json)
