"""What agents say of themselves: registry entries of the kind `description`, key `tenant/name@node`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from caxton_node.messaging.platform_acts import Refused
from caxton_node.registry.entry import Entry
from caxton_node.registry.values import ValueReader

KIND = "description"
BYTES_MAX = 2 * 1024

_READER = ValueReader(dict[str, str])


class Registry(Protocol):
    """What descriptions need of the registry."""

    def put_entry(self, kind: str, key: str, value: bytes) -> None:
        """Write an entry."""
        ...

    def remove_entry(self, kind: str, key: str) -> None:
        """Delete an entry."""
        ...

    def find_entry(self, kind: str, key: str) -> Entry | None:
        """Return an entry, None if it is not there."""
        ...


class Descriptions:
    """The descriptions of all agents.

    Args:
        registry: Where they are.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def find(self, name: str, node: str) -> dict[str, str]:
        """Return what an agent (`tenant/name`) on a node says of itself; empty if nothing."""
        return _READER.find(self._registry.find_entry(KIND, _key(name, node))) or {}

    def put(self, name: str, node: str, description: Mapping[str, str]) -> None:
        """Set what an agent says of itself.

        Raises:
            Refused: It is too large; nothing was changed.
        """
        if not description:
            self.remove(name, node)
            return
        value = msgspec.msgpack.encode(dict(description))
        if len(value) > BYTES_MAX:
            detail = f"the description has {len(value):,} bytes; {BYTES_MAX:,} are allowed"
            raise Refused("too-large", detail)
        self._registry.put_entry(KIND, _key(name, node), value)

    def remove(self, name: str, node: str) -> None:
        """Forget what an agent says of itself."""
        self._registry.remove_entry(KIND, _key(name, node))


def _key(name: str, node: str) -> str:
    return f"{name}@{node}"
