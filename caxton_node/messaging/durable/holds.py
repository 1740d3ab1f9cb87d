"""What is said together and waits for the disk, from whatever thread it is said.

A *hold* is one transaction: the durable messages of a turn, the mark that the message was handled which the
turn was about, and everything else that the turn sent, which is released only then. What an agent sends while
something of it waits, waits behind it. A turn is not kept up by the disk: the worker goes on, and one
transaction takes what all agents have held meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, local
from typing import NamedTuple

from caxton_node.fipa.message import Envelope
from caxton_node.messaging.durable.outbox import Entry
from caxton_node.messaging.mailbox import Mailbox
from caxton_node.messaging.pausing import Gate

WAITING_MAX = 8_192
"""Letters that may wait for the disk; agents that send more are paused at half of it."""


class Mark(NamedTuple):
    """A durable message that is done with.

    Attributes:
        copy: Which.
        origin: Whose outbox has it.
        expires_ms: Until when it may come again, unix milliseconds; 0: not known.
    """

    copy: bytes
    origin: str
    expires_ms: int


class Letter(NamedTuple):
    """A message that is held.

    Attributes:
        envelope: Stamped, with one receiver.
        frame: The same as bytes.
        mailbox: Of the local agent that sent it.
        entry: Its place in the outbox, None if it is not durable.
    """

    envelope: Envelope
    frame: bytes
    mailbox: Mailbox | None
    entry: Entry | None


@dataclass(slots=True, eq=False)
class Hold:
    """What goes to the disk in one transaction.

    Attributes:
        letters: What was sent, in order.
        marks: What was handled here, or refused.
        closed: Copies of this node's own outbox that another node has handled.
        forgotten: Handled copies that need not be remembered any more.
        gives_up: Whether a dead letter belongs to it, which must be on the disk before.
        waiters: Who wants to know when it is there.
    """

    letters: list[Letter] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    closed: list[bytes] = field(default_factory=list)
    forgotten: list[bytes] = field(default_factory=list)
    gives_up: bool = False
    waiters: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def weight(self) -> int:
        """Return about how many statements it takes."""
        return 1 + len(self.letters) + len(self.marks) + len(self.closed) + len(self.forgotten)


class Holds:
    """The holds of a node, oldest first; any thread adds, the loop's thread takes.

    Args:
        wake: Called when the first one waits.

    Attributes:
        by_sender: How many letters of each sender wait.
        letters: How many letters wait or are collected.
        rows: Those of them that are durable.
        bytes: Their bytes.
        gate: Where agents are paused that send faster than the disk writes.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.by_sender: dict[str, int] = {}
        self.letters = self.rows = self.bytes = 0
        self.gate = Gate()
        self._wake = wake
        self._waiting: deque[Hold] = deque()
        self._lock = Lock()
        self._collecting = local()

    @property
    def collecting(self) -> Hold | None:
        """Return what this thread collects, None if nothing."""
        hold: Hold | None = getattr(self._collecting, "hold", None)
        return hold

    @contextmanager
    def together(self, mark: Mark | None = None, *, gives_up: bool = False) -> Iterator[Hold]:
        """Collect what this thread sends until the end of the block, and hold it together."""
        before = self.collecting
        hold = self._collecting.hold = Hold(marks=[] if mark is None else [mark], gives_up=gives_up)
        try:
            yield hold
        finally:
            self._collecting.hold = before
            self.submit(hold)

    def add(self, letter: Letter) -> None:
        """Hold one message: with what this thread collects, or by itself."""
        entry, sender = letter.entry, letter.envelope.sender or ""
        with self._lock:
            self.letters += 1
            self.by_sender[sender] = self.by_sender.get(sender, 0) + 1
            if entry is not None:
                self.rows += 1
                self.bytes += len(entry.frame)
            if self.letters > WAITING_MAX // 2:
                self.gate.is_shut = True
        if self.gate.is_shut and letter.mailbox is not None:
            self.gate.hold(letter.mailbox)
        hold = self.collecting
        if hold is not None:
            hold.letters.append(letter)
        else:
            self.submit(Hold([letter]))

    def submit(self, hold: Hold) -> None:
        """Let a hold wait for the disk behind those before it."""
        with self._lock:
            wake = not self._waiting
            self._waiting.append(hold)
        if wake:
            self._wake()

    def take(self, weight_max: int) -> list[Hold]:
        """Remove and return the oldest holds, at least one if any waits."""
        taken: list[Hold] = []
        with self._lock:
            while self._waiting and (not taken or weight_max > 0):
                weight_max -= self._waiting[0].weight
                taken.append(self._waiting.popleft())
        return taken

    def put_back(self, holds: list[Hold]) -> None:
        """Let holds wait again that the disk did not take, before all others."""
        with self._lock:
            self._waiting.extendleft(reversed(holds))

    def release(self, hold: Hold) -> None:
        """Forget a hold whose letters have gone on."""
        with self._lock:
            for letter in hold.letters:
                sender = letter.envelope.sender or ""
                left = self.by_sender[sender] - 1
                if left:
                    self.by_sender[sender] = left
                else:
                    del self.by_sender[sender]
                if letter.entry is not None:
                    self.rows -= 1
                    self.bytes -= len(letter.entry.frame)
            self.letters -= len(hold.letters)
            opens = self.gate.is_shut and self.letters <= WAITING_MAX // 4
        if opens:
            self.gate.open()
