"""What the figures are held against in the same run: a bare `asyncio.Queue`, and the machine itself."""

from __future__ import annotations

import asyncio
import time
from threading import Lock

MESSAGE = b"x" * 200
UNIT_LOOPS = 20_000


async def queue_one_way(messages: int) -> float:
    """Return messages per second from one task to another through one `asyncio.Queue`."""
    queue: asyncio.Queue[bytes] = asyncio.Queue(1_024)

    async def produce() -> None:
        for _ in range(messages):
            await queue.put(MESSAGE)

    started_at = time.perf_counter()
    producer = asyncio.create_task(produce())
    for _ in range(messages):
        await queue.get()
    await producer
    return messages / (time.perf_counter() - started_at)


async def queue_ping_pong(rounds: int) -> float:
    """Return messages per second when two tasks answer each other through two queues."""
    there: asyncio.Queue[bytes] = asyncio.Queue()
    back: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer() -> None:
        for _ in range(rounds):
            await back.put(await there.get())

    started_at = time.perf_counter()
    answering = asyncio.create_task(answer())
    for _ in range(rounds):
        await there.put(MESSAGE)
        await back.get()
    await answering
    return 2 * rounds / (time.perf_counter() - started_at)


def machine_unit_ns() -> float:
    """Return how long the machine takes for a lock and a dictionary entry, nanoseconds of processor time.

    A processor that is shared is sometimes half as fast for seconds, and its processor time shows it as much
    as its clock does. So this stands beside the figures: those of two runs compare as far as it does.
    """
    lock, table = Lock(), {}
    started_at = time.thread_time_ns()
    for number in range(UNIT_LOOPS):
        with lock:
            table[number & 63] = number
    return (time.thread_time_ns() - started_at) / UNIT_LOOPS
