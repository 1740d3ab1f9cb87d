"""What happened to the agents of this node: every move is logged, told to whoever listens, and written down.

Moves come in bursts (a node with 100,000 agents starts), so they are written in groups, a moment later. A
power cut may cost the last moment of history; it does not cost state, which is kept by the commands.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from caxton_node.agents.lifecycle import Event, State
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.core.events import EventBus
from caxton_node.observability.logs import get_logger
from caxton_node.storage import Database, Statement

KEPT_PER_AGENT = 50
WRITE_AFTER_S = 0.1
WAITING_MAX = 100_000
GROUP_MAX = 2_000

_PUT = (
    "INSERT INTO agent_transitions (agent, instance, source, event, target, reason, at_unix_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_TRIM = """
DELETE FROM agent_transitions WHERE agent = :agent AND id <= (
    SELECT id FROM agent_transitions WHERE agent = :agent ORDER BY id DESC LIMIT 1 OFFSET :kept)
"""
_READ = (
    "SELECT instance, source, event, target, reason, at_unix_ms FROM agent_transitions "
    "WHERE agent = ? ORDER BY id DESC LIMIT ?"
)

_log = get_logger("agents")


@dataclass(frozen=True, slots=True)
class AgentMoved:
    """An instance went from one state to another; published on the bus.

    Attributes:
        agent: `tenant/name`.
        instance: `name#version.n@node`.
        source: Where it was.
        event: What happened.
        target: Where it is.
        reason: For people: a trap, or empty.
        at_unix_ms: When.
    """

    agent: str
    instance: str
    source: State
    event: Event
    target: State
    reason: str
    at_unix_ms: int


class Chronicle:
    """Keeps the latest moves of every agent.

    Args:
        database: Where they are kept.
        bus: Where they are published.
        clock: When they were.
    """

    def __init__(self, database: Database, bus: EventBus, clock: Clock) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._waiting: deque[AgentMoved] = deque(maxlen=WAITING_MAX)
        self._writer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def note(self, instance: str, source: State, event: Event, target: State, reason: str = "") -> None:
        """Note one move; on the event loop."""
        agent = instance.partition("#")[0]
        moved = AgentMoved(agent, instance, source, event, target, reason, self._clock.unix_us() // 1000)
        log = _log.warning if target is State.FAILED else _log.info
        log("agent moved", agent=instance, event_name=event.value, state=target.value, reason=reason)
        self._bus.publish(moved)
        self._waiting.append(moved)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_soon(), name="agent-chronicle")

    async def read(self, agent: str, count: int = KEPT_PER_AGENT) -> list[AgentMoved]:
        """Return the latest moves of an agent (`tenant/name`), newest first."""
        await self.flush()
        rows = await self._database.read(_READ, (agent, count))
        return [
            AgentMoved(
                agent, str(instance), State(str(source)), Event(str(event)), State(str(target)), str(reason),
                int(str(at)),
            )
            for instance, source, event, target, reason, at in rows
        ]  # fmt: skip

    async def forget(self, agent: str) -> None:
        """Forget an agent (`tenant/name`) that was removed, so that another one of its name begins afresh."""
        await self.flush()
        try:
            await self._database.write("DELETE FROM agent_transitions WHERE agent = ?", (agent,))
        except CaxtonError as err:
            _log.warning("the history of an agent was not removed", agent=agent, reason=str(err))

    async def flush(self) -> None:
        """Write what waits; returns when everything noted before is written."""
        async with self._writing:
            while self._waiting:
                await self._write(
                    [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_MAX))]
                )

    async def close(self) -> None:
        """Write what waits, for the end of the node."""
        await self.flush()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    async def _write(self, group: list[AgentMoved]) -> None:
        trims = map(_trim, {moved.agent for moved in group})
        try:
            await self._database.write_many([*map(_put, group), *trims])
        except CaxtonError as err:  # a full disk must not stop agents; health shows it
            _log.warning("moves of agents were not written down", count=len(group), reason=str(err))

    async def _write_soon(self) -> None:
        await asyncio.sleep(WRITE_AFTER_S)
        await self.flush()


def _put(moved: AgentMoved) -> Statement:
    return _PUT, (
        moved.agent, moved.instance, moved.source.value, moved.event.value, moved.target.value, moved.reason,
        moved.at_unix_ms,
    )  # fmt: skip


def _trim(agent: str) -> Statement:
    return _TRIM, {"agent": agent, "kept": KEPT_PER_AGENT}
