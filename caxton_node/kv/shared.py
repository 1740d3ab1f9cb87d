"""Shared keys: small values of an agent that every node of the cluster sees.

They are registry entries of the kind `kv`, key `tenant/name key`. The last writer wins, by the rule of the
registry, so there is no compare-and-set: two nodes may write before they have heard of one another. The
version of a value is when it was written, in unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from caxton_node.core.bounds import nests_deeper
from caxton_node.kv.acts import VALUE_DEPTH_MAX, Delete, Get, List, Put, Request
from caxton_node.kv.ledger import ABSENT, answer_get, check_value
from caxton_node.kv.pages import limit_of
from caxton_node.kv.settings import Settings
from caxton_node.kv.store import Row
from caxton_node.messaging.platform_acts import Refused
from caxton_node.registry.entry import Entry
from caxton_node.registry.hlc import stamp_us
from caxton_node.registry.values import UNREADABLE

KIND = "kv"
SHARED_BYTES_MAX = 4 * 1024


class Registry(Protocol):
    """What shared keys need of the registry."""

    def put_entry(self, kind: str, key: str, value: bytes) -> None:
        """Write an entry."""
        ...

    def remove_entry(self, kind: str, key: str) -> None:
        """Delete an entry."""
        ...

    def find_entry(self, kind: str, key: str) -> Entry | None:
        """Return an entry, None if it is not there."""
        ...

    def entries(self, kind: str) -> Sequence[Entry]:
        """Return all entries of a kind."""
        ...

    def watch(self, kind: str, listener: Callable[[Sequence[Entry]], None]) -> None:
        """Tell `listener` of every change of entries of a kind."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """A key of an agent has a new value.

    Attributes:
        agent: `tenant/name`.
        key: Which.
        value: JSON, None when it is gone.
        version: Of that value.
        shared: Whether all nodes see it.
    """

    agent: str
    key: str
    value: bytes | None
    version: int
    shared: bool


class SharedKeys:
    """The shared keys of all agents; on the event loop.

    Args:
        registry: Where they live.
        settings: Bounds.
        on_change: Told of every change, here or elsewhere.
    """

    def __init__(self, registry: Registry, settings: Settings, on_change: Callable[[Change], None]) -> None:
        self._registry = registry
        self._settings = settings
        self._on_change = on_change
        self._by_agent: dict[str, set[str]] = {}
        for entry in registry.entries(KIND):
            self._index(entry)
        registry.watch(KIND, self._handle)

    def do(self, agent: str, request: Request) -> dict[str, object]:
        """Carry out a request but a list, and return what the answer says.

        Raises:
            Refused: It goes beyond the quota, or expects a version.
        """
        if isinstance(request, Get):
            return self._get(agent, request.key)
        if isinstance(request, Put):
            return self._put(agent, request)
        if isinstance(request, Delete):
            _check_unconditional(request)
            self._registry.remove_entry(KIND, _entry_key(agent, request.key))
            return {"key": request.key, "version": ABSENT}
        raise AssertionError(request)

    def changes(self, agent: str, request: Request) -> Mapping[str, int]:
        """Return what a request would change in the registry, as `WritePace.spend` takes it."""
        if not isinstance(request, Put | Delete):
            return {}
        entry = self._registry.find_entry(KIND, _entry_key(agent, request.key))
        if isinstance(request, Delete):
            return {"removals": int(entry is not None)}
        return {"writes": int(entry is None or entry.value != bytes(request.value))}

    def read_page(self, agent: str, request: List) -> list[Row]:
        """Return the keys that a list asks for, in their order, with their values."""
        names = sorted(self._by_agent.get(agent, ()))
        wanted = [name for name in names if name.startswith(request.prefix) and name > request.after]
        rows = (self._row(agent, name, values=request.values) for name in wanted[: limit_of(request)])
        return [row for row in rows if row is not None]

    def clear(self, agent: str) -> int:
        """Remove all shared keys of an agent and return how many."""
        keys = list(self._by_agent.get(agent, ()))
        for key in keys:
            self._registry.remove_entry(KIND, _entry_key(agent, key))
        return len(keys)

    def count(self) -> int:
        """Return how many shared keys there are."""
        return sum(map(len, self._by_agent.values()))

    def _get(self, agent: str, key: str) -> dict[str, object]:
        entry = self._registry.find_entry(KIND, _entry_key(agent, key))
        if entry is None:
            return answer_get(key, None, ABSENT)
        return answer_get(key, _value_of(entry), _version_of(entry))

    def _put(self, agent: str, request: Put) -> dict[str, object]:
        _check_unconditional(request)
        value = bytes(request.value)
        check_value(request.key, value, SHARED_BYTES_MAX)
        present = self._by_agent.get(agent, set())
        if request.key not in present and len(present) >= self._settings.shared_keys_max:
            most = self._settings.shared_keys_max
            raise Refused("quota", f"an agent may have {most:,} shared keys (kv.shared_keys_max)")
        name = _entry_key(agent, request.key)
        self._registry.put_entry(KIND, name, value)
        entry = self._registry.find_entry(KIND, name)
        return {"key": request.key, "version": ABSENT if entry is None else _version_of(entry)}

    def _row(self, agent: str, key: str, *, values: bool) -> Row | None:
        entry = self._registry.find_entry(KIND, _entry_key(agent, key))
        if entry is None:
            return None
        return Row(key, _version_of(entry), len(entry.value), _value_of(entry) if values else None)

    def _handle(self, changed: Sequence[Entry]) -> None:
        for entry in changed:
            if self._index(entry):
                agent, _, key = entry.key.partition(" ")
                value = None if entry.deleted else _value_of(entry)
                version = ABSENT if entry.deleted else _version_of(entry)
                self._on_change(Change(agent, key, value, version, shared=True))

    def _index(self, entry: Entry) -> bool:
        agent, space, key = entry.key.partition(" ")
        if not space:
            return False
        keys = self._by_agent.setdefault(agent, set())
        if entry.deleted:
            keys.discard(key)
        else:
            keys.add(key)
        if not keys:
            del self._by_agent[agent]
        return True


def _check_unconditional(request: Put | Delete) -> None:
    if request.if_version is not None:
        detail = "shared keys take no if_version: two nodes may write at once, and the last one wins"
        raise Refused("no-versions", detail)


def _entry_key(agent: str, key: str) -> str:
    return f"{agent} {key}"


def _value_of(entry: Entry) -> bytes:
    """Return what an entry has; null if that is no JSON, since it would make the whole answer unreadable."""
    try:
        is_bad = nests_deeper(msgspec.json.decode(entry.value), VALUE_DEPTH_MAX)
    except UNREADABLE:
        is_bad = True
    return b"null" if is_bad else entry.value


def _version_of(entry: Entry) -> int:
    return stamp_us(entry.stamp) // 1000
