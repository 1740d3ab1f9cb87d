"""Whether one more agent may come: its name is free and its memory fits into what the node may promise.

Memory is promised, not measured: an agent may grow to its limit at any time, and a node that promised too
much would fail agents that did nothing wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from caxton_node.agents.charge import Roster
from caxton_node.agents.manifest import Manifest
from caxton_node.core.errors import AlreadyExists, ResourceLimit
from caxton_node.core.ids import Address


class Admission:
    """Keeps names and memory for deployments under way.

    Args:
        roster: The agents that are here.
        node_id: This node.
        memory_bytes_max: Memory that all agents together may be promised.
    """

    def __init__(self, roster: Roster, node_id: str, memory_bytes_max: int) -> None:
        self._roster = roster
        self._node_id = node_id
        self._memory_bytes_max = memory_bytes_max
        self._deploying: dict[str, int] = {}

    @contextmanager
    def reserve(self, manifest: Manifest) -> Iterator[None]:
        """Keep a name and its memory while an agent is deployed.

        Raises:
            AlreadyExists: The name is taken on this node.
            ResourceLimit: The memory does not fit.
        """
        name, wanted = manifest.name, manifest.limits.memory_bytes
        if name in self._roster or name in self._deploying:
            raise AlreadyExists(
                f"agent {Address(name)} is already deployed on node {self._node_id}",
                hint=f"caxton agent delete {Address(name)}, or deploy it under another name",
            )
        # By name, since an agent is in the roster for the last part of its deployment.
        promises = {charge.name: charge.row.manifest.limits.memory_bytes for charge in self._roster}
        promised = sum((promises | self._deploying).values())
        if promised + wanted > self._memory_bytes_max:
            raise ResourceLimit(
                f"agent {Address(name)} does not fit on node {self._node_id}",
                why=f"{promised:,} of {self._memory_bytes_max:,} bytes are promised, it asks for {wanted:,}",
                hint="lower its --memory, remove an agent, or raise runtime.memory_bytes_max",
            )
        self._deploying[name] = wanted
        try:
            yield
        finally:
            del self._deploying[name]
