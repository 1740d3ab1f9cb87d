"""One agent between two mailboxes, to be measured on three levels.

    guest    `caxton_handle` alone, by an unchecked native call, the frames already in the inbox
    handle   `Sandbox.handle`: frames in, limits set, outbox out
    node     taken from the mailbox, handled, the answer checked, stamped and put into its receiver's mailbox

It is one thread that never waits, so its processor time is measured, which neighbours disturb less than they
do the clock on the wall.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from statistics import median
from time import perf_counter, thread_time

from caxton_node.core.clock import SystemClock
from caxton_node.fipa import encode
from caxton_node.messaging import Mailbox, Router, RouteTable
from caxton_node.runtime import Engine
from caxton_node.runtime.abi import join_frames
from tests.bench.runtime.engines import PROFILES
from tests.bench.runtime.workloads import AGENT, Workload, instance, start
from tests.support.data_plane import NODE

LEVELS = ("guest", "handle", "node")
BATCHES = (64, 1)
BLOCK = {64: 1_280, 1: 200}
"""Messages in one block, a few milliseconds of work."""
PLENTY = 2**50, 2**30
"""Fuel and ticks for a call that is to be measured, not stopped."""


class Hop:
    """One agent with a router around it, and its messages ready to be sent."""

    def __init__(
        self, engine: Engine, workload: Workload, mode: str, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.sandbox = start(engine, workload.source, workload.config, profile=PROFILES[mode])
        self._router = Router(node_id=NODE, routes=RouteTable(), clock=SystemClock(), loop=loop)
        self._mail = {name: Mailbox(2 * BLOCK[64]) for name in ("load", AGENT, "sink")}
        for name, mailbox in self._mail.items():
            self._router.add_mailbox(instance(name), mailbox)
        self._written = {
            batch: [encode(workload.envelope(number)) for number in range(max(batch, 2))] for batch in BATCHES
        }
        self._waiting = {batch: self._stamp(batch) for batch in BATCHES}

    def guest(self, messages: int, batch: int) -> float:
        """Return seconds per message of the bare call."""
        sandbox, memory = self.sandbox, self.sandbox._memory
        assert memory is not None
        seen: dict[bytes, list[float]] = {}
        for frames in self._batches(self._waiting[batch], messages, batch):
            data = join_frames(frames)
            sandbox._guest.refill(*PLENTY)
            sandbox._state.calls = 0
            address = sandbox._inbox(len(data))
            memory.refresh()[address : address + len(data)] = data
            started_at = perf_counter()
            code = sandbox._handle(len(data))
            seen.setdefault(data, []).append(perf_counter() - started_at)
            assert code == 0
        return sum(map(median, seen.values())) / len(seen) / batch

    def handle(self, messages: int, batch: int) -> float:
        """Return seconds per message of `Sandbox.handle`."""
        handle, handled = self.sandbox.handle, 0
        started_at = thread_time()
        for frames in self._batches(self._waiting[batch], messages, batch):
            outcome = handle(frames)
            handled += len(outcome.outbox)
        spent_s = thread_time() - started_at
        assert handled == messages, f"{messages} sent, {handled} answered"
        return spent_s / messages

    def node(self, messages: int, batch: int) -> float:
        """Return seconds per message from its place in the mailbox to its answer's place in another."""
        router, mailbox, handle = self._router, self._mail[AGENT], self.sandbox.handle
        for frames in self._batches(self._written[batch], messages, batch):
            router.accept(instance("load"), frames)
        before = router.counts()
        started_at = thread_time()
        while taken := mailbox.take(batch, 1 << 30):
            outcome = handle(taken)
            router.accept(instance(AGENT), outcome.outbox)
            mailbox.settle(outcome.handled)
        spent_s = thread_time() - started_at
        after = router.counts()
        assert (after.delivered - before.delivered, after.accepted - before.accepted) == (messages, messages)
        self._drain(messages)
        return spent_s / messages

    def _batches(self, frames: list[bytes], messages: int, batch: int) -> Iterator[list[bytes]]:
        """Give the frames in batches, over and over."""
        for at in range(0, messages, batch):
            first = at % len(frames)
            yield frames[first : first + batch]

    def _stamp(self, batch: int) -> list[bytes]:
        """Return the frames as they wait in the mailbox."""
        frames = self._written[batch]
        self._router.accept(instance("load"), frames)
        mailbox = self._mail[AGENT]
        waiting = mailbox.take(len(frames), 1 << 30)
        mailbox.settle(len(frames))
        return waiting

    def _drain(self, messages: int) -> None:
        for name in ("load", "sink"):
            mailbox = self._mail[name]
            mailbox.settle(len(mailbox.take(messages, 1 << 30)))
        assert self._router.counts().in_flight == 0
