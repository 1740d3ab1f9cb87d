"""What the registry needs of the cluster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol


class ClusterPort(Protocol):
    """Membership and messages to other nodes, as `cluster` provides them."""

    @property
    def node_id(self) -> str:
        """Return this node's id."""
        ...

    def alive_nodes(self) -> Sequence[str]:
        """Return the nodes that can be talked to; this one may be among them."""
        ...

    def is_alive(self, node: str) -> bool:
        """Tell whether a node is alive or only suspected; this node always is. Called on every lookup."""
        ...

    def broadcast(self, topic: str, payload: bytes) -> None:
        """Spread a small payload to every member, once each, without waiting."""
        ...

    def on_topic(self, topic: str, handler: Callable[[str, bytes], None]) -> None:
        """Give every broadcast on a topic to `handler(origin, payload)`."""
        ...

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask a node and return its answer; raises a RemoteError if there is none."""
        ...

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer requests of a kind by `handler(peer, payload)`."""
        ...
