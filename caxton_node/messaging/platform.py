"""Platform agents and waiting clients: receivers that live on the event loop instead of in a sandbox.

They are addressed like any agent. Their messages wait in a bounded box; the first one wakes the loop, which
then hands over everything that has come, in order. A box has no agent to pause, so a full one refuses.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import count
from secrets import token_hex
from threading import Lock
from time import time_ns
from typing import Protocol, Self

from caxton_node.core.errors import DeadlineExceeded
from caxton_node.core.ids import DEFAULT_TENANT
from caxton_node.fipa import Envelope, decode
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.messaging.budget import Grant
from caxton_node.messaging.mailbox import Sender
from caxton_node.messaging.receipts import Receipts
from caxton_node.messaging.stamps import to_message_id
from caxton_node.messaging.tags import Tag

BOX_DEPTH_MAX = 10_000
CLIENT_DEPTH_MAX = 1_000
TURN_MAX = 256
# As of a mailbox: whoever sends a megabyte to 256 spellings of one address must not fill the node with it.
BYTES_MAX = 64 * 1024 * 1024

Handler = Callable[[Envelope], None]
Purse = Callable[[str, Envelope, Grant], None]
"""Takes what a message carries of a budget, with the address that has got it."""


class PlatformBox:
    """Messages for one handler, oldest first; any thread may put, the loop's thread handles.

    Args:
        loop: Whose thread handles.
        address: `name@node`.
        handler: Called with each message; one that raises is a bug and ends in the loop's exception handler.
        depth_max: Messages that may wait.
        bytes_max: Bytes of frames that may wait.
        receipts: Where it is noted what was handled.
        purse: Where goes what a message carries of a budget.
        finish: Called with a durable message that was handled.

    Attributes:
        policy: What comes by protocol is noted, not refused: a platform agent looks for itself.
        closed: Whether it takes no more.
        delivered: Messages handled.
    """

    policy = ProtocolPolicy.WARN

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        address: str,
        handler: Handler,
        depth_max: int = BOX_DEPTH_MAX,
        bytes_max: int = BYTES_MAX,
        *,
        receipts: Receipts | None = None,
        purse: Purse | None = None,
        finish: Handler | None = None,
    ) -> None:
        self.address = address
        self._purse = purse
        self._finish = finish
        self.closed = False
        self.delivered = 0
        self._loop = loop
        self._handler = handler
        self._depth_max = depth_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self.receipts = receipts
        self._frames: deque[tuple[bytes, Tag | None]] = deque()
        self._lock = Lock()
        self._awake = False

    @property
    def in_flight(self) -> int:
        """Return how many messages wait."""
        return len(self._frames)

    def put_all(
        self,
        frames: list[bytes],
        sender: Sender,  # noqa: ARG002  nobody to pause
        first: int = 0,  # noqa: ARG002  it reads the number when it handles
        tag: Tag | None = None,
    ) -> int:
        """Take frames from the front as far as there is room and return how many."""
        with self._lock:
            taken = 0 if self._loop.is_closed() else self._room_for(frames)
            if taken <= 0:
                return 0
            self._frames.extend((frame, tag) for frame in frames[:taken])
            self._bytes += sum(map(len, frames[:taken]))
            wake, self._awake = not self._awake, True
        if wake:
            self._loop.call_soon_threadsafe(self._handle_waiting)
        return taken

    def _room_for(self, frames: list[bytes]) -> int:
        """Return how many of these go in, counted from the front."""
        room, most = self._bytes_max - self._bytes, min(len(frames), self._depth_max - len(self._frames))
        for taken, frame in enumerate(frames[: max(most, 0)]):
            room -= len(frame)
            if room < 0:
                return taken
        return most

    def close(self) -> list[bytes]:
        """Take no more; return what waits."""
        with self._lock:
            self._depth_max = 0
            self.closed = True
            left = [frame for frame, _ in self._frames]
            self._frames.clear()
            self._bytes = 0
        return left

    def holds(self, number: int) -> int:
        """Return 1 if a message of this number waits, 0 if not."""
        with self._lock:
            waiting = [frame for frame, _ in self._frames]
        return int(any(decode(frame).message_id == to_message_id(number) for frame in waiting))

    def _handle_waiting(self) -> None:
        """Handle what has come, at most `TURN_MAX` messages before others of the loop get their turn."""
        try:
            for _ in range(TURN_MAX):
                with self._lock:
                    if not self._frames:  # also when the handler of the last one has closed this box
                        break
                    frame, tag = self._frames.popleft()
                    self._bytes -= len(frame)
                self.delivered += 1
                envelope = decode(frame)
                self._write_receipt(envelope, tag)
                if tag is not None and tag.grant is not None and self._purse is not None:
                    self._purse(self.address, envelope, tag.grant)
                self._handler(envelope)
                if tag is not None and tag.passage is not None and self._finish is not None:
                    self._finish(envelope)
        finally:
            with self._lock:
                self._awake = bool(self._frames)
            if self._awake:
                self._loop.call_soon(self._handle_waiting)

    def _write_receipt(self, envelope: Envelope, tag: Tag | None) -> None:
        """Note that a message has been handed over."""
        now_us = time_ns() // 1000
        if self.receipts is not None and envelope.message_id:
            number = int.from_bytes(envelope.message_id, "big")
            self.receipts.note_handled(number, 1, now_us, self.address)
        if tag is not None and tag.span is not None:
            span = tag.span
            span.taken_us = span.ended_us = now_us
            span.outcome, span.instance = "handled", self.address


class Office(Protocol):
    """What waiting clients need of the router."""

    node_id: str

    def add_platform_agent(self, name: str, handler: Handler, *, depth_max: int = BOX_DEPTH_MAX) -> None:
        """Give messages for `name` to `handler` on the loop's thread."""
        ...

    def remove_platform_agent(self, name: str) -> None:
        """Take the name out; messages that still wait for it are dead-lettered."""
        ...

    def submit(self, envelope: Envelope, *, personal: bool = False) -> bytes:
        """Route a message and return its id."""
        ...


class Client:
    """Somebody outside the node who talks to agents: an address, and what has come to it.

    Use as a context manager; the address ends with it. A client that does not read keeps the latest messages.

    Args:
        office: The router.
        name: `client~<id>`.

    Attributes:
        missed: Messages that made room for later ones.
    """

    def __init__(self, office: Office, name: str) -> None:
        self.address = f"{name}@{office.node_id}"
        self._office = office
        self._name = f"{DEFAULT_TENANT}/{name}"
        self._replies: asyncio.Queue[Envelope] = asyncio.Queue(CLIENT_DEPTH_MAX)
        self.missed = 0

    def __enter__(self) -> Self:
        """Make the address known."""
        self._office.add_platform_agent(self._name, self._keep, depth_max=CLIENT_DEPTH_MAX)
        return self

    def __exit__(self, *_: object) -> None:
        """Forget the address."""
        self._office.remove_platform_agent(self._name)

    def _keep(self, envelope: Envelope) -> None:
        if self._replies.full():
            self._replies.get_nowait()
            self.missed += 1
        self._replies.put_nowait(envelope)

    def send(self, envelope: Envelope) -> bytes:
        """Send a message in this client's name and return its id."""
        envelope.sender = self.address
        return self._office.submit(envelope, personal=True)

    async def receive(self, timeout_s: float) -> Envelope:
        """Wait for the next message to this client.

        Raises:
            DeadlineExceeded: None came in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._replies.get()
        except TimeoutError as err:
            raise DeadlineExceeded(f"no answer within {timeout_s:g} s") from err


class Clients:
    """Gives addresses to clients of this node; an answer that comes after a restart reaches nobody else."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._boot = token_hex(3)
        self._numbers = count(1)
        self._absent = f"client~{self._boot}-0"
        office.add_platform_agent(self._absent, lambda _answer: None)

    def open(self) -> Client:
        """Return a client with an address of its own, to be entered by `with`."""
        return Client(self._office, f"client~{self._boot}-{next(self._numbers)}")

    def post(self, envelope: Envelope) -> bytes:
        """Send a message for somebody who does not wait, and return its id; answers are taken and let go."""
        envelope.sender = f"{self._absent}@{self._office.node_id}"
        return self._office.submit(envelope, personal=True)
