"""A router without workers: agents are mailboxes that a test empties by hand, the mesh is a list."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from caxton_node.fipa import Envelope, FailureReason, Performative, decode, encode
from caxton_node.fipa.content import fault_in
from caxton_node.messaging import Mailbox, Router, RouteTable, Target
from caxton_node.messaging.mailbox import Sender
from caxton_node.messaging.pausing import Gate
from caxton_node.messaging.remote import Refused
from tests.support.clock import HandClock

NODE = "node-1"


class ListPort:
    """A way to other nodes that keeps what it is given; `room` bounds how many frames it takes."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, Envelope]] = []
        self.frames: list[bytes] = []
        self.room = 1_000_000
        self.forwarded = 0
        self.pending = 0
        self.refused: Refused | None = None
        self.held: dict[str, Gate] = {}

    def handle_roomy(self, node: str) -> None:
        """Take no notice: nobody waits here."""

    def connect(self, refused: Refused) -> None:
        self.refused = refused

    def send(self, node: str, lane_key: int, frames: list[bytes], _sender: Sender = None) -> bool:
        if len(frames) > self.room:
            return False
        self.room -= len(frames)
        self.forwarded += len(frames)
        self.frames += frames
        self.sent += [(node, lane_key, decode(frame)) for frame in frames]
        return True


class PostOffice:
    """The router of node-1 and what is needed to look at it."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.routes = RouteTable()
        self.mesh = ListPort()
        self.router = Router(
            node_id=NODE,
            routes=self.routes,
            clock=self.clock,
            loop=asyncio.get_running_loop(),
            remote=self.mesh,
        )
        self.boxes: dict[str, Mailbox] = {}

    def open(self, name: str, depth: int = 100, number: int = 1, content_bytes_max: int = 1_000) -> Mailbox:
        """Add an agent's mailbox."""
        box = self.boxes[f"{name}#1.{number}@{NODE}"] = Mailbox(depth)
        self.router.add_mailbox(f"{name}#1.{number}@{NODE}", box, content_bytes_max=content_bytes_max)
        return box

    def route(self, name: str, *nodes: str) -> None:
        """Route a name to its first instance on each node."""
        self.routes.replace(f"default/{name}", [Target(f"{name}#1.1@{node}", node) for node in nodes])

    def say(self, sender: str, envelope: Envelope) -> None:
        """Let an agent send one message; words that are no JSON are text."""
        if envelope.language is None and fault_in(envelope.content or b"", None, None):
            envelope.language = "text"
        self.router.accept(f"{sender}#1.1@{NODE}", [encode(envelope)])

    def tell(self, sender: str, receiver: str | Sequence[str], content: bytes = b"hi", **more: Any) -> None:
        """Let an agent inform somebody."""
        receivers = receiver if isinstance(receiver, str) else list(receiver)
        self.say(sender, Envelope(Performative.INFORM, receivers=receivers, content=content, **more))

    def check_sum(self) -> None:
        """Assert that every message is accounted for."""
        counts = self.router.counts()
        assert counts.accepted == counts.settled + counts.in_flight, counts


def empty(box: Mailbox) -> list[Envelope]:
    """Take and handle everything that waits."""
    frames = box.take(1_000_000, 1 << 40)
    box.settle(len(frames))
    return [decode(frame) for frame in frames]


def failure_of(envelope: Envelope) -> dict[str, Any]:
    """Return the content of a FAILURE of the platform."""
    assert (envelope.performative, envelope.sender) == (Performative.FAILURE, "ams")
    found = json.loads(envelope.content or b"")
    assert found["reason"] in set(FailureReason)
    assert isinstance(found, dict)
    return found
