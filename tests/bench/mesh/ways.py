"""What every way of bringing messages to another process has in common, and the count of what came."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from transport import Credentials

HOST = "127.0.0.1"
BATCH = 32
"""Messages that a sender gives away in one call, whatever it sends with."""
HEAD_BYTES = 4
"""A length stands before each message where the way has no messages of its own."""
SENDER, RECEIVER = "sender", "receiver"
BATCHES_A_TURN = 32
"""Batches after which a sender lets its event loop turn."""


@dataclass(slots=True)
class Counter:
    """Counts messages that have arrived."""

    count: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, count: int) -> None:
        """Count some more."""
        self.count += count
        if not self.begun.is_set():
            self.begun.set()


class Way(Protocol):
    """One way to bring messages over; sent to both processes, so it holds plain values."""

    @property
    def name(self) -> str:
        """Return what its results are called."""
        ...

    def receiving(self, credentials: Credentials, counter: Counter) -> AbstractAsyncContextManager[int]:
        """Listen on loopback, count what arrives, and give the port."""
        ...

    async def send(self, credentials: Credentials, port: int) -> None:
        """Send as fast as messages are taken, until cancelled."""
        ...


def framed(size_bytes: int) -> bytes:
    """Return a batch for ways that carry only bytes."""
    return (size_bytes.to_bytes(HEAD_BYTES, "big") + bytes(size_bytes)) * BATCH
