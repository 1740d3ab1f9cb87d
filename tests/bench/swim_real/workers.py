"""A cluster whose members are spread over as many processes as memberlist can use cores.

A Go program runs its members on all cores; Python needs a process for each. The processes share the monotonic
clock, so that what they noticed can be put together.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from swim import Settings
from tests.bench.swim_real.members import Members, Usage
from tests.bench.swim_real.schedule import Schedule

WORKERS_MAX = 2
UDP_HEADER_BYTES = 28  # IPv4 and UDP


class Reading(NamedTuple):
    """What all members together had used up at one instant."""

    at: float
    datagrams: int
    payload_bytes: int
    wire_bytes: int
    cpu_s: float


class Cluster:
    """Members in several processes, driven from this one.

    Args:
        schedule: How large they are and how long to wait for anything.
        size: How many members.

    Attributes:
        node_ids: Of the members that run.
    """

    def __init__(self, schedule: Schedule, size: int) -> None:
        self._schedule = schedule
        self._rng = random.Random(schedule.seed)
        self.node_ids = [f"node-{number:05}" for number in range(size)]
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        for _ in range(min(WORKERS_MAX, os.cpu_count() or 1)):
            mine, theirs = context.Pipe()
            context.Process(target=_work, args=(theirs,), daemon=True).start()
            self._pipes.append(mine)
        addresses = [
            self._ask(index, "open", {node_id: self.new_metadata() for node_id in self._part(index)})
            for index in range(len(self._pipes))
        ]
        self._seed = addresses[0][self.node_ids[0]]
        self._ask_all("expect", self.node_ids)

    def new_metadata(self) -> bytes:
        """Return metadata that nobody has had."""
        return self._rng.randbytes(self._schedule.metadata_bytes)

    def join_in_turn(self) -> float:
        """Let each ask the first for its table when the one before has it; returns when that began."""
        first, *others = self.node_ids
        began = self._start(first)
        for node_id in others:
            self._start(node_id)
            self._ask(self._home(node_id), "wait_joined", node_id, self._schedule.join_wait_s)
        return began

    def join_apart(self, apart_s: float) -> float:
        """Let each ask the first so long after the one before; returns when the last did."""
        last = 0.0
        for node_id in self.node_ids:
            last = self._start(node_id)
            time.sleep(apart_s)
        return last

    def join_at_once(self) -> float:
        """Let all ask the first at the same moment; returns when that was."""
        parts = [(self._seed, self._part(index)) for index in range(len(self._pipes))]
        return float(min(self._ask_each("start", parts)))

    def until_complete(self) -> float:
        """Wait until all know all; returns when that was."""
        return float(max(self._ask_all("wait_complete", self._schedule.join_wait_s)))

    def update(self, node_id: str) -> list[float]:
        """Change the metadata of a member; returns after how many seconds each of the others had it."""
        metadata = self.new_metadata()
        began = self._ask(self._home(node_id), "update", node_id, metadata)
        times = self._ask_all("wait_updates", node_id, metadata, self._schedule.wait_s)
        return _since(began, times)

    def kill(self, node_id: str) -> list[float]:
        """End a member without a goodbye; returns after how many seconds each of the others knew."""
        self.node_ids.remove(node_id)
        began = time.monotonic()
        self._ask_all("expect", self.node_ids)
        return _since(began, self._ask_all("wait_deaths", node_id, self._schedule.wait_s))

    def lose(self, share: float) -> None:
        """Set the share of datagrams that is lost from now on."""
        self._ask_all("lose", share)

    def take_false_deaths(self) -> int:
        """Return how often somebody who runs was held dead since this was asked last."""
        return int(sum(self._ask_all("take_false_deaths")))

    def read(self) -> Reading:
        """Return what has been used up so far."""
        used: Usage = Usage(*map(sum, zip(*self._ask_all("usage"), strict=True)))
        wire = used.payload_bytes + used.datagrams * UDP_HEADER_BYTES
        if self._schedule.own_network:
            wire = loopback_bytes()
        return Reading(time.monotonic(), used.datagrams, used.payload_bytes, wire, used.cpu_s)

    def close(self) -> None:
        """End all members and their processes."""
        self._ask_all("expect", ())
        for pipe in self._pipes:
            pipe.send(None)
            pipe.close()

    def _home(self, node_id: str) -> int:
        return int(node_id.removeprefix("node-")) % len(self._pipes)

    def _part(self, index: int) -> list[str]:
        return [node_id for node_id in self.node_ids if self._home(node_id) == index]

    def _start(self, node_id: str) -> float:
        return float(self._ask(self._home(node_id), "start", self._seed, [node_id]))

    def _ask(self, index: int, method: str, *args: object) -> Any:
        self._pipes[index].send((method, args))
        return self._pipes[index].recv()

    def _ask_each(self, method: str, args: Sequence[tuple[object, ...]]) -> list[Any]:
        for pipe, part in zip(self._pipes, args, strict=True):
            pipe.send((method, part))
        return [pipe.recv() for pipe in self._pipes]

    def _ask_all(self, method: str, *args: object) -> list[Any]:
        return self._ask_each(method, [args] * len(self._pipes))


def _since(began: float, parts: Sequence[Sequence[float]]) -> list[float]:
    return sorted(at - began for times in parts for at in times)


def loopback_bytes() -> int:
    """Return the IP bytes that were sent in this network namespace."""
    for line in Path("/proc/self/net/dev").read_text().splitlines():
        name, _, counters = line.partition(":")
        if name.strip() == "lo":
            return int(counters.split()[8])
    return 0


def _work(pipe: Connection) -> None:
    uvloop.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    """Do what the pipe asks for, until it asks for nothing."""
    members = Members(Settings.lan())
    while (asked := await asyncio.to_thread(pipe.recv)) is not None:
        method, args = asked
        pipe.send(await getattr(members, method)(*args))
