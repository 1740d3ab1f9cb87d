"""The platform agent ams of node-1 at a real router, registry and database; agents are names with states."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caxton_node.agents.chronicle import AgentMoved
from caxton_node.agents.lifecycle import Event, State
from caxton_node.ams import AgentManagement, Platform, Timers
from caxton_node.core.errors import StateError
from caxton_node.core.events import EventBus
from caxton_node.messaging.write_pace import Allowance, WritePace
from caxton_node.registry import InstanceRecord, Registry, Settings
from caxton_node.storage import Database
from tests.support.agents import Alone
from tests.support.platform_desk import Speaker
from tests.support.post_office import NODE, PostOffice


@dataclass
class Crew:
    """The agents of node-1; implements `ams.commands.Agents`."""

    registry: Registry
    bus: EventBus
    states: dict[str, State] = field(default_factory=dict)
    grants: set[tuple[str, str]] = field(default_factory=set)

    def find_state(self, name: str) -> State | None:
        return self.states.get(name)

    def may_manage(self, name: str, other: str) -> bool:
        return (name, other) in self.grants

    async def start(self, name: str) -> Any:
        if self.states[name] is State.RUNNING:
            raise StateError(f"{name} is running")
        return self.move(name, State.RUNNING)

    async def stop(self, name: str) -> tuple[Any, int]:
        return self.move(name, State.STOPPED), 0

    async def restart(self, name: str) -> Any:
        return self.move(name, State.RUNNING)

    def move(self, name: str, state: State, node: str = NODE) -> Any:
        """Let an agent be in a state, and everybody know it."""
        record = InstanceRecord(name, "1.0.0", 1, node, state.value)
        self.registry.put_instance(record)
        if node == NODE:
            before, self.states[name] = self.states.get(name, State.UNLOADED), state
            self.bus.publish(AgentMoved(name, record.key, before, Event.START, state, "", 0))
        return type("View", (), {"state": state})

    def remove(self, name: str) -> None:
        """Undeploy an agent."""
        before = self.states.pop(name)
        instance = f"{name}#1.0.0.1@{NODE}"
        self.registry.remove_instance(instance)
        self.bus.publish(AgentMoved(name, instance, before, Event.REMOVE, State.UNLOADED, "", 0))


class Pair(Alone):
    """A cluster in which every node is alive."""

    def is_alive(self, node: str) -> bool:
        return True


@dataclass
class Desk:
    """An ams, and the agents `boss` and `worker` who talk to it."""

    office: PostOffice
    registry: Registry
    database: Database
    crew: Crew
    ams: AgentManagement
    boss: Speaker
    worker: Speaker
    pace: WritePace

    def pass_s(self, seconds: float) -> None:
        """Let time pass, and ring what is due."""
        self.office.clock.advance(seconds)
        self.ams.ring()

    def reading(self, name: str) -> float:
        """Return a metric of one value."""
        return next(float(row.value) for row in self.ams.collect() if row.name == name)  # type: ignore[arg-type]


@asynccontextmanager
async def open_desk(
    folder: Path,
    allowance: Allowance = Allowance(),  # noqa: B008  it is frozen
    **bounds: Any,
) -> AsyncIterator[Desk]:
    """Open node-1 on a folder."""
    office, bus = PostOffice(), EventBus()
    pace = WritePace(office.clock, allowance)
    async with await Database.open(folder / "caxton.db") as database:
        registry = Registry(
            cluster=Pair(NODE), database=database, clock=office.clock, settings=Settings(),
            rng=random.Random(1),
        )  # fmt: skip
        await registry.open()
        crew = Crew(registry, bus)
        for name in ("default/boss", "default/worker"):
            crew.move(name, State.RUNNING)
        ams = AgentManagement(
            platform=Platform(NODE, "test", "1.0", lambda: [NODE]), office=office.router, database=database,
            registry=registry, agents=crew, bus=bus, clock=office.clock,
            pace=pace, timers=Timers(**bounds),
        )  # fmt: skip
        await ams.open()
        office.router.add_platform_agent("ams", ams.handle)
        ams.start()
        boss, worker = Speaker(office.router, "boss"), Speaker(office.router, "worker")
        try:
            yield Desk(office, registry, database, crew, ams, boss, worker, pace)
        finally:
            await ams.close()
            await registry.close()
