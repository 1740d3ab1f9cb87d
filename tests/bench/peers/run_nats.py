"""nats-py through nats-server: two clients in two processes, as NATS is used.

Run by the interpreter of `.venv-peers`. The server is `nats-server` beside that interpreter, where
`make bench-peers` builds it, or on the path.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from rounds import BODY, WINDOW, best_rates, many, seconds_wanted, show

NOTES, QUESTIONS, COUNT = "bench.notes", "bench.questions", "bench.count"
DATA = BODY.encode()
PENDING = 1_000_000


def find_server() -> str:
    """Return the program of the server."""
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    if found is None:
        raise SystemExit("no nats-server: `make bench-peers` builds it, or install Debian's nats-server")
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*command: str) -> Iterator[None]:
    """Run a program meanwhile."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def connect(port: int) -> Client:
    """Connect to the server, which may still be starting."""
    for _ in range(200):
        try:
            _, probe = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            probe.close()
            return await nats.connect(f"nats://127.0.0.1:{port}", allow_reconnect=False)
    raise SystemExit("nats-server does not answer")


async def answer(port: int) -> None:
    """Be the receiving agent: give questions back, count notes, say when a count is reached."""
    client = await connect(port)
    handled = goal = 0
    told = ""

    async def look() -> None:
        nonlocal told
        if told and handled >= goal:
            told, to = "", told
            await client.publish(to, b"reached")

    async def take_note(message: Msg) -> None:
        nonlocal handled
        handled += 1
        if handled == goal:
            await look()

    async def take_question(message: Msg) -> None:
        await client.publish(message.reply, message.data)

    async def take_goal(message: Msg) -> None:
        nonlocal goal, told
        goal, told = goal + int(message.data), message.reply
        await look()

    await client.subscribe(NOTES, cb=take_note, pending_msgs_limit=PENDING, pending_bytes_limit=-1)
    await client.subscribe(QUESTIONS, cb=take_question, pending_msgs_limit=PENDING, pending_bytes_limit=-1)
    await client.subscribe(COUNT, cb=take_goal)
    await client.flush()
    await client.publish("bench.ready", b"")
    await asyncio.Event().wait()


class Asker:
    """Asks with one inbox for all answers, which is several times faster than `Client.request`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._number = 0

    async def open(self) -> None:
        """Listen for answers."""
        await self._client.subscribe(f"{self._inbox}.*", cb=self._take)

    async def ask(self) -> None:
        """Send a question and wait for its answer."""
        self._number += 1
        inbox = f"{self._inbox}.{self._number}"
        self._waiting[inbox] = answered = asyncio.get_running_loop().create_future()
        await self._client.publish(QUESTIONS, DATA, reply=inbox)
        await answered

    async def _take(self, message: Msg) -> None:
        self._waiting.pop(message.subject).set_result(None)


async def measure(port: int, seconds: float) -> None:
    """Be the sending agent."""
    client = await connect(port)
    ready = await client.subscribe("bench.ready")
    await client.flush()
    with running(sys.executable, __file__, "--answer", str(port)):
        await ready.next_msg(timeout=10)
        asker = Asker(client)
        await asker.open()

        async def one_way(count: int) -> None:
            reached = asyncio.create_task(client.request(COUNT, str(count).encode(), timeout=20))
            for _ in range(count):
                await client.publish(NOTES, DATA)
            await reached

        best = await best_rates(
            {
                "one_way": one_way,
                "answered": lambda count: many(asker.ask, count, WINDOW),
                "ping_pong": lambda count: many(asker.ask, count, 1),
            },
            seconds,
        )
        show("nats-py", "nats-py", **best)
        await client.close()


def main() -> None:
    """Be the agent that the command line asks for."""
    if sys.argv[1:2] == ["--answer"]:
        asyncio.run(answer(int(sys.argv[2])))
        return
    seconds, port = seconds_wanted(), free_port()
    with running(find_server(), "--addr", "127.0.0.1", "--port", str(port)):
        asyncio.run(measure(port, seconds))


if __name__ == "__main__":
    main()
