"""Modules made known: each node says in the registry which it holds, so that whoever needs one finds it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Protocol

import msgspec

from caxton_node.core.errors import CaxtonError
from caxton_node.observability.logs import get_logger
from caxton_node.registry import Registry
from caxton_node.registry.entry import Entry

KIND = "module"
"""Entries `sha256@node`, written by the node that holds the module."""

_log = get_logger("agents")


class Holdings(Protocol):
    """Whoever makes it known which modules are on this node's disk."""

    def hold(self, sha256: str, size_bytes: int) -> None:
        """Tell everybody that a module is here."""
        ...

    def drop(self, sha256: str) -> None:
        """Tell everybody that it is not any more."""
        ...

    def settle(self, held: Mapping[str, int]) -> None:
        """Tell everybody that these are here, by digest and size, and no others."""
        ...


class Unannounced:
    """Tells nobody: for a node without a registry."""

    def hold(self, sha256: str, size_bytes: int) -> None:
        """Tell nobody."""

    def drop(self, sha256: str) -> None:
        """Tell nobody."""

    def settle(self, held: Mapping[str, int]) -> None:
        """Tell nobody."""


class ModuleAnnouncer:
    """Publishes the modules of this node; implements `Holdings`.

    What cannot be published now is found by asking, so nothing fails for it.

    Args:
        registry: Of this node.
        node_id: This node.
    """

    def __init__(self, registry: Registry, node_id: str) -> None:
        self._registry = registry
        self._node_id = node_id

    def hold(self, sha256: str, size_bytes: int) -> None:
        """Publish a module that is here."""
        try:
            self._registry.put_entry(KIND, f"{sha256}@{self._node_id}", msgspec.msgpack.encode([size_bytes]))
        except CaxtonError as err:
            _log.warning("a module was not made known", module=sha256[:12], reason=str(err))

    def drop(self, sha256: str) -> None:
        """Withdraw a module that has gone."""
        self._registry.remove_entry(KIND, f"{sha256}@{self._node_id}")

    def settle(self, held: Mapping[str, int]) -> None:
        """Publish these, and withdraw what an earlier run left behind."""
        for sha256, size_bytes in held.items():
            self.hold(sha256, size_bytes)
        for sha256 in list(self._published()):
            if sha256 not in held:
                self.drop(sha256)

    def _published(self) -> Iterator[str]:
        mine = (entry.key for entry in self._registry.own_entries() if entry.kind == KIND)
        for key in mine:
            sha256, _, node = key.partition("@")
            if node == self._node_id:
                yield sha256


class ModuleHolders:
    """Who says to hold which module, by module: the registry has entries of all kinds in one heap.

    Args:
        registry: Of this node; it may be opened later.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._nodes: dict[str, set[str]] | None = None
        registry.watch(KIND, self._take)

    def of(self, sha256: str) -> Collection[str]:
        """Return the nodes that say they hold a module, those included that are not alive."""
        if self._nodes is None:
            self._nodes = {}
            self._take(self._registry.entries(KIND))
        return frozenset(self._nodes.get(sha256, ()))

    def _take(self, entries: Iterable[Entry]) -> None:
        if self._nodes is None:  # nobody has asked yet
            return
        for entry in entries:
            sha256, _, node = entry.key.partition("@")
            nodes = self._nodes.setdefault(sha256, set())
            (nodes.discard if entry.deleted else nodes.add)(node)
            if not nodes:
                del self._nodes[sha256]
