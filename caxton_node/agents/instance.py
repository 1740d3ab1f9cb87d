"""One instance on this node: its state, its mailbox, and while it runs its sandbox and its turn with workers.

The mailbox outlives a restart: what waits in it is handled by the next sandbox. It goes when the agent is
stopped, given up or removed, and may be handed to the instance of another version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeVar

from caxton_node.agents.checkpoints import Checkpoint, Kind
from caxton_node.agents.chronicle import Chronicle
from caxton_node.agents.lifecycle import TRANSITIONS, Event, State
from caxton_node.agents.manifest import Keeping, Manifest
from caxton_node.core.clock import Clock
from caxton_node.core.ids import Address
from caxton_node.core.machine import step
from caxton_node.messaging.mailbox import Mailbox
from caxton_node.messaging.router import Router
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.engine import CompiledModule, Engine
from caxton_node.runtime.pool import Pool
from caxton_node.runtime.ports import LogLevel
from caxton_node.runtime.sandbox import CheckpointFailed, Sandbox
from caxton_node.runtime.scheduler import Scheduler
from caxton_node.runtime.slot import FULL_PACE, Pace, Slot
from caxton_node.runtime.traps import Trap

GUEST_THREADS = 8
"""For starts, checkpoints and waiting for calls under way; others wait as tasks."""

P = ParamSpec("P")
T = TypeVar("T")

_log = get_logger("agents")


@dataclass(frozen=True, slots=True)
class Plant:
    """What all instances of a node share."""

    node_id: str
    engine: Engine
    scheduler: Scheduler
    router: Router
    pool: Pool
    chronicle: Chronicle
    clock: Clock
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(GUEST_THREADS, thread_name_prefix="caxton-guest")
    )

    async def in_thread(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Do something with a guest on a thread, and wait for its end even when cancelled.

        A store may be used by one thread at a time: whoever is cancelled would else go on to free it, or to
        give it to a worker, while the guest still runs.
        """
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self.threads, partial(call, *arguments, **named))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            raise


class Instance:
    """An agent on this node. Its methods are called on the event loop, one at a time.

    Args:
        plant: What it shares with the others.
        manifest: What was asked for.
        number: Distinguishes instances of one version on one node.
        state: Where its life goes on: Unloaded, or Stopped or Failed when the node starts again.

    Attributes:
        id: `tenant/name#version.n@node`.
        address: `name@node`, the sender of all that it says.
        state: Where it is in its life.
        module: Its machine code; None until it is loaded.
        run: How many sandboxes it has had; tells a trap of this one from a trap of the one before.
        restored: Whether its sandbox began with what an earlier one had left.
        from_pool: Whether its sandbox had been warm before.
    """

    __slots__ = (
        "_fuel_before", "_mailbox", "_plant", "_sandbox", "_slot", "_trap", "address", "from_pool", "id",
        "manifest", "module", "number", "restored", "run", "state",
    )  # fmt: skip

    def __init__(
        self, plant: Plant, manifest: Manifest, number: int = 1, state: State = State.UNLOADED
    ) -> None:
        self._plant = plant
        self.manifest = manifest
        self.number = number
        self.id = f"{manifest.name}#{manifest.version}.{number}@{plant.node_id}"
        self.address = str(Address(manifest.name, plant.node_id))
        self.state = state
        self.module: CompiledModule | None = None
        self._mailbox: Mailbox | None = None
        self._sandbox: Sandbox | None = None
        self._slot: Slot | None = None
        self._fuel_before = 0
        self.run = 0
        self.restored = False
        self.from_pool = False
        self._trap: Trap | None = None  # in its checkpoint, until somebody is told

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

    @property
    def batch_now(self) -> int:
        """Return how many messages its next turn may take, 0 when it does not run; any thread."""
        slot = self._slot
        return slot.batch.now if slot is not None else 0

    @property
    def handled(self) -> int:
        """Return how many messages its present sandbox has handled."""
        return self._slot.handled if self._slot is not None else 0

    @property
    def is_sound(self) -> bool:
        """Return whether its sandbox can be given messages: it may have trapped a moment ago."""
        return self._sandbox is not None and self._sandbox.is_alive

    @property
    def keeps(self) -> Kind | None:
        """Return what kind of checkpoint it can leave, None if it leaves none."""
        keeping, module = self.manifest.keeping, self.module
        if module is None or keeping is Keeping.OFF:
            return None
        if keeping is Keeping.IMAGE:
            # The time and the chance of a deterministic world are the host's, and not in an image.
            return Kind.IMAGE if module.is_whole and self.manifest.world is None else None
        return Kind.GUEST if can_leave(module) and can_take(module) else None

    def is_in(self, *states: State) -> bool:
        """Return whether its state is one of these now; other tasks may change it at every await."""
        return self.state in states

    # -- its life -------------------------------------------------------------------------------------------

    def step(self, event: Event, reason: str = "") -> None:
        """Move to the state that follows.

        Raises:
            IllegalTransition: Its state does not allow the event; nothing was changed.
        """
        source, self.state = self.state, step(TRANSITIONS, self.state, event)
        self._plant.chronicle.note(self.id, source, event, self.state, reason)

    def check(self, event: Event) -> None:
        """Refuse an event that its state does not allow.

        Raises:
            IllegalTransition: The state does not allow it.
        """
        step(TRANSITIONS, self.state, event)

    def load(self, module: CompiledModule) -> None:
        """Take the machine code: Unloaded, Stopped or Failed -> Loaded."""
        self.step(Event.LOAD)
        self.module = module

    async def prepare(self, checkpoint: Checkpoint | None = None) -> list[bytes]:
        """Start a sandbox that no worker runs yet; returns what it sent while starting.

        Raises:
            IllegalTransition: It is not Loaded.
            DeploymentFailed: The guest did not start; the sandbox is gone.
        """
        self.check(Event.START)
        module = self.module
        assert module is not None, "a loaded instance has its module"
        manifest, plant = self.manifest, self._plant
        # What runs in a deterministic world, or goes on from an image, was not warmed for everybody.
        may_be_warm = manifest.world is None and (checkpoint is None or checkpoint.kind is Kind.GUEST)
        sandbox = plant.pool.take(module, manifest.limits) if may_be_warm else None
        self.from_pool = sandbox is not None
        if sandbox is not None:
            sandbox.adopt(manifest.limits, self._write_log)
        else:
            sandbox = Sandbox(
                plant.engine, module, manifest.limits, self._write_log, plant.clock, world=manifest.world
            )
        try:
            sent = await plant.in_thread(_bring_up, sandbox, self._introduction(), checkpoint)
        except BaseException:
            sandbox.close()
            raise
        self._sandbox, self.restored = sandbox, checkpoint is not None
        return sent

    def launch(self, sent: list[bytes], pace: Pace = FULL_PACE) -> None:
        """Let workers run the sandbox that was prepared: Loaded -> Running."""
        sandbox, mailbox = self._sandbox, self._mailbox
        assert sandbox is not None, "it was prepared"
        assert mailbox is not None, "it has a mailbox"
        limits, name = self.manifest.limits, self.manifest.name
        slot = Slot(self.id, name, sandbox, mailbox, limits, pace=pace, batching=self.manifest.batching)
        self._slot = slot
        self.run += 1
        if sent:  # before a worker may send what comes later
            self._plant.router.accept(self.id, sent)
        self.step(Event.START)
        self._plant.scheduler.attach(slot)
        mailbox.connect(_waker(self._plant.scheduler, slot))

    async def pause(self) -> None:
        """Wait for the call under way and give it no further turn until `resume`."""
        if self._slot is not None and not self._plant.scheduler.try_detach(self._slot):
            await self._plant.in_thread(self._plant.scheduler.detach, self._slot)

    def resume(self) -> None:
        """Let workers run it again after `pause`; one that trapped meanwhile is lost like any other."""
        if self._slot is None:
            return
        if self.is_sound:
            self._plant.scheduler.attach(self._slot)
        elif self._trap is not None:
            trap, self._trap = self._trap, None
            self._plant.scheduler.give_up(self._slot, trap)

    async def apply(self, pace: Pace) -> None:
        """Hold it to its manifest, which may be another one by now, from the next turn on, in any state."""
        await self.pause()
        limits = self.manifest.limits
        if self._sandbox is not None:
            self._sandbox.apply(limits)
        if self._slot is not None:
            self._slot.apply(limits, pace, self.manifest.batching)
        if self._mailbox is not None:
            self._claim_mailbox(self.id)
        self.resume()

    async def checkpoint(self) -> Checkpoint | None:
        """Return what it leaves for its successor, None if it leaves nothing; it must be paused.

        Raises:
            CheckpointFailed: It could not; if it trapped, it is not sound any more.
        """
        kind, sandbox, module = self.keeps, self._sandbox, self.module
        if kind is None or sandbox is None or module is None or not sandbox.is_alive:
            return None
        take: Callable[[], bytes] = sandbox.checkpoint if kind is Kind.GUEST else sandbox.take_image
        try:
            data = await self._plant.in_thread(take)
        except CheckpointFailed as err:
            self._trap = err.trap if err.trap.fatal else None
            raise
        now_ms = self._plant.clock.unix_us() // 1000
        return Checkpoint(kind, self.manifest.version, module.sha256, data, now_ms)

    async def restore(self, checkpoint: Checkpoint) -> list[bytes]:
        """Give the guest's own checkpoint to a sandbox that was prepared; returns what it sent.

        Raises:
            StartFailed: It does not take it; the sandbox is gone.
        """
        assert self._sandbox is not None, "it was prepared"
        sent = await self._plant.in_thread(self._sandbox.restore, checkpoint.data)
        self.restored = True
        return sent

    async def halt(self) -> None:
        """Wait for the call under way and free the sandbox; the mailbox stays."""
        slot, sandbox = self._slot, self._sandbox
        self._slot = self._sandbox = None
        if slot is not None:
            self._fuel_before += slot.fuel_units
            if not self._plant.scheduler.try_detach(slot):
                await self._plant.in_thread(self._plant.scheduler.detach, slot)
        if sandbox is not None:
            sandbox.close()

    # -- its mailbox ----------------------------------------------------------------------------------------

    def open_mailbox(self) -> None:
        """Have a mailbox that the router knows, if it has none yet."""
        if self._mailbox is None:
            limits, policy = self.manifest.limits, self.manifest.protocols
            self._mailbox = box = Mailbox(limits.mailbox_depth)
            self._plant.router.add_mailbox(
                self.id, box, content_bytes_max=limits.message_bytes_max, policy=policy
            )

    def inherit_mailbox(self, other: Instance) -> None:
        """Take over the mailbox of another instance of this agent with all that waits; neither may run."""
        assert other._mailbox is not None, "it was running"
        self._mailbox, other._mailbox = other._mailbox, None
        self._claim_mailbox(other.id)

    def _claim_mailbox(self, owner: str) -> None:
        """Make a mailbox that the router knows as `owner`'s its own, within its own bounds."""
        assert self._mailbox is not None, "it has taken it"
        limits, policy = self.manifest.limits, self.manifest.protocols
        self._mailbox.depth_max = limits.mailbox_depth
        self._plant.router.rename_mailbox(
            owner, self.id, content_bytes_max=limits.message_bytes_max, policy=policy
        )

    def close_mailbox(self) -> list[bytes]:
        """Take the mailbox out of the router and return what still waited."""
        if self._mailbox is None:
            return []
        self._mailbox = None
        return self._plant.router.remove_mailbox(self.id)

    def drop_mailbox(self) -> None:
        """Forget the mailbox, which a handover has taken out of the router."""
        self._mailbox = None

    def put_back(self, frames: list[bytes]) -> None:
        """Return messages of a batch that was not finished to the head of the mailbox; any thread."""
        mailbox = self._mailbox
        if mailbox is not None:
            mailbox.put_back(frames)

    # -- details --------------------------------------------------------------------------------------------

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


def can_leave(module: CompiledModule) -> bool:
    """Return whether a module makes checkpoints."""
    return module.has("caxton_checkpoint")


def can_take(module: CompiledModule) -> bool:
    """Return whether a module takes checkpoints."""
    return module.has("caxton_restore")


def _bring_up(
    sandbox: Sandbox, introduction: Mapping[str, object], checkpoint: Checkpoint | None
) -> list[bytes]:
    if checkpoint is None:
        return sandbox.start(introduction)
    if checkpoint.kind is Kind.GUEST:
        return sandbox.start(introduction, checkpoint.data)
    sandbox.start_from_image(checkpoint.data)
    return []


def _waker(scheduler: Scheduler, slot: Slot) -> Callable[[], None]:
    return lambda: scheduler.wake(slot)
