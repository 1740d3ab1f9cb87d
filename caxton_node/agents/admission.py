"""Whether one more agent may come: its name is free and what it may use fits into what the node may promise.

Memory is promised, not measured: an agent may grow to its limit at any time, and a node that promised too
much would fail agents that did nothing wrong. The same is asked of its tenant, if somebody has set a quota.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from caxton_node.agents.manifest import Manifest
from caxton_node.core.errors import AlreadyExists, ResourceLimit
from caxton_node.core.ids import Address


@dataclass(frozen=True, slots=True)
class Quota:
    """What agents together may be promised.

    Attributes:
        memory_bytes: Linear memory; None is as much as the node has.
        agents: How many there may be; None is as many as the node takes.
    """

    memory_bytes: int | None = None
    agents: int | None = None


class Quotas(Protocol):
    """Whoever knows what tenants may have."""

    def of_tenant(self, tenant: str) -> Quota:
        """Return the quota of a tenant on one node."""
        ...


class NoQuotas:
    """Every tenant may have what the node has."""

    def of_tenant(self, tenant: str) -> Quota:  # noqa: ARG002  they are all alike
        """Return a quota without bounds."""
        return Quota()


class Admission:
    """Keeps the books of what was promised to whom.

    Args:
        node_id: This node.
        whole: What all agents of the node together may be promised.
        quotas: What each tenant may be promised.
    """

    def __init__(self, node_id: str, whole: Quota, quotas: Quotas | None = None) -> None:
        self._node_id = node_id
        self._whole = whole
        self._quotas = quotas or NoQuotas()
        self._promised: dict[str, int] = {}
        self._bytes: Counter[str] = Counter()
        self._agents: Counter[str] = Counter()

    @contextmanager
    def reserve(self, manifest: Manifest) -> Iterator[None]:
        """Keep a name and its memory while an agent is deployed, and for good if that succeeds.

        Raises:
            AlreadyExists: The name is taken on this node.
            ResourceLimit: It does not fit.
        """
        name = manifest.name
        if name in self._promised:
            raise AlreadyExists(
                f"agent {Address(name)} is already deployed on node {self._node_id}",
                hint=f"caxton agent update {Address(name)}, or deploy it under another name",
            )
        self._check(name, manifest.limits.memory_bytes, 1)
        self.take(name, manifest.limits.memory_bytes)
        try:
            yield
        except BaseException:
            self.release(name)
            raise

    @contextmanager
    def exchange(self, name: str, memory_bytes: int, *, side_by_side: bool) -> Iterator[None]:
        """Promise an agent another size while it is changed, and for good if that succeeds.

        Args:
            name: `tenant/name`, of an agent that is here.
            memory_bytes: What it is to have.
            side_by_side: Whether the old and the new one live together for a moment, so that both must fit.

        Raises:
            ResourceLimit: It does not fit.
        """
        before = self._promised[name]
        more = memory_bytes if side_by_side else memory_bytes - before
        if more > 0:
            self._check(name, more, 0)
        self._set(name, before + more if side_by_side else memory_bytes)
        try:
            yield
        except BaseException:
            self._set(name, before)
            raise
        self._set(name, memory_bytes)

    def resize(self, name: str, memory_bytes: int) -> None:
        """Promise an agent another size without asking; nothing is done for one that has gone."""
        if name in self._promised:
            self._set(name, memory_bytes)

    def take(self, name: str, memory_bytes: int) -> None:
        """Promise without asking: the agent was here before the node was restarted."""
        self._agents[_tenant(name)] += 1
        self._set(name, memory_bytes)

    def release(self, name: str) -> None:
        """Take a promise back; the name is free."""
        if name in self._promised:
            self._set(name, 0)
            del self._promised[name]
            self._agents[_tenant(name)] -= 1

    def _set(self, name: str, memory_bytes: int) -> None:
        self._bytes[_tenant(name)] += memory_bytes - self._promised.get(name, 0)
        self._promised[name] = memory_bytes

    def _check(self, name: str, memory_bytes: int, agents: int) -> None:
        tenant = _tenant(name)
        of_tenant = self._quotas.of_tenant(tenant)
        self._check_memory(name, memory_bytes, self._bytes.total(), self._whole, f"node {self._node_id}")
        self._check_memory(name, memory_bytes, self._bytes[tenant], of_tenant, f"tenant {tenant}")
        if agents:
            self._check_count(name, self._agents.total(), self._whole, f"node {self._node_id}")
            self._check_count(name, self._agents[tenant], of_tenant, f"tenant {tenant}")

    @staticmethod
    def _check_memory(name: str, wanted: int, promised: int, quota: Quota, whose: str) -> None:
        if quota.memory_bytes is not None and promised + wanted > quota.memory_bytes:
            raise ResourceLimit(
                f"agent {Address(name)} does not fit on {whose}",
                why=f"{promised:,} of {quota.memory_bytes:,} bytes are promised, it asks for {wanted:,}, "
                f"{promised + wanted - quota.memory_bytes:,} too many",
                hint="lower its --memory, remove an agent, or raise runtime.memory_bytes_max",
            )

    @staticmethod
    def _check_count(name: str, there: int, quota: Quota, whose: str) -> None:
        if quota.agents is not None and there + 1 > quota.agents:
            raise ResourceLimit(
                f"agent {Address(name)} is one too many for {whose}",
                why=f"{there:,} of {quota.agents:,} agents are there",
                hint="remove an agent, or raise runtime.agents_max",
            )


def _tenant(name: str) -> str:
    return name.partition("/")[0]
