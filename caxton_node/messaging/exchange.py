"""Where messages meet the mesh: what comes goes to the router, what goes waits while the way is full.

A node asks another to hold what is for one of its agents, and does so itself when it is asked
(`origin.py`). The word goes over the mesh as a request. It may be lost with its link: the one who asks
repeats it every second while it lasts (`Router.tick`), the one who is asked forgets it after three
(`remote.HOLD_S`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from caxton_node.core.errors import CaxtonError, InvalidArgument
from caxton_node.messaging.remote import Outbound
from caxton_node.messaging.router import Router

METHOD = "messaging.hold"
ANSWER_S = 3.0
_ASKED = msgspec.msgpack.Decoder(tuple[str, bool])


class Peers(Protocol):
    """The way to other nodes, as `cluster.service.Cluster` provides it."""

    def on_batch(self, handler: Callable[[str, Sequence[bytes]], int | None]) -> None:
        """Give every batch from a peer to a handler, which says how many bytes it keeps."""
        ...

    def on_roomy(self, handler: Callable[[str], None]) -> None:
        """Tell when senders may go on that had to wait for a peer."""
        ...

    def release(self, node: str, size: int) -> None:
        """Give a peer its credit for bytes that were kept."""
        ...

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer a kind of request."""
        ...

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask a node."""
        ...


class Exchange:
    """Introduces router and lanes to the mesh.

    Args:
        peers: The way to other nodes.
        lanes: Where messages wait for the mesh.
        router: Takes what comes.
    """

    def __init__(self, peers: Peers, lanes: Outbound, router: Router) -> None:
        self._peers = peers
        self._lanes = lanes
        self._asking: set[asyncio.Task[None]] = set()
        router.inlet.release, router.inlet.ask_to_hold = peers.release, self._ask_soon
        peers.on_batch(router.accept_remote)
        peers.on_roomy(lanes.handle_roomy)
        peers.serve(METHOD, self._handle)

    async def close(self) -> None:
        """Wait for no answer any more."""
        for task in list(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    def _ask_soon(self, node: str, address: str, held: bool) -> None:
        task = asyncio.get_running_loop().create_task(self._ask(node, address, held=held))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, node: str, address: str, *, held: bool) -> None:
        try:
            await self._peers.request(node, METHOD, msgspec.msgpack.encode((address, held)), ANSWER_S)
        except CaxtonError:
            return  # it is gone, or will be asked again

    async def _handle(self, peer: str, payload: bytes) -> bytes:
        try:
            address, held = _ASKED.decode(payload)
        except msgspec.DecodeError as err:
            raise InvalidArgument("a request to hold mail cannot be read", why=str(err)) from err
        if not address.endswith(f"@{peer}"):
            raise InvalidArgument(f"{peer} may not hold mail for {address}", why="it is not there")
        if held:
            self._lanes.hold(address)
        else:
            self._lanes.go_on(address)
        return b""
