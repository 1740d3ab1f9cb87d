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

import msgspec

from caxton_node.core.clock import SystemClock
from caxton_node.fipa import Envelope, encode
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.messaging import Mailbox, Router, RouteTable
from caxton_node.messaging.letterhead import GUEST_POSITIONS
from caxton_node.runtime import Engine
from caxton_node.runtime.abi import join_frames
from tests.bench.runtime.engines import PROFILES
from tests.bench.runtime.workloads import AGENT, MESSAGES, Workload, instance, start
from tests.support.data_plane import NODE

LEVELS = ("guest", "handle", "node")
BATCHES = (64, 1)
BLOCK = {64: 10 * MESSAGES, 1: 2 * MESSAGES}
"""Messages in one block, a few milliseconds of work; all conversations are over at its end."""
PLENTY = 2**50, 2**30
"""Fuel and ticks for a call that is to be measured, not stopped."""


class Hop:
    """One agent with a router around it, and its messages ready to be sent."""

    def __init__(
        self, engine: Engine, workload: Workload, mode: str, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.sandbox = start(engine, workload.source, workload.config, profile=PROFILES[mode])
        self._router, self._mail = _open_router(loop)
        self._written = [_write(workload.envelope(number)) for number in range(MESSAGES)]
        self._waiting = _stamp(self._written, loop)

    def guest(self, messages: int, batch: int) -> float:
        """Return seconds per message of the bare call."""
        sandbox, memory = self.sandbox, self.sandbox._memory
        assert memory is not None
        seen: dict[bytes, list[float]] = {}
        for frames in self._batches(self._waiting, messages, batch):
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
        for frames in self._batches(self._waiting, messages, batch):
            outcome = handle(frames)
            handled += len(outcome.outbox)
        spent_s = thread_time() - started_at
        assert handled == messages, f"{messages} sent, {handled} answered"
        return spent_s / messages

    def node(self, messages: int, batch: int) -> float:
        """Return seconds per message from its place in the mailbox to its answer's place in another.

        A batch is sent when the one before was answered, as the protocols of some messages ask.
        """
        router, mailbox, handle = self._router, self._mail[AGENT], self.sandbox.handle
        before, spent_s = router.counts(), 0.0
        for frames in self._batches(self._written, messages, batch):
            router.accept(instance("load"), frames)
            started_at = thread_time()
            outcome = handle(mailbox.take(batch, 1 << 30))
            router.accept(instance(AGENT), outcome.outbox)
            mailbox.settle(outcome.handled)
            spent_s += thread_time() - started_at
        after = router.counts()
        handled = after.delivered - before.delivered, after.accepted - before.accepted
        assert handled == (messages, 2 * messages), f"{before} became {after}"
        self._drain(messages)
        return spent_s / messages

    def _batches(self, frames: list[bytes], messages: int, batch: int) -> Iterator[list[bytes]]:
        """Give the frames in batches, over and over."""
        for at in range(0, messages, batch):
            first = at % len(frames)
            yield frames[first : first + batch]

    def _drain(self, messages: int) -> None:
        for name in ("load", "sink"):
            mailbox = self._mail[name]
            mailbox.settle(len(mailbox.take(messages, 1 << 30)))
        assert self._router.counts().in_flight == 0


def _write(envelope: Envelope) -> bytes:
    """Return a message as guests write it, without the positions of the host, so that it is put in runs."""
    items = msgspec.msgpack.decode(encode(envelope), type=list[msgspec.Raw])
    return msgspec.msgpack.encode(items[:GUEST_POSITIONS])


def _open_router(
    loop: asyncio.AbstractEventLoop, policy: ProtocolPolicy = ProtocolPolicy.ENFORCE
) -> tuple[Router, dict[str, Mailbox]]:
    """Return a router with the mailboxes of the load, the agent and the one behind it."""
    router = Router(node_id=NODE, routes=RouteTable(), clock=SystemClock(), loop=loop)
    mail = {name: Mailbox(2 * BLOCK[64]) for name in ("load", AGENT, "sink")}
    for name, mailbox in mail.items():
        router.add_mailbox(instance(name), mailbox, policy=policy)
    return router, mail


def _stamp(written: list[bytes], loop: asyncio.AbstractEventLoop) -> list[bytes]:
    """Return frames as they wait in a mailbox, also those that would be asked for only by an answer."""
    router, mail = _open_router(loop, ProtocolPolicy.OFF)
    router.accept(instance("load"), written)
    return mail[AGENT].take(len(written), 1 << 30)
