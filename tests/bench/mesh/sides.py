"""Two processes, a sender and a receiver, that do one thing after another when told."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

import uvloop

from tests.bench.mesh.processes import cpu_s, waited_s
from tests.bench.mesh.ways import RECEIVER, SENDER
from tests.support.certificates import Pki
from transport import Credentials

Tell = Callable[[object], None]
Job = Callable[..., Coroutine[Any, Any, None]]
WITHIN_S = 30
_END = None


@dataclass(frozen=True, slots=True)
class Side:
    """One process as seen from here."""

    process: SpawnProcess
    pipe: Connection

    def begin(self, job: Job, *words: object) -> None:
        """Let it run `job(credentials, tell, *words)`."""
        self.pipe.send((job, words))

    def take(self) -> Any:
        """Return the next thing that it tells.

        Raises:
            TimeoutError: It told nothing.
        """
        if not self.pipe.poll(WITHIN_S):
            raise TimeoutError(f"{self.process.name} said nothing within {WITHIN_S} s")
        told = self.pipe.recv()
        if isinstance(told, Exception):
            raise told
        return told

    def end(self) -> None:
        """End what it does."""
        self.pipe.send(_END)
        while self.take() is not _END:
            pass

    @property
    def pid(self) -> int:
        """Return its process id."""
        assert self.process.pid is not None
        return self.process.pid


@dataclass(frozen=True, slots=True)
class Sides:
    """Both."""

    sender: Side
    receiver: Side

    def cpu_s(self) -> tuple[float, float]:
        """Return the processor time of sender and receiver."""
        return cpu_s(self.sender.pid), cpu_s(self.receiver.pid)

    def waited_s(self) -> tuple[float, float]:
        """Return for how long sender and receiver were ready and had no processor."""
        return waited_s(self.sender.pid), waited_s(self.receiver.pid)


@contextmanager
def open_sides() -> Iterator[Sides]:
    """Start both, and end them afterwards."""
    pki, context = Pki(), multiprocessing.get_context("spawn")
    sides = []
    for core, name in enumerate((SENDER, RECEIVER)):
        ours, theirs = context.Pipe()
        args = (core, pki.credentials(name), theirs)
        process = context.Process(target=run, args=args, name=name, daemon=True)
        process.start()
        sides.append(Side(process, ours))
    try:
        yield Sides(*sides)
    finally:
        for side in sides:
            side.process.terminate()
            side.process.join(5)


def run(core: int, credentials: Credentials, pipe: Connection) -> None:
    """Do what comes through the pipe, on a core of its own where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[core]})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_obey(credentials, pipe))


async def _obey(credentials: Credentials, pipe: Connection) -> None:
    while True:
        job, words = await asyncio.to_thread(pipe.recv)
        task = asyncio.ensure_future(_do(job, credentials, pipe, words))
        await asyncio.to_thread(pipe.recv)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        pipe.send(_END)


async def _do(job: Job, credentials: Credentials, pipe: Connection, words: tuple[object, ...]) -> None:
    try:
        await job(credentials, pipe.send, *words)
    except Exception as err:  # noqa: BLE001  whoever waits is told, whatever it is
        pipe.send(RuntimeError(repr(err)))
