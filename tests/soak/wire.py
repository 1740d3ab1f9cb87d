"""A link between the routers of one process: a queue for each direction, emptied by the event loop.

It does what the mesh promises: order, a bound, an error for a node that is no member. What it holds when it
breaks goes back to the router that sent it, as from a mesh whose peer has died.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial

from caxton_node.core.errors import DeliveryFailed, ResourceLimit
from caxton_node.messaging import Outbound, Router

ROOM = 400
TURN = 16
Way = tuple[str, str]


class Wire:
    """Joins the routers of nodes.

    Args:
        room: Messages that wait in one direction at most.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._routers: dict[str, Router] = {}
        self._queues: dict[Way, deque[bytes]] = {}
        self._ports: dict[str, Outbound] = {}
        self.is_whole = True

    def port(self, origin: str) -> Outbound:
        """Return the way out of a node."""
        port = self._ports[origin] = Outbound(asyncio.get_running_loop(), partial(self._send, origin))
        return port

    def join(self, router: Router) -> None:
        """Let a node be a member from now on."""
        self._routers[router.node_id] = router

    def part(self, node: str) -> None:
        """Let a node leave: all others learn of it, and what it has sent before still arrives."""
        del self._routers[node]
        for origin in self._routers:
            self._return((origin, node))

    def cut(self) -> None:
        """Let every node believe that the others are dead, unless it does."""
        if not self.is_whole:
            return
        self.is_whole = False
        for origin in self._routers:
            for node in self._routers:
                if node != origin:
                    self._return((origin, node))

    def mend(self) -> None:
        """Let the nodes see each other again, once all has come back that they sent to each other's ghosts.

        A node that is back sooner than the buffers in front of the mesh are empty is none that had died.
        """
        if any(port.pending for port in self._ports.values()):
            asyncio.get_running_loop().call_soon(self.mend)
        else:
            self.is_whole = True
            for node, router in self._routers.items():
                for other in self._routers:
                    if other != node:
                        router.handle_node_alive(other)

    @property
    def waiting(self) -> int:
        """Return how many messages are under way."""
        return sum(map(len, self._queues.values()))

    def _send(self, origin: str, node: str, _lane_key: int, frames: Sequence[bytes]) -> None:
        if not self.is_whole or node not in self._routers or origin not in self._routers:
            raise DeliveryFailed(f"node {node} is not a member")
        queue = self._queues.setdefault((origin, node), deque())
        if len(queue) + len(frames) > self._room:
            raise ResourceLimit(f"{len(queue)} messages wait to be sent to node {node}")
        if not queue:
            asyncio.get_running_loop().call_soon(self._carry, (origin, node))
        queue.extend(frames)

    def _carry(self, way: Way) -> None:
        queue = self._queues[way]
        frames = [queue.popleft() for _ in range(min(len(queue), TURN))]
        if frames:
            self._routers[way[1]].accept_remote(way[0], frames)
        if queue:
            asyncio.get_running_loop().call_soon(self._carry, way)

    def _return(self, way: Way) -> None:
        """Give what is under way back to its sender, for whom the other side is dead."""
        frames = list(self._queues.get(way, ()))
        self._queues[way] = deque()
        self._routers[way[0]].handle_node_died(way[1], frames)
