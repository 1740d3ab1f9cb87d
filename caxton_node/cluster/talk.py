"""The way to the other nodes, as those parts of the cluster see it that only talk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol


class Talk(Protocol):
    """The way to the other nodes, as `service.Cluster` provides it."""

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer a kind of request."""
        ...

    def on_topic(self, topic: str, handler: Callable[[str, bytes], None]) -> None:
        """Take a kind of broadcast."""
        ...

    def broadcast(self, topic: str, payload: bytes) -> None:
        """Spread a small payload, best effort."""
        ...

    def linked(self) -> frozenset[str]:
        """Return the nodes to which a link is up."""
        ...

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask a node."""
        ...
