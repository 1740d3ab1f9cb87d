"""How many messages a second one node can give another, over QUIC and over TLS, without guests.

Two processes, 200-byte messages in batches of 32 spread over the four lanes; a message counts when the
receiver's handler has it. `baseline` is plain asyncio TCP between the same two processes in the same run: the
same bytes in writes of the same size, no encryption, no sequences, no credit.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import uvloop

from tests.bench.report import Options, Reporter, parse_options
from tests.support.certificates import Pki
from transport import Credentials, Mesh, Settings, TransportChoice

HOST = "127.0.0.1"
MESSAGE_BYTES = 200
BATCH = 32
BACKLOG_BYTES = 4 * 1024 * 1024
FRAME = bytes(MESSAGE_BYTES + 4)  # the baseline's message: a length and the bytes


@dataclass(frozen=True)
class Way:
    """One way to bring messages over."""

    name: str
    settings: Settings | None
    messages: int
    note: str


@dataclass
class Counter:
    """Counts what arrives and tells when it is enough."""

    wanted: int
    count: int = 0
    started_at: float = 0.0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, count: int) -> None:
        if not self.count:
            self.started_at = time.perf_counter()
        self.count += count
        if self.count >= self.wanted:
            self.done.set()

    def handle_gossip(self, datagram: bytes, source: tuple[str, int]) -> None:
        """Take no notice."""

    def handle_batch(self, peer: str, lane: int, envelopes: list[bytes]) -> None:
        self.add(len(envelopes))

    async def handle_request(self, peer: str, method: str, payload: bytes) -> bytes:
        return b""

    def handle_link(self, peer: str, state: str, kind: str, reason: str) -> None:
        """Take no notice."""


class PlainReceiver(asyncio.Protocol):
    """The baseline's receiver: cuts the stream into messages of known size."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._left = 0

    def data_received(self, data: bytes) -> None:
        count, self._left = divmod(self._left + len(data), len(FRAME))
        if count:
            self._counter.add(count)


class PlainSender(asyncio.Protocol):
    """The baseline's sender: waits when the kernel takes no more."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.ready.set()

    def pause_writing(self) -> None:
        self.ready.clear()

    def resume_writing(self) -> None:
        self.ready.set()


async def receive(way: Way, credentials: Credentials, pipe: Connection) -> None:
    """Receive all messages of one way and report the rate."""
    counter = Counter(way.messages)
    if way.settings is None:
        server = await asyncio.get_running_loop().create_server(lambda: PlainReceiver(counter), HOST, 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await counter.done.wait()
        server.close()
    else:
        mesh = Mesh(credentials, way.settings, counter, epoch=1)
        pipe.send(await mesh.open(HOST, 0))
        await counter.done.wait()
        await mesh.close()
    pipe.send(counter.count / (time.perf_counter() - counter.started_at))


async def send(way: Way, credentials: Credentials, port: int) -> None:
    """Send all messages of one way as fast as they are taken."""
    if way.settings is None:
        await send_plain(way, port)
        return
    mesh = Mesh(credentials, way.settings, Counter(1), epoch=1)
    await mesh.open(HOST, 0)
    mesh.learn_peer("receiver", (HOST, port))
    await mesh.request("receiver", "hello", b"", 10)
    envelopes = [bytes(MESSAGE_BYTES)] * BATCH
    for number in range(way.messages // BATCH):
        mesh.send("receiver", number, envelopes)
        if number % 32 == 0:
            await asyncio.sleep(0)
            await drain(mesh, BACKLOG_BYTES)
    await drain(mesh, 0)
    await mesh.close()


async def drain(mesh: Mesh, bytes_max: int) -> None:
    """Wait until no more than this is unacknowledged."""
    while mesh.peers()[0].backlog_bytes > bytes_max:  # noqa: ASYNC110 - the mesh has no event for it
        await asyncio.sleep(0.0005)


async def send_plain(way: Way, port: int) -> None:
    """Send the baseline's messages."""
    transport, protocol = await asyncio.get_running_loop().create_connection(PlainSender, HOST, port)
    data = FRAME * BATCH
    for number in range(way.messages // BATCH):
        transport.write(data)
        await protocol.ready.wait()
        if number % 32 == 0:
            await asyncio.sleep(0)
    transport.close()
    await asyncio.sleep(0.01)


def run_alone(core: int, work: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
    """Run one side in this process, on a core of its own where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[core]})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(*args))


def measure(way: Way, pki: Pki) -> float:
    """Return messages per second at the receiver."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    receiver = context.Process(target=run_alone, args=(1, receive, way, pki.credentials("receiver"), theirs))
    receiver.start()
    port = ours.recv()
    sender = context.Process(target=run_alone, args=(0, send, way, pki.credentials("sender"), port))
    sender.start()
    try:
        if not ours.poll(60):
            raise TimeoutError(f"{way.name} did not end within 60 s")
        return float(ours.recv())
    finally:
        for process in (sender, receiver):
            process.join(5)
            if process.is_alive():
                process.kill()


def plan(options: Options) -> list[Way]:
    """Return the ways to measure, the baseline first."""
    scale = 1 if options.quick else 5
    return [
        Way("baseline", None, 1_500_000 * scale, "plain asyncio TCP"),
        Way("tls_one_way", Settings(transport=TransportChoice.TCP), 640_000 * scale, "TLS 1.3 over TCP"),
        Way(
            "quic_one_way",
            Settings(transport=TransportChoice.QUIC),
            256_000 * scale,
            "datagrams of 8900 bytes, as on loopback",
        ),
        Way(
            "quic_one_way_1452",
            Settings(transport=TransportChoice.QUIC, datagram_bytes=1452),
            160_000 * scale,
            "datagrams of 1452 bytes, as on Ethernet",
        ),
    ]


def main() -> None:
    """Measure every way and print one line for each."""
    options = parse_options("mesh_links", sys.argv[1:])
    reporter, pki = Reporter("mesh_links", options), Pki()
    rounds = 1 if options.quick else 3
    rates = {way: [measure(way, pki) for _ in range(rounds)] for way in plan(options)}
    (_, plain), *others = ((way, median(found)) for way, found in rates.items())
    for way, rate in others:
        more = {"n": way.messages, "note": f"{way.note}; {BATCH} of {MESSAGE_BYTES} B per batch, 4 lanes"}
        reporter.emit(way.name, rate, "messages/s", baseline=plain, **more)


if __name__ == "__main__":
    main()
