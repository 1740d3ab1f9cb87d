"""Many agents that do nothing, in a process of their own: what they weigh. Run by density.py.

    python -m tests.bench.runtime.idle LEVEL GUEST COUNT IDLE_SECONDS

Levels: `sandbox` is the instance alone; `plane` has mailbox, routes and workers around it; `agent` is
deployed through the service, with its row in SQLite, its supervisor and its entry in the registry.

What a guest has touched is its own and not the host's, so it is subtracted: of the linear memories of some
agents, the pages that the kernel says are present.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from struct import iter_unpack
from time import perf_counter, process_time
from typing import Protocol

from caxton_node.agents.manifest import Manifest
from caxton_node.observability.logs import configure_logs
from caxton_node.runtime import Engine, Limits, Sandbox
from caxton_node.runtime.engine import CompiledModule
from caxton_node.runtime.scheduler import SWITCH_INTERVAL_S
from tests.bench.runtime.workloads import AGENT, SMALLEST, introduction
from tests.support.agents import House, open_house
from tests.support.data_plane import DataPlane, Lines
from tests.support.guests import rust, wat

GUESTS: dict[str, str | bytes] = {"smallest": SMALLEST, "relay": wat("relay"), "greeter": rust("greeter")}
LIMITS = Limits(memory_bytes=1024 * 1024)
WARM = 20
"""Agents before the first look: what the first ones bring along is shared by all."""
SAMPLE = 200
AT_A_TIME = 32
OS_PAGE = 4_096
_PRESENT = 1 << 63


class Population(Protocol):
    """Somewhere to put agents."""

    async def add(self, first: int, count: int) -> None:
        """Start so many, numbered from `first`."""
        ...

    def sandboxes(self) -> Sequence[Sandbox]:
        """Return those of all agents."""
        ...


class Sandboxes:
    """Instances alone."""

    def __init__(self, source: str | bytes) -> None:
        self._engine = Engine()
        self._module: CompiledModule = self._engine.compile(source)
        self._log = Lines()
        self._made: list[Sandbox] = []

    async def add(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            sandbox = Sandbox(self._engine, self._module, LIMITS, self._log)
            sandbox.start(introduction(f"{AGENT}-{number}", {}))
            self._made.append(sandbox)

    def sandboxes(self) -> Sequence[Sandbox]:
        return self._made


class Plane:
    """Agents with mailboxes, routes and workers."""

    def __init__(self, plane: DataPlane, source: str | bytes) -> None:
        self._plane = plane
        self._source = source

    async def add(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            self._plane.add(f"{AGENT}-{number}", self._source, limits=LIMITS)

    def sandboxes(self) -> Sequence[Sandbox]:
        return [agent.slot.sandbox for agent in self._plane.agents.values()]


class Deployed:
    """Agents that were deployed."""

    def __init__(self, house: House, source: str | bytes) -> None:
        self._house = house
        self._source = source.encode() if isinstance(source, str) else source

    async def add(self, first: int, count: int) -> None:
        numbers = iter(range(first, first + count))

        async def deploy() -> None:
            for number in numbers:
                manifest = Manifest(f"{AGENT}-{number}", limits=LIMITS)
                await self._house.service.deploy(manifest, self._source)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_A_TIME):
                group.create_task(deploy())

    def sandboxes(self) -> Sequence[Sandbox]:
        charges = self._house.service._roster
        return [charge.instance._sandbox for charge in charges if charge.instance._sandbox is not None]


@asynccontextmanager
async def open_level(level: str, source: str | bytes) -> AsyncIterator[Population]:
    """Open an empty population."""
    if level == "sandbox":
        yield Sandboxes(source)
    elif level == "plane":
        with DataPlane() as plane:
            yield Plane(plane, source)
    else:
        with tempfile.TemporaryDirectory() as directory:
            async with open_house(Path(directory), memory_bytes_max=2**50, agents_max=10**6) as house:
                yield Deployed(house, source)


def resident_kb() -> int:
    """Return the process's resident memory, KB."""
    rollup = Path("/proc/self/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Rss:"))


def mappings() -> int:
    """Return how many mappings the kernel keeps for this process."""
    with Path("/proc/self/maps").open() as lines:
        return sum(1 for _ in lines)


def touched_kb(sandboxes: Sequence[Sandbox]) -> float:
    """Return the resident part of a linear memory, KB, on average."""
    pages = 0
    with Path("/proc/self/pagemap").open("rb", buffering=0) as pagemap:
        for sandbox in sandboxes:
            memory = sandbox._memory
            assert memory is not None
            view = memory.refresh()
            start = ctypes.addressof(ctypes.c_char.from_buffer(view))
            assert start % OS_PAGE == 0, "a linear memory begins with a page"
            pagemap.seek(start // OS_PAGE * 8)
            entries = pagemap.read(len(view) // OS_PAGE * 8)
            pages += sum(1 for (entry,) in iter_unpack("<Q", entries) if entry & _PRESENT)
    return pages * OS_PAGE / 1024 / len(sandboxes)


async def weigh(level: str, guest: str, count: int, idle_s: float) -> dict[str, float]:
    """Start the agents and look at the process before, after, and while nothing happens."""
    async with open_level(level, GUESTS[guest]) as population:
        await population.add(0, WARM)
        gc.collect()
        before_kb, before_maps = resident_kb(), mappings()
        started_at = perf_counter()
        await population.add(WARM, count)
        started_s = perf_counter() - started_at
        gc.collect()
        after_kb, after_maps = resident_kb(), mappings()
        sandboxes = population.sandboxes()
        assert len(sandboxes) == count + WARM, f"{len(sandboxes)} run"
        guest_kb = touched_kb(sandboxes[:: max(1, count // SAMPLE)])
        busy_s = process_time()
        await asyncio.sleep(idle_s)
        busy_s = process_time() - busy_s
    rss_kb = (after_kb - before_kb) / count
    return {
        "host_kb": rss_kb - guest_kb,
        "rss_kb": rss_kb,
        "guest_kb": guest_kb,
        "mappings": after_maps - before_maps,
        "starts_per_s": count / started_s,
        "idle_cpu": busy_s / idle_s,
    }


def main() -> None:
    """Weigh what the arguments say and print it as JSON."""
    configure_logs(level="error")
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    level, guest, count, idle_s = sys.argv[1:]
    found = asyncio.run(weigh(level, guest, int(count), float(idle_s)))
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
