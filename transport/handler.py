"""What the mesh asks of whoever uses it."""

from __future__ import annotations

from typing import Literal, Protocol

Address = tuple[str, int]


class Handler(Protocol):
    """Takes what comes from other nodes; called on the event loop's thread."""

    def handle_gossip(self, datagram: bytes, source: Address) -> None:
        """Take one gossip datagram; its sender is not proved."""
        ...

    def handle_batch(self, peer: str, lane: int, envelopes: list[bytes]) -> int | None:
        """Take envelopes from a proved peer, in order within a lane, each exactly once.

        When this returns the peer may forget them. If it raises, the error is logged and they count as
        handled all the same, since sending them again would fail again.

        Returns:
            How many bytes of them are kept and not handled yet: `Mesh.release` gives the peer its credit for
            these. None is 0.
        """
        ...

    def handle_roomy(self, peer: str) -> None:
        """Learn that senders may go on which waited since `Mesh.send` said that much waits for this peer."""
        ...

    async def handle_request(self, peer: str, method: str, payload: bytes) -> bytes:
        """Answer a request.

        Raises:
            RequestRefused: The answer is this error.
        """
        ...

    def handle_link(self, peer: str, state: Literal["up", "down"], kind: str, reason: str) -> None:
        """Learn that a link came up (reason is empty) or went down."""
        ...
