"""Nodes in one process with durable messages: real routers and databases, and wires that a test cuts.

A node that is `killed` loses all but its database; `start` begins its next life. Agents are mailboxes that a
test empties by hand, turn by turn, as in `post_office.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from caxton_node.core.errors import Unavailable
from caxton_node.fipa import Envelope, FailureReason, Performative, decode, encode
from caxton_node.messaging import Mailbox, Router, RouteTable
from caxton_node.messaging.durable.header import DURABLE
from caxton_node.messaging.durable.post import TIDYING, DurablePost
from caxton_node.messaging.durable.reports import TASK
from caxton_node.messaging.durable.settings import DurableSettings
from caxton_node.messaging.mailbox import Sender
from caxton_node.messaging.pausing import Gate
from caxton_node.messaging.remote import Refused
from caxton_node.storage import Database
from tests.support.clock import HandClock

PATIENT = DurableSettings(retry_min_s=0.05, retry_max_s=0.4, ask_s=0.5)
SHORT = {TASK, TIDYING}
"""Tasks that end by themselves."""
Handler = Callable[[str, bytes], Awaitable[bytes]]
Answer = Callable[[Envelope], Sequence[bytes]]


class Wires:
    """Who reaches whom; mail on a wire that is cut is lost, a request fails."""

    def __init__(self) -> None:
        self.nodes: dict[str, DurableNode] = {}
        self.cut: set[tuple[str, str]] = set()
        self.dead: set[str] = set()
        self.lost = 0
        self.mail: list[tuple[str, str, list[bytes]]] = []

    def are_up(self, one: str, other: str) -> bool:
        return not {(one, other), (other, one)} & self.cut and not {one, other} & self.dead

    def deliver(self) -> int:
        """Bring to their nodes what is on the wires; return how many frames that were."""
        mail, self.mail = self.mail, []
        for sender, node, frames in mail:
            if self.are_up(sender, node):
                self.nodes[node].router.accept_remote(sender, frames)
            else:
                self.lost += len(frames)
        return sum(len(frames) for _, _, frames in mail)


class WirePort:
    """The way of one node to the others; implements `RemotePort`."""

    def __init__(self, node_id: str, wires: Wires) -> None:
        self.forwarded = self.pending = 0
        self.held: dict[str, Gate] = {}
        self._node_id = node_id
        self._wires = wires

    def handle_roomy(self, node: str) -> None:
        """Take no notice: nobody waits here."""

    def connect(self, refused: Refused) -> None:
        """Take no notice: nothing is refused."""

    def send(self, node: str, _lane_key: int, frames: list[bytes], _sender: Sender = None) -> bool:
        self.forwarded += len(frames)
        self._wires.mail.append((self._node_id, node, frames))
        return True


class WirePeers:
    """The cluster as one node sees it; implements `reports.Peers`."""

    def __init__(self, node_id: str, wires: Wires) -> None:
        self.handlers: dict[str, Handler] = {}
        self.answering: set[asyncio.Future[bytes]] = set()
        self._node_id = node_id
        self._wires = wires

    def is_alive(self, node: str) -> bool:
        return node not in self._wires.dead

    def serve(self, method: str, handler: Handler) -> None:
        self.handlers[method] = handler

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        if not self._wires.are_up(self._node_id, node):
            raise Unavailable(f"node {node} does not answer within {timeout_s} s")
        peers = self._wires.nodes[node].peers
        answer = asyncio.ensure_future(peers.handlers[method](self._node_id, payload))
        peers.answering.add(answer)
        answer.add_done_callback(peers.answering.discard)
        await asyncio.wait([answer])
        if answer.cancelled():
            raise Unavailable(f"node {node} died over the answer")
        return answer.result()


@dataclass
class DurableNode:
    """One node, over its lives."""

    node_id: str
    path: Path
    wires: Wires
    clock: HandClock
    settings: DurableSettings = PATIENT
    boxes: dict[str, Mailbox] = field(default_factory=dict)

    async def start(self) -> None:
        self.clock.advance(0.001)  # or this life would give out the numbers of the one before
        self.database = await Database.open(self.path)
        self.routes = RouteTable()
        self.peers = WirePeers(self.node_id, self.wires)
        self.router = Router(
            node_id=self.node_id,
            routes=self.routes,
            clock=self.clock,
            loop=asyncio.get_running_loop(),
            remote=WirePort(self.node_id, self.wires),
        )
        self.durable = DurablePost(
            self.router.office,
            database=self.database,
            node_id=self.node_id,
            clock=self.clock,
            settings=self.settings,
            peers=self.peers,
        )
        self.router.keep_durable(self.durable)
        self.boxes = {}
        await self.durable.open()
        self.wires.dead.discard(self.node_id)
        self.durable.start()

    async def kill(self) -> None:
        """End this life: what is not in the database is gone."""
        self.wires.dead.add(self.node_id)
        for answer in list(self.peers.answering):
            answer.cancel()
        await self.database.close()  # first, so that nothing more gets in
        await self.durable.close()

    async def close(self) -> None:
        if self.node_id not in self.wires.dead:
            await self.kill()

    def open(self, name: str, depth: int = 1_000) -> Mailbox:
        """Add an agent's mailbox."""
        instance = f"{name}#1.1@{self.node_id}"
        box = self.boxes[name] = Mailbox(depth)
        self.router.add_mailbox(instance, box)
        return box

    def say(self, sender: str, receiver: str, content: str, *, durable: bool = True, **more: Any) -> None:
        """Let an agent send one message."""
        self.router.accept(
            f"{sender}#1.1@{self.node_id}", [letter(receiver, content, durable=durable, **more)]
        )

    def handle(
        self, name: str, answer: Callable[[Envelope], Sequence[bytes]] = lambda _envelope: ()
    ) -> list[str]:
        """Let an agent handle what waits, turn by turn; return the contents."""
        box, handled, instance = self.boxes[name], [], f"{name}#1.1@{self.node_id}"
        while frames := box.take(256, 1 << 40):
            envelopes = [decode(frame) for frame in frames]
            outbox = [frame for envelope in envelopes for frame in answer(envelope)]
            if box.lone_in_hand() is not None:  # as the scheduler does
                assert self.router.admit(instance, frames[0], counts_fuel=False)
                self.router.charge(instance, frames[0], fuel_units=0, elapsed_s=0.001)
            if outbox or box.lone_in_hand() is not None:
                self.router.accept(instance, outbox)
            box.settle(len(frames))
            handled += [(envelope.content or b"").decode() for envelope in envelopes]
        return handled

    def refuse(self, name: str) -> None:
        """Let an agent trap over the message that waits first."""
        (frame,) = self.boxes[name].take(1, 1 << 40)
        self.boxes[name].settle(0, poisoned=1)
        self.router.return_to_sender(frame, FailureReason.TRAPPED, "unreachable")

    def stop(self, name: str) -> None:
        """Close an agent's mailbox and route again what waited."""
        left = self.router.remove_mailbox(f"{name}#1.1@{self.node_id}")
        self.router.reroute(left, FailureReason.AGENT_STOPPED)

    def check_sum(self) -> None:
        """Assert that every message of this life is accounted for."""
        counts = self.router.counts()
        assert counts.accepted == counts.settled + counts.in_flight + counts.parked, counts


class Net:
    """Some nodes and the wires between them."""

    def __init__(self, room: Path) -> None:
        self.clock = HandClock(time.time())  # mailboxes read the clock of the machine
        self.wires = Wires()
        self._room = room

    async def add(self, node_id: str, settings: DurableSettings = PATIENT) -> DurableNode:
        node = DurableNode(node_id, self._room / f"{node_id}.db", self.wires, self.clock, settings)
        self.wires.nodes[node_id] = node
        self.wires.dead.add(node_id)
        await node.start()
        return node

    @property
    def alive(self) -> list[DurableNode]:
        return [node for name, node in self.wires.nodes.items() if name not in self.wires.dead]

    async def rest(self) -> None:
        """Let everything happen that happens by itself, at this moment."""
        while True:
            for node in self.alive:
                await node.durable.stored()
            await asyncio.sleep(0)  # reports begin in the next turn of the loop
            talking = [task for task in asyncio.all_tasks() if task.get_name() in SHORT]
            await asyncio.gather(*talking)
            if talking:
                continue
            if not self.wires.deliver() and not any(node.durable.pending for node in self.alive):
                return

    async def pass_time(self, seconds: float, step_s: float = 0.25) -> None:
        """Turn the clock in steps, as the router's clock does."""
        for _ in range(round(seconds / step_s)):
            self.clock.advance(step_s)
            for node in self.alive:
                node.router.tick(self.clock.unix_us())
            await self.rest()


@asynccontextmanager
async def open_net(room: Path) -> AsyncIterator[Net]:
    """Give a place to open nodes in."""
    net = Net(room)
    try:
        yield net
    finally:
        for node in net.alive:
            await node.close()


def letter(receiver: str, content: str, *, durable: bool = True, **more: Any) -> bytes:
    """Return what a guest writes."""
    headers: Mapping[str, msgspec.Raw] | None = (
        {DURABLE: msgspec.Raw(msgspec.msgpack.encode(durable))} if durable else None
    )
    more.setdefault("conversation_id", "talk")
    return encode(
        Envelope(
            Performative.INFORM,
            receivers=receiver,
            content=content.encode(),
            language="text",
            headers=dict(headers) if headers else None,
            **more,
        )
    )
