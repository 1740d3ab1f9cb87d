"""What this package needs of the cluster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from caxton_node.cluster.sides import Sides
from swim import Member


class ClusterPort(Protocol):
    """Membership, as `cluster.service.Cluster` provides it."""

    @property
    def node_id(self) -> str:
        """Return this node's id."""
        ...

    @property
    def sides(self) -> Sides:
        """Return which side of a split this node is on."""
        ...

    def alive_nodes(self) -> Sequence[str]:
        """Return the nodes that are alive or suspected, this one among them."""
        ...

    def is_alive(self, node: str) -> bool:
        """Tell whether a node is alive or only suspected; this node always is."""
        ...

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask a node and return its answer; raises a RemoteError if there is none."""
        ...

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer requests of a kind by `handler(peer, payload)`."""
        ...

    def find(self, node: str) -> Member | None:
        """Return what is known of a node, None if nothing is."""
        ...
