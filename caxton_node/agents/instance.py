"""One instance on this node: its state, its mailbox, and while it runs its sandbox and its turn with workers.

The mailbox outlives a restart: what waits in it is handled by the next sandbox. It goes when the agent is
stopped, given up or removed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from caxton_node.agents.lifecycle import TRANSITIONS, Event, State
from caxton_node.agents.manifest import Manifest
from caxton_node.core.machine import step
from caxton_node.messaging.mailbox import Mailbox
from caxton_node.messaging.router import Router
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.engine import CompiledModule, Engine
from caxton_node.runtime.ports import LogLevel
from caxton_node.runtime.sandbox import Sandbox
from caxton_node.runtime.scheduler import Scheduler, Slot

DRAIN_POLL_S = 0.01

_log = get_logger("agents")


@dataclass(frozen=True, slots=True)
class Plant:
    """What all instances of a node share."""

    node_id: str
    engine: Engine
    scheduler: Scheduler
    router: Router


class Instance:
    """An agent on this node. Its methods are called on the event loop, one at a time.

    Args:
        plant: What it shares with the others.
        manifest: What was asked for.
        number: Distinguishes instances of one version on one node.
        state: Where its life goes on: Unloaded, or Stopped when the node starts again.

    Attributes:
        id: `tenant/name#version.n@node`.
        state: Where it is in its life.
        module: Its machine code; None until it is loaded.
        run: How many sandboxes it has had; tells a trap of this one from a trap of the one before.
    """

    def __init__(
        self, plant: Plant, manifest: Manifest, number: int = 1, state: State = State.UNLOADED
    ) -> None:
        self._plant = plant
        self.manifest = manifest
        self.number = number
        self.id = f"{manifest.name}#{manifest.version}.{number}@{plant.node_id}"
        self.state = state
        self.module: CompiledModule | None = None
        self._mailbox: Mailbox | None = None
        self._sandbox: Sandbox | None = None
        self._slot: Slot | None = None
        self._fuel_before = 0
        self.run = 0

    # -- what can be told -----------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Return whether it has a mailbox, so that messages for it wait instead of going back."""
        return self._mailbox is not None

    @property
    def waiting(self) -> int:
        """Return how many messages wait; any thread."""
        mailbox = self._mailbox
        return len(mailbox) if mailbox is not None else 0

    @property
    def memory_bytes(self) -> int:
        """Return the size of its linear memory, 0 when it does not run; any thread."""
        sandbox = self._sandbox
        return sandbox.memory_bytes if sandbox is not None else 0

    @property
    def fuel_units(self) -> int:
        """Return the fuel that it has used since the node started; any thread."""
        slot = self._slot
        return self._fuel_before + (slot.fuel_units if slot is not None else 0)

    def is_in(self, *states: State) -> bool:
        """Return whether its state is one of these now; other tasks may change it at every await."""
        return self.state in states

    # -- its life -------------------------------------------------------------------------------------------

    def step(self, event: Event) -> None:
        """Move to the state that follows.

        Raises:
            IllegalTransition: Its state does not allow the event; nothing was changed.
        """
        self.state = step(TRANSITIONS, self.state, event)

    def load(self, module: CompiledModule) -> None:
        """Take the machine code: Unloaded, Stopped or Failed -> Loaded."""
        self.step(Event.LOAD)
        self.module = module

    async def start(self) -> None:
        """Start a fresh sandbox and let it work: Loaded -> Running.

        Raises:
            IllegalTransition: It is not Loaded.
            DeploymentFailed: The guest did not start; the state is Loaded and the sandbox is gone.
        """
        step(TRANSITIONS, self.state, Event.START)
        assert self.module is not None, "a loaded instance has its module"
        limits = self.manifest.limits
        sandbox = Sandbox(self._plant.engine, self.module, limits, self._write_log)
        outbox = await asyncio.to_thread(sandbox.start, self._introduction())
        mailbox = self._mailbox or self._open_mailbox()
        slot = Slot(instance=self.id, name=self.manifest.name, sandbox=sandbox, mail=mailbox, limits=limits)
        self._sandbox, self._slot = sandbox, slot
        self.run += 1
        self.step(Event.START)
        if outbox:  # before a worker may send what comes later
            self._plant.router.accept(self.id, outbox)
        self._plant.scheduler.attach(slot)
        mailbox.connect(lambda: self._plant.scheduler.wake(slot))

    def begin_drain(self) -> None:
        """Take no new messages: Running -> Draining."""
        self.step(Event.DRAIN)
        if self._mailbox is not None:
            self._mailbox.closed = True

    async def wait_drained(self, within_s: float) -> None:
        """Wait until the messages that are there are handled, the time is over, or the guest traps."""
        mailbox = self._mailbox
        if mailbox is None:
            return
        try:
            async with asyncio.timeout(within_s):
                # The workers settle a mailbox from their threads and tell nobody: looking is all there is.
                while mailbox.in_flight and self.state is State.DRAINING:  # noqa: ASYNC110  see above
                    await asyncio.sleep(DRAIN_POLL_S)
        except TimeoutError:
            _log.info("drain ended before the mailbox was empty", agent=self.id, waiting=self.waiting)

    async def halt(self) -> None:
        """Wait for the call under way and free the sandbox; the mailbox stays."""
        slot, sandbox = self._slot, self._sandbox
        if slot is not None and sandbox is not None:
            self._slot = self._sandbox = None
            self._fuel_before += slot.fuel_units
            await asyncio.to_thread(_free, self._plant.scheduler, slot, sandbox)

    def close_mailbox(self) -> list[bytes]:
        """Take the mailbox out of the router and return what still waited."""
        if self._mailbox is None:
            return []
        self._mailbox = None
        return self._plant.router.remove_mailbox(self.id)

    def put_back(self, frames: list[bytes]) -> None:
        """Return messages of a batch that was not finished to the head of the mailbox; any thread."""
        mailbox = self._mailbox
        if mailbox is not None:
            mailbox.put_back(frames)

    def _open_mailbox(self) -> Mailbox:
        mailbox = self._mailbox = Mailbox(self.manifest.limits.mailbox_depth)
        bytes_max = self.manifest.limits.message_bytes_max
        self._plant.router.add_mailbox(self.id, mailbox, content_bytes_max=bytes_max)
        return mailbox

    def _introduction(self) -> Mapping[str, object]:
        tenant, _, name = self.manifest.name.partition("/")
        return {
            "agent": name,
            "tenant": tenant,
            "node": self._plant.node_id,
            "instance": self.id,
            "version": self.manifest.version,
            "config": dict(self.manifest.config),
        }

    def _write_log(self, level: LogLevel, text: str) -> None:
        getattr(_log, level.value)(text, agent=self.id)


def _free(scheduler: Scheduler, slot: Slot, sandbox: Sandbox) -> None:
    scheduler.detach(slot)
    sandbox.close()
