"""Who may say what of itself, and how much: the way of a capability from an agent into the registry.

A request is carried out whole or not at all. What every node of the cluster must keep is bounded for one
agent, for one node and for one capability; whether the agent's manifest grants it is the judge's matter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from caxton_node.core.errors import NotFound, ResourceLimit
from caxton_node.core.ids import Address
from caxton_node.messaging.write_pace import WritePace
from caxton_node.registry.discovery.registration import (
    Capability,
    Modification,
    TooMuch,
    modified,
    record_of,
    size_of,
)
from caxton_node.registry.records import CapabilityRecord


class NotRegistered(NotFound):
    """An agent would change a capability that it has not registered; nothing was changed."""

    code = "CAPABILITY_NOT_REGISTERED"


class TooMany(ResourceLimit):
    """An agent or a node has as many capabilities as it may; nothing was registered."""

    code = "TOO_MANY_CAPABILITIES"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be registered on one node.

    Attributes:
        agent_max: Capabilities of one agent.
        node_max: Capabilities of all its agents.
        bytes_max: Size of one capability.
    """

    agent_max: int = 64
    node_max: int = 20_000
    bytes_max: int = 16 * 1024


class Registry(Protocol):
    """What is needed of the registry."""

    def put_capability(self, record: CapabilityRecord) -> None:
        """Say that an agent of this node has a capability."""
        ...

    def remove_capability(self, key: str) -> None:
        """Take a capability of an agent of this node back."""
        ...

    def capabilities_of(self, agent: str) -> Sequence[CapabilityRecord]:
        """List what an agent of this node has registered, by name."""
        ...


class Registrar:
    """Registers, changes and takes back what the agents of a node say of themselves.

    Args:
        node_id: This node.
        registry: Where capabilities live.
        count: Says how many capabilities this node has.
        check: Raises if an agent may not register a capability.
        bounds: How much may be registered.
        pace: How fast an agent may change what it has registered.
    """

    def __init__(
        self,
        *,
        node_id: str,
        registry: Registry,
        count: Callable[[], int],
        check: Callable[[CapabilityRecord], None],
        bounds: Bounds,
        pace: WritePace,
    ) -> None:
        self.node_id = node_id
        self._registry = registry
        self._count = count
        self._check = check
        self._bounds = bounds
        self._pace = pace

    def register(self, agent: str, capabilities: Sequence[Capability]) -> list[str]:
        """Register what an agent can do; what it has registered under these names before is replaced.

        Raises:
            TooMuch, TooMany: It is more than may be registered.
            Refused: It has registered and taken back too much of late.
            InvalidArgument: A capability is not sound.
            Forbidden: Its manifest does not grant one. In every case nothing was registered.
        """
        records = [record_of(each, agent, self.node_id) for each in capabilities]
        self._put(agent, records)
        return [record.name for record in records]

    def modify(self, agent: str, changes: Sequence[Modification]) -> list[str]:
        """Change what an agent has registered.

        Raises:
            NotRegistered: One was not registered. This and the others as of `register`; nothing was changed.
        """
        mine = self._mine(agent, [change.name for change in changes])
        records = [modified(mine[change.name], change) for change in changes]
        self._put(agent, records)
        return [record.name for record in records]

    def deregister(self, agent: str, names: Collection[str] | None = None) -> list[str]:
        """Take back some of what an agent can do, or everything; return the names, sorted.

        Raises:
            NotRegistered: One of the names was not registered; nothing was taken back.
            Refused: It has registered and taken back too much of late.
        """
        mine = self._mine(agent, names or ())
        wanted = mine.keys() if names is None else set(names)
        self._pace.spend(agent, removals=len(wanted))
        for name in wanted:
            self._registry.remove_capability(mine[name].key)
        return sorted(wanted)

    def _mine(self, agent: str, names: Collection[str]) -> dict[str, CapabilityRecord]:
        mine = {record.name: record for record in self._registry.capabilities_of(agent)}
        for name in names:
            if name not in mine:
                raise NotRegistered(
                    f"{Address(agent)} has not registered {name}",
                    why="only what is registered on this node can be changed",
                    hint="register it",
                )
        return mine

    def _put(self, agent: str, records: Sequence[CapabilityRecord]) -> None:
        for record in records:
            size = size_of(record)
            if size > self._bounds.bytes_max:
                raise TooMuch(
                    f"{record.name} has {size:,} bytes", why=f"{self._bounds.bytes_max:,} are taken"
                )
            self._check(record)
        self._check_number(agent, records)
        mine = self._mine(agent, ())
        self._pace.spend(agent, writes=sum(record != mine.get(record.name) for record in records))
        for record in records:
            self._registry.put_capability(record)

    def _check_number(self, agent: str, records: Sequence[CapabilityRecord]) -> None:
        before = {record.name for record in self._registry.capabilities_of(agent)}
        after = before | {record.name for record in records}
        if len(after) > self._bounds.agent_max:
            most = self._bounds.agent_max
            raise TooMany(f"{len(after)} capabilities", why=f"one agent may have {most}")
        count = self._count() + len(after) - len(before)
        if len(after) > len(before) and count > self._bounds.node_max:
            most = self._bounds.node_max
            raise TooMany(
                f"{count:,} capabilities on {self.node_id}",
                why=f"a node may have {most:,}",
                hint="an operator may raise registry.capabilities_per_node_max",
            )
