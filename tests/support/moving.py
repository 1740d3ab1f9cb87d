"""Nodes without workers whose links a test can stop, and agents that move between them while others write.

An agent is a mailbox; a *reader* takes messages from it, one by one, when the test lets it. What all readers
of one name have handled is one list, in the order in which it happened.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import DeliveryFailed, Unavailable
from caxton_node.fipa import Envelope, FailureReason, Performative, decode
from caxton_node.messaging import Mailbox, Outbound, Router, RouteTable, Target
from caxton_node.observability import Board

Handler = Callable[[str, bytes], Awaitable[bytes]]


class Wire:
    """All links: mail waits on a link that is stopped, requests pass it by, as they may."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.dead: set[str] = set()
        self.stopped: set[tuple[str, str]] = set()
        self.requests: list[tuple[str, str, str]] = []
        self._waiting: dict[tuple[str, str], deque[list[bytes]]] = defaultdict(deque)

    def send(self, origin: str, node: str, frames: Sequence[bytes]) -> None:
        if node not in self.places or node in self.dead:
            raise DeliveryFailed(f"node {node} is not a member")
        self._waiting[origin, node].append(list(frames))
        asyncio.get_running_loop().call_soon(self._deliver, origin, node)

    def stop(self, origin: str, node: str) -> None:
        self.stopped.add((origin, node))

    def go(self, origin: str, node: str) -> None:
        self.stopped.discard((origin, node))
        self._deliver(origin, node)

    def kill(self, node: str) -> None:
        """Let a node die; what its links had not taken comes back, then the routes change."""
        self.dead.add(node)
        for other in self.places.values():
            if other.node != node:
                undelivered = [f for frames in self._waiting.pop((other.node, node), ()) for f in frames]
                other.router.handle_node_died(node, undelivered)
        for (origin, target), waiting in self._waiting.items():
            if origin == node or target == node:
                waiting.clear()

    def _deliver(self, origin: str, node: str) -> None:
        waiting = self._waiting[origin, node]
        while waiting and (origin, node) not in self.stopped and node not in self.dead:
            self.places[node].router.accept_remote(origin, waiting.popleft())


class Peers:
    """The other nodes as `Clearing` sees them."""

    def __init__(self, wire: Wire, node: str) -> None:
        self.handlers: dict[str, Handler] = {}
        self._wire = wire
        self._node = node

    def is_alive(self, node: str) -> bool:
        return node not in self._wire.dead

    def serve(self, method: str, handler: Handler) -> None:
        self.handlers[method] = handler

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        self._wire.requests.append((self._node, node, method))
        if node in self._wire.dead:
            raise Unavailable(f"node {node} cannot be reached")
        async with asyncio.timeout(timeout_s):
            return await self._wire.places[node].peers.handlers[method](self._node, payload)


class Place:
    """One node."""

    def __init__(self, wire: Wire, node: str, fence_s: float) -> None:
        loop = asyncio.get_running_loop()
        self.node = node
        self.routes = RouteTable()
        self.remote = Outbound(loop, lambda to, _lane, frames: wire.send(node, to, frames))
        self.router = Router(
            node_id=node, routes=self.routes, clock=SystemClock(), loop=loop, remote=self.remote
        )
        self.board = Board()
        self.peers = Peers(wire, node)
        self.clearing = self.router.fence_moves(self.peers, self.board)
        self.clearing.fence_s = fence_s
        self.boxes: dict[str, Mailbox] = {}

    def outcomes(self) -> dict[str, float]:
        """Return how many fences ended how."""
        name = "caxton_message_fences_total"
        return {one.labels[0]: one.value for one in self.board.read() if one.name == name}  # type: ignore[misc]

    def say(self, name: str, talk: str, number: int, sender: str = "asker") -> None:
        """Send a numbered message in a conversation."""
        content = str(number).encode()
        envelope = Envelope(Performative.INFORM, f"{sender}@{self.node}", name, content, talk)
        self.router.submit(envelope)


class World:
    """Nodes, and one agent `x` that lives on some of them."""

    def __init__(self, nodes: Sequence[str], fence_s: float = 5.0) -> None:
        self.wire = Wire()
        self.seen: list[tuple[str, str, int]] = []
        for node in nodes:
            self.wire.places[node] = Place(self.wire, node, fence_s)
        self._number = 0

    def __getitem__(self, node: str) -> Place:
        return self.wire.places[node]

    def start(self, node: str, name: str = "x") -> str:
        """Give a node an instance of an agent, which no route knows yet."""
        self._number += 1
        instance = f"default/{name}#1.{self._number}@{node}"
        self[node].boxes[instance] = box = Mailbox(100_000)
        self[node].router.add_mailbox(instance, box)
        return instance

    def route(self, *instances: str, name: str = "x", on: Sequence[str] = ()) -> None:
        """Set the route of an agent on all nodes, or some."""
        targets = [Target(instance, instance.partition("@")[2]) for instance in instances]
        for node in on or self.wire.places:
            if node not in self.wire.dead:
                self[node].routes.replace(f"default/{name}", targets)

    def end(self, instance: str) -> None:
        """Take an instance out, and route again what waited."""
        place = self[instance.partition("@")[2]]
        place.router.reroute(place.router.remove_mailbox(instance), FailureReason.AGENT_STOPPED)
        del place.boxes[instance]

    def read(self, instance: str, count: int = 1) -> int:
        """Let an instance handle some messages; returns how many there were."""
        place = self[instance.partition("@")[2]]
        box = place.boxes[instance]
        frames = box.take(count, 2**30)
        for frame in frames:
            envelope = decode(frame)
            talk, number = envelope.conversation_id or "", int(envelope.content or b"0")
            self.seen.append((envelope.sender or "", talk, number))
        box.settle(len(frames))
        return len(frames)

    def numbers(self, talk: str) -> list[int]:
        """Return what was handled of a conversation, in order."""
        return [number for _, one, number in self.seen if one == talk]

    def check_order(self) -> None:
        """Fail if a message was handled before an earlier one of its sender and conversation."""
        last: dict[tuple[str, str], int] = {}
        for sender, talk, number in self.seen:
            assert number > last.get((sender, talk), -1), f"{talk} of {sender}: {self.numbers(talk)}"
            last[sender, talk] = number

    async def settle(self, rng: random.Random | None = None, within_s: float = 20.0) -> None:
        """Read everywhere until nothing moves any more."""
        async with asyncio.timeout(within_s):
            while True:
                await asyncio.sleep(0.001)
                boxes = [instance for place in self.wire.places.values() for instance in place.boxes]
                if rng is not None:
                    rng.shuffle(boxes)
                alive = [box for box in boxes if box.partition("@")[2] not in self.wire.dead]
                read = sum(self.read(instance, 3) for instance in alive)
                if not read and not self._is_busy():
                    return

    def _is_busy(self) -> bool:
        alive = [place for node, place in self.wire.places.items() if node not in self.wire.dead]
        return any(self.wire._waiting.values()) or any(
            place.router.counts().in_flight or place.router.fences.standing for place in alive
        )


@asynccontextmanager
async def world(*nodes: str, fence_s: float = 5.0) -> AsyncIterator[World]:
    """Open nodes; at the end the books of those that live must balance."""
    opened = World(nodes, fence_s)
    try:
        yield opened
    finally:
        for place in opened.wire.places.values():
            await place.clearing.close()
