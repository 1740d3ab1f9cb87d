"""Many replicas in one process: equal versions are one object, and a replica can be made from another.

A thousand replicas of ten thousand entries have ten million places for them. What is in those places never
changes, so it may be shared: then a replica weighs its dictionaries alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from caxton_node.registry.entry import Entry
from caxton_node.registry.replica import Replica

Versions = dict[tuple[str, str, int, str], Entry]


class SharedReplica(Replica):
    """A replica that keeps the world's object for each version in place of the one that was decoded.

    Attributes:
        versions: All that the world's replicas hold.
        answered: Own versions that this node answered others with, until they are taken.
        arrived: How many versions were new in the last page.
    """

    versions: Versions
    answered: list[Entry]
    arrived: int = 0

    def merge(self, entries: Iterable[Entry], *rest: Any, **more: Any) -> list[Entry]:
        """Take in versions from elsewhere; see `Replica`."""
        changed = super().merge([self.share(entry) for entry in entries], *rest, **more)
        self.arrived = len(changed)
        self.answered += [entry for entry in changed if entry.origin == self.node_id]
        return changed

    def take_answered(self) -> list[Entry]:
        """Return the own versions that merging brought about since the last call."""
        taken, self.answered = self.answered, []
        return taken

    def share(self, entry: Entry) -> Entry:
        """Return the world's object for a version."""
        return self.versions.setdefault((entry.kind, entry.key, entry.stamp, entry.origin), entry)


def copy_of(replica: SharedReplica, node_id: str) -> SharedReplica:
    """Return a replica of another node that holds the same; the two do not see each other's writes."""
    twin: SharedReplica = _copied(replica)
    twin.versions = replica.versions
    twin.node_id = node_id
    return twin


def blank(node_id: str, versions: Versions, owned_kinds: frozenset[str]) -> SharedReplica:
    """Return a replica that holds nothing."""
    replica = SharedReplica(node_id, owned_kinds=owned_kinds)
    replica.versions, replica.answered = versions, []
    return replica


def _copied(value: Any) -> Any:
    """Copy what holds entries, and not what it holds in the end: those never change."""
    if isinstance(value, dict):
        return _copied_dict(value)
    if isinstance(value, list):
        return [_copied(each) for each in value]
    if isinstance(value, set):
        return set(value)
    if isinstance(value, Replica) or type(value).__module__.startswith("caxton_node.registry."):
        return _copied_object(value)
    return value


def _copied_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    twin = copy.copy(value)
    if value and _is_container(next(iter(value.values()))):
        twin.update((key, _copied(each)) for key, each in value.items())
    return twin


def _copied_object(value: Any) -> Any:
    if not hasattr(value, "__dict__"):
        return value
    twin = copy.copy(value)
    for name, each in vars(value).items():
        if name != "versions":
            setattr(twin, name, _copied(each))
    return twin


def _is_container(value: Any) -> bool:
    return isinstance(value, dict | list | set) or hasattr(value, "__dict__")
