"""Where modules may be: nodes that hold them or run agents of them, by the registry, and all others alive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from caxton_node.agents.module_announcing import ModuleHolders
from caxton_node.registry import Registry


class ClusterPort(Protocol):
    """What this needs of the cluster."""

    @property
    def node_id(self) -> str:
        """Return this node's id."""
        ...

    def alive_nodes(self) -> Sequence[str]:
        """Return the nodes that can be talked to, this one among them."""
        ...

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask a node and return its answer; raises a RemoteError if there is none."""
        ...

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer requests of a kind by `handler(peer, payload)`."""
        ...


class ModuleSources:
    """The other nodes as sources of modules; implements `module_exchange.PeersPort`.

    Args:
        cluster: Who is there, and the way to them.
        registry: Who runs what.
    """

    def __init__(self, cluster: ClusterPort, registry: Registry) -> None:
        self._cluster = cluster
        self._registry = registry
        self._holders = ModuleHolders(registry)
        self.request = cluster.request
        self.serve = cluster.serve

    def holders(self, sha256: str) -> Sequence[str]:
        """Return the other nodes that are alive and hold this module, or run an agent of it, by id."""
        holding = self._holders.of(sha256)
        found = [node for node in self.others() if node in holding]
        return found or self._running(sha256)

    def _running(self, sha256: str) -> list[str]:
        """Look through all instances: nodes of an earlier version do not say what they hold."""
        nodes = {found.node for found in self._registry.instances() if found.module_sha256 == sha256}
        return [node for node in self.others() if node in nodes]

    def others(self) -> Sequence[str]:
        """Return all other nodes that are alive, by id; before the node has joined there are none."""
        return [node for node in self._cluster.alive_nodes() if node != self._cluster.node_id]
