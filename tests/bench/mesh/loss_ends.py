"""The two processes of the loss bench: one sends numbered messages on its host, one receives them."""

from __future__ import annotations

import asyncio
import multiprocessing
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from tests.support.certificates import Pki
from tests.support.tun_net import TunHost
from transport import BacklogFull, Credentials, Mesh, Settings, TransportChoice

MESSAGE_BYTES = 200
CONVERSATIONS = 16
BATCH = 32
FLOOD_BACKLOG_BYTES = 2 * 1024 * 1024
SENDER, RECEIVER, PORT = "sender", "receiver", 7946
_HEAD = struct.Struct("<IId")  # conversation, number in it, due at
_PAUSE_S = 0.001
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement.

    Attributes:
        kind: Of the link.
        rate: Messages a second; 0 is as many as are taken.
        seconds: For how long messages are sent.
    """

    kind: TransportChoice
    rate: int
    seconds: float

    @property
    def settings(self) -> Settings:
        """Return how both meshes are set up."""
        return Settings(transport=self.kind, datagram_bytes=1452)


@dataclass(slots=True)
class Result:
    """What the receiver saw, when all was there.

    Attributes:
        late_s: Of each message, from when it was due to when it was handled.
        per_second: Messages handled a second, from the first to the last.
    """

    late_s: list[float] = field(default_factory=list)
    per_second: float = 0.0

    @property
    def count(self) -> int:
        """Return how many messages were handled."""
        return len(self.late_s)


class OutOfOrder(AssertionError):
    """A message came twice, late, or not at all: the mesh is broken."""


@dataclass(slots=True)
class Sink:
    """Takes messages and checks that each is the next one of its conversation."""

    late_s: list[float] = field(default_factory=list)
    first_at: float = 0.0
    last_at: float = 0.0
    _next: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def handle_batch(self, peer: str, lane: int, envelopes: list[bytes]) -> None:
        """Take messages."""
        now = time.monotonic()
        self.first_at = self.first_at or now
        self.last_at = now
        for envelope in envelopes:
            conversation, number, due_at = _HEAD.unpack_from(envelope)
            if number != self._next[conversation]:
                raise OutOfOrder(f"{conversation}: {number} instead of {self._next[conversation]}")
            self._next[conversation] = number + 1
            self.late_s.append(now - due_at)

    def handle_gossip(self, datagram: bytes, source: tuple[str, int]) -> None:
        """Take no notice."""

    def handle_roomy(self, peer: str) -> None:
        """Take no notice: the sender looks at its backlog."""

    async def handle_request(self, peer: str, method: str, payload: bytes) -> bytes:
        """Tell how many messages were handled."""
        return str(len(self.late_s)).encode()

    def handle_link(self, peer: str, state: str, kind: str, reason: str) -> None:
        """Take no notice."""


def run(one: Run, hosts: tuple[TunHost, TunHost], pki: Pki) -> Result:
    """Run both processes, each on its host, and return what arrived.

    Raises:
        OutOfOrder: Not all of it arrived, once and in order.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    sender, receiver = hosts
    work = (
        (receiver, _receive, pki.credentials(RECEIVER), theirs),
        (sender, _send, pki.credentials(SENDER), (receiver.address, PORT), theirs),
    )
    processes = [context.Process(target=_run_on, args=(host, task, one, *more)) for host, task, *more in work]
    processes[0].start()
    try:
        _expect(ours)  # it listens
        processes[1].start()
        sent = _expect(ours)
        ours.send(sent)
        result: Result = _expect(ours)
    finally:
        for process in filter(lambda process: process.pid, processes):
            process.join(5)
            process.kill()
    if result.count != sent:
        raise OutOfOrder(f"{result.count} of {sent} messages arrived")
    return result


def _expect(pipe: Connection) -> Any:
    if not pipe.poll(_PATIENCE_S):
        raise TimeoutError(f"no word from the other process within {_PATIENCE_S:g} s")
    return pipe.recv()


def _run_on(host: TunHost, work: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
    host.enter()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(*args))


async def _receive(one: Run, credentials: Credentials, pipe: Connection) -> None:
    sink = Sink()
    mesh = Mesh(credentials, one.settings, sink, epoch=1)
    await mesh.open("0.0.0.0", PORT)
    pipe.send("listening")
    await _until(pipe.poll)
    sent = pipe.recv()
    with suppress(TimeoutError):
        await asyncio.wait_for(_until(lambda: len(sink.late_s) >= sent), 10)
    spent_s = max(sink.last_at - sink.first_at, 1e-9)
    pipe.send(Result(sink.late_s, len(sink.late_s) / spent_s))
    await mesh.close()


async def _send(one: Run, credentials: Credentials, target: tuple[str, int], pipe: Connection) -> None:
    mesh = Mesh(credentials, one.settings, Sink(), epoch=1)
    await mesh.open("0.0.0.0", PORT)
    mesh.learn_peer(RECEIVER, target)
    await mesh.request(RECEIVER, "hello", b"", 30)
    sent = await (_pace(mesh, one) if one.rate else _flood(mesh, one))
    await _until(lambda: mesh.peers()[0].backlog_bytes == 0)
    pipe.send(sent)
    await mesh.close()


async def _pace(mesh: Mesh, one: Run) -> int:
    """Send each message when it is due, or at once when that is past."""
    start, count = time.monotonic(), int(one.rate * one.seconds)
    for sent in range(count):
        due_at = start + sent / one.rate
        # Again and again: the loop rounds to milliseconds, and a message must not leave before it is due.
        while (early_s := due_at - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(max(early_s, _PAUSE_S))
        talk, number = sent % CONVERSATIONS, sent // CONVERSATIONS
        mesh.send(RECEIVER, talk, [_message(talk, number, due_at)])
    return count


async def _flood(mesh: Mesh, one: Run) -> int:
    """Send as much as is acknowledged in time to keep the backlog at its bound."""
    until, sent = time.monotonic() + one.seconds, 0
    numbers: defaultdict[int, int] = defaultdict(int)
    while (now := time.monotonic()) < until:
        talk = (sent // BATCH) % CONVERSATIONS
        first = numbers[talk]
        batch = [_message(talk, number, now) for number in range(first, first + BATCH)]
        with suppress(BacklogFull):
            mesh.send(RECEIVER, talk, batch)
            numbers[talk] += BATCH
            sent += BATCH
        if sent % (8 * BATCH) == 0:
            await asyncio.sleep(0)
        await _until(lambda: mesh.peers()[0].backlog_bytes < FLOOD_BACKLOG_BYTES)
    return sent


def _message(talk: int, number: int, due_at: float) -> bytes:
    return _HEAD.pack(talk, number, due_at).ljust(MESSAGE_BYTES, b"x")


async def _until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - neither the mesh nor the pipe has an event for it
        await asyncio.sleep(_PAUSE_S)
