"""A whole data plane in one process: real engine, sandboxes, router and workers, without a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from caxton_node.core.clock import Clock, SystemClock
from caxton_node.fipa import FailureReason
from caxton_node.messaging import Mailbox, RemotePort, Router, RouteTable, Target
from caxton_node.runtime import CompiledModule, Engine, Limits, Sandbox, Trap
from caxton_node.runtime.batching import Batching
from caxton_node.runtime.ports import LogLevel
from caxton_node.runtime.scheduler import Scheduler
from caxton_node.runtime.slot import Slot
from caxton_node.runtime.violations import Violation

NODE = "node-1"


async def until(condition: Callable[[], bool], within_s: float = 10.0, *, every_s: float = 0.001) -> None:
    """Wait until something is so that other threads bring about."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  the state of other threads has no event to wait for
            await asyncio.sleep(every_s)


class Lines(list[str]):
    """A log sink."""

    def __call__(self, level: LogLevel, text: str) -> None:
        self.append(text)


@dataclass
class Lost:
    """One call of the watch."""

    instance: str
    trap: Trap
    poisoned: bytes | None
    waiting: Sequence[bytes]


@dataclass
class Agent:
    """One running agent."""

    instance: str
    address: str
    mailbox: Mailbox
    slot: Slot
    sent_at_start: list[bytes] = field(default_factory=list)

    @property
    def handled(self) -> int:
        return self.slot.handled


class DataPlane:
    """Router, workers and agents; a lost agent's mail is put back into its mailbox and nothing restarts it.

    Use as a context manager inside of a running event loop.
    """

    def __init__(
        self,
        *,
        node: str = NODE,
        remote: RemotePort | None = None,
        clock: Clock | None = None,
        workers: int | None = None,
    ) -> None:
        self.node = node
        self.loop = asyncio.get_running_loop()
        self.routes = RouteTable()
        self.router = Router(
            node_id=node, routes=self.routes, clock=clock or SystemClock(), loop=self.loop, remote=remote
        )
        self.engine = Engine()
        self.scheduler = Scheduler(self.router, self, workers)
        self.agents: dict[str, Agent] = {}
        self.lost: list[Lost] = []
        self.violations: list[tuple[str, Violation]] = []
        self._modules: dict[str | bytes, CompiledModule] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.scheduler.close()
        for agent in self.agents.values():
            agent.slot.sandbox.close()
        self.engine.close()

    def add(
        self,
        name: str,
        source: str | bytes,
        config: Mapping[str, object] | None = None,
        *,
        limits: Limits | None = None,
        number: int = 1,
        log: Lines | None = None,
        batching: Batching = Batching.ADAPTIVE,
    ) -> Agent:
        """Start an agent, give it a mailbox and let workers run it."""
        limits = limits or Limits()
        instance = f"{name}#1.{number}@{self.node}"
        sandbox = Sandbox(self.engine, self._compile(source), limits, Lines() if log is None else log)
        sent = sandbox.start(
            {"agent": name, "tenant": "default", "node": self.node, "config": dict(config or {})}
        )
        mailbox = Mailbox(limits.mailbox_depth)
        address = self.router.add_mailbox(instance, mailbox, content_bytes_max=limits.message_bytes_max)
        slot = Slot(instance, f"default/{name}", sandbox, mailbox, limits, batching=batching)
        agent = self.agents[instance] = Agent(instance, address, mailbox, slot, sent)
        mailbox.connect(lambda: self.scheduler.wake(slot))
        self.scheduler.attach(slot)
        if sent:
            self.router.accept(instance, sent)
        return agent

    def route(self, name: str, *targets: Target) -> None:
        """Set a route of the default tenant."""
        self.routes.replace(f"default/{name}", targets)

    def handle_trap(
        self, instance: str, trap: Trap, poisoned_frame: bytes | None, waiting: Sequence[bytes]
    ) -> None:
        """Act as the supervisor: answer for the poisoned message, keep the rest."""
        if poisoned_frame is not None:
            self.router.return_to_sender(poisoned_frame, FailureReason.TRAPPED, str(trap))
        self.agents[instance].mailbox.put_back(waiting)
        self.lost.append(Lost(instance, trap, poisoned_frame, waiting))

    def handle_violation(self, instance: str, violation: Violation) -> None:
        self.violations.append((instance, violation))

    async def settled(self, within_s: float = 10.0) -> None:
        """Wait until nothing is in flight any more."""
        await until(lambda: self.router.counts().in_flight == 0, within_s)

    def _compile(self, source: str | bytes) -> CompiledModule:
        module = self._modules.get(source)
        if module is None:
            module = self._modules[source] = self.engine.compile(source)
        return module
