"""The life of one agent instance: start, batches, end. Nothing a guest does may raise in its host.

    warm         instantiate, `_initialize`, ABI check: nothing of this is about one agent
    start        warm if it is not, `caxton_init`, `caxton_restore` with what an earlier instance left
    handle       clear the block, `caxton_inbox`, write, `caxton_handle`, read the block, cut the outbox
    checkpoint   `caxton_checkpoint`, copy the outbox; or an image of memory and globals
    close        free the store

Whatever goes wrong inside comes back as a `Trap`. After a fatal one the instance is never called again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import urandom
from time import perf_counter

import msgpack

from caxton_node.core.clock import Clock, SystemClock
from caxton_node.core.errors import CaxtonError
from caxton_node.runtime import abi, imaging
from caxton_node.runtime.control_block import ControlBlock
from caxton_node.runtime.engine import CompiledModule, Engine
from caxton_node.runtime.host.agent_log import AgentLog
from caxton_node.runtime.host.calls import TICK, HostState
from caxton_node.runtime.host.determinism import Determinism, VirtualClock, seeded_bytes
from caxton_node.runtime.images import Image, ImageMismatch, broken, unpack
from caxton_node.runtime.limits import PAGE_BYTES, Limits
from caxton_node.runtime.metering import Meter
from caxton_node.runtime.native import Guest, Memory
from caxton_node.runtime.outcomes import CheckpointFailed, Outcome, StartFailed
from caxton_node.runtime.ports import LogSink
from caxton_node.runtime.trap_facts import FAILURES, GuestFailed, TooLarge, attempt, explain, out_of_memory
from caxton_node.runtime.traps import Trap, TrapKind
from caxton_node.runtime.violations import Action, Bound, Violation

__all__ = ["CheckpointFailed", "Outcome", "Sandbox", "StartFailed"]

# A language runtime sets itself up once; the agent's own limit is for messages.
START_SHARE = 50
START_S_MAX = 10.0


class Sandbox:
    """One instance of an agent. Not thread-safe: one worker at a time.

    Args:
        engine: The engine that compiled the module; it keeps the time.
        module: What to run.
        limits: What it may use.
        log: Where its log lines go.
        clock: Real time.
        world: For a deterministic agent, the time and the chance that it sees instead.
    """

    __slots__ = (
        "_alive", "_block", "_clock", "_engine", "_guest", "_handle", "_has_fuel", "_inbox", "_limits",
        "_memory", "_meter", "_module", "_state", "_steps",
    )  # fmt: skip

    def __init__(
        self,
        engine: Engine,
        module: CompiledModule,
        limits: Limits,
        log: LogSink,
        clock: Clock | None = None,
        *,
        world: Determinism | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._engine = engine  # as long as this lives, somebody moves the epoch
        self._module = module
        self._clock = clock
        self._steps = VirtualClock(world.start_unix_us) if world else None
        entropy = seeded_bytes(world.seed) if world else urandom
        self._state = HostState(AgentLog(log, clock, limits.log_lines_per_s), self._steps or clock, entropy)
        cpu = module.profile.cpu
        self._has_fuel = cpu.has_fuel
        self._guest = Guest(module.raw, has_fuel=cpu.has_fuel, has_deadline=cpu.has_deadline)
        self._guest.attach(self._state.id)
        self._guest.watch(TICK, self._state.id)
        self._meter = Meter(self._state, limits, clock)
        self._memory: Memory | None = None
        self._block: ControlBlock | None = None
        self._alive = False
        self._inbox: Callable[[int], int]
        self._handle: Callable[[int], int]
        self.apply(limits)

    # -- its life -------------------------------------------------------------------------------------------

    def apply(self, limits: Limits) -> None:
        """Hold it to these limits from now on; what it uses already is not taken away.

        No call may be under way.
        """
        self._limits = limits
        self._guest.limit(limits.memory_bytes, limits.table_elements)
        self._meter.apply(limits)

    def warm(self) -> None:
        """Bring the instance to where it could become any agent of its module.

        Raises:
            StartFailed: The module trapped or broke the ABI. The sandbox is closed.
        """
        self._refill(START_SHARE)
        self._start_step(self._prepare)

    def adopt(self, limits: Limits, log: LogSink) -> None:
        """Make a warm instance the one of an agent."""
        self._state.log = AgentLog(log, self._clock, limits.log_lines_per_s)
        self._meter = Meter(self._state, limits, self._clock)
        self._meter.watch.block = self._block
        self.apply(limits)

    def start(self, config: Mapping[str, object], checkpoint: bytes | None = None) -> list[bytes]:
        """Bring the instance to where it takes messages.

        Args:
            config: What `caxton_init` is given as a MessagePack map: agent, tenant, node, config.
            checkpoint: What an earlier instance left, perhaps of an older version; None to start afresh.

        Returns:
            Frames that the agent sent while starting, such as its capabilities to `df`.

        Raises:
            StartFailed: The agent trapped, refused, or broke the ABI. The sandbox is closed.
        """
        if self._block is None:
            self.warm()
        else:
            self._refill(START_SHARE)
        sent = self._start_step(self._call, self._function("caxton_init"), msgpack.packb(dict(config)))
        if checkpoint is not None:
            self._alive = True
            sent += self.restore(checkpoint)
        self._go_to_work()
        return sent

    def restore(self, checkpoint: bytes) -> list[bytes]:
        """Give a started instance that has handled nothing what an earlier one left.

        Returns:
            Frames that it sent meanwhile.

        Raises:
            StartFailed: It does not take it, or trapped. The sandbox is closed.
        """
        assert self._alive, "an instance is started before it is given a checkpoint"
        sent = self._start_step(self._restore, checkpoint)
        self._go_to_work()
        return sent

    def handle(self, frames: Sequence[bytes]) -> Outcome:
        """Let the guest handle a batch in one call.

        A batch that its inbox refuses is tried again in halves, so that only a message that does not fit
        alone is blamed.

        Args:
            frames: At least one envelope.
        """
        assert self._alive, "a sandbox handles messages between start() and its end"
        assert self._block is not None, "a started sandbox has its block"
        count = len(frames)
        data = abi.join_frames(frames)
        limits, state, meter, guest = self._limits, self._state, self._meter, self._guest
        fuel_units = limits.fuel_per_message * count
        guest.refill(fuel_units)
        state.calls, state.calls_max = 0, limits.host_calls_per_s * count
        if self._steps is not None:
            self._steps.step()
        watch = meter.watch
        watch.count = count
        watch.started_at = started_at = perf_counter()
        try:
            self._call(self._handle, data)
        except FAILURES as error:
            elapsed_s = perf_counter() - started_at
            return self._handle_failure(explain(error, self._module.symbols), frames, fuel_units, elapsed_s)
        elapsed_s = perf_counter() - started_at
        used = fuel_units - guest.read_fuel() if self._has_fuel else 0
        handled, outbox, trap = self._block.settle(None, count)
        self._alive = trap is None
        outcome = Outcome(handled, outbox, trap, used, elapsed_s, count)
        if meter.has_news:
            meter.keep_rates(outcome)
        return outcome

    def checkpoint(self) -> bytes:
        """Return what the guest wants its successor to know; it must export `caxton_checkpoint`.

        Raises:
            CheckpointFailed: It refused, left too much, or trapped.
        """
        assert self._alive, "only a started sandbox has something to keep"
        self._refill(START_SHARE)
        try:
            kept = self._take_checkpoint()
        except FAILURES as error:
            trap = explain(error, self._module.symbols)
            if isinstance(error, TooLarge):
                violation: Violation | None = self._too_large(error.size)
            else:
                violation = self._find_violation(trap)
            self._go_to_work()
            self._alive = not trap.fatal
            raise CheckpointFailed(trap, violation) from None
        self._go_to_work()
        return kept

    def take_image(self) -> bytes:
        """Return the state of the instance, packed; its module must be whole.

        Raises:
            CheckpointFailed: It is larger than a checkpoint may be.
        """
        assert self._memory is not None, "it is warm"
        assert self._block is not None, "it is warm"
        assert self._module.origin is not None, "only a whole module has images"
        packed = imaging.take(
            self._guest, self._memory, self._module.origin, block=self._block.address
        ).pack()
        most = self._limits.checkpoint_bytes_max
        if len(packed) > most:
            text = f"its image has {len(packed):,} bytes, at most {most:,} are kept"
            raise CheckpointFailed(Trap(TrapKind.CHECKPOINT, text), self._too_large(len(packed)))
        return packed

    def start_from_image(self, packed: bytes, *, started: bool = True) -> None:
        """Bring the instance to where an earlier one of this module was.

        Args:
            packed: What `take_image` returned.
            started: Whether that one had been started; else it was only warm.

        Raises:
            StartFailed: The instance could not be made. The sandbox is closed.
            CaxtonError: The image is broken, of another module or too large. The sandbox is closed.
        """
        self._refill(START_SHARE)
        self._start_step(self._instantiate)
        try:
            image = unpack(packed, memory_bytes_max=self._limits.memory_bytes)
            self._start_step(self._become, image)
        except CaxtonError:
            self.close()
            raise
        if started:
            self._go_to_work()

    def close(self) -> None:
        """Free the instance; nothing may be called afterwards. Closing twice is fine."""
        self._alive = False
        self._block = None
        self._memory = None
        self._state.log.flush()
        self._guest.close()

    # -- what can be told -----------------------------------------------------------------------------------

    @property
    def memory_bytes(self) -> int:
        """Return the size of the guest's linear memory; any thread."""
        memory = self._memory
        return max(memory.size, 0) if memory is not None else 0

    @property
    def counts_fuel(self) -> bool:
        """Tell whether the fuel that it uses is counted."""
        return self._has_fuel

    @property
    def is_alive(self) -> bool:
        """Return whether it may be given messages."""
        return self._alive

    @property
    def is_warm(self) -> bool:
        """Return whether it could be started now."""
        return self._block is not None and not self._alive and self._block.is_sound

    @property
    def is_cloneable(self) -> bool:
        """Return whether an image of it may become many agents: its guest says so."""
        return self._block is not None and self._block.is_cloneable

    # -- starting -------------------------------------------------------------------------------------------

    def _start_step(self, action: Callable[..., object], *arguments: object) -> list[bytes]:
        """Do one thing of a start and return what the guest sent in it."""
        trap = self._name_cause(attempt(self._module.symbols, action, *arguments))
        outbox: list[bytes] = []
        if trap is None and self._block is not None:
            _, outbox, trap = self._block.settle(None, 0)
        if trap is not None:
            violation = self._find_violation(trap)
            self.close()
            raise StartFailed(trap, violation)
        return outbox

    def _prepare(self) -> None:
        memory = self._instantiate()
        initialize = self._guest.find_function("_initialize")
        if initialize is not None:
            initialize(0)
        block = ControlBlock(memory, self._function("caxton_abi_v1")(0))
        block.clear()
        self._block = self._meter.watch.block = block

    def _instantiate(self) -> Memory:
        self._guest.instantiate(self._module.pre)
        memory = self._guest.find_memory()
        assert memory is not None, "the module was checked"
        self._memory = memory
        self._inbox = self._function("caxton_inbox")
        self._handle = self._function("caxton_handle")
        return memory

    def _become(self, image: Image) -> None:
        """Put a fresh instance into the state of an image."""
        origin = self._module.origin
        if origin is None:
            raise ImageMismatch("the module has state that an image does not hold")
        assert self._memory is not None, "it was instantiated"
        imaging.restore(image, self._guest, self._memory, origin, memory_bytes_max=self._limits.memory_bytes)
        try:
            block = ControlBlock(self._memory, image.block)
        except GuestFailed as failure:
            raise broken(failure.trap.message) from None
        block.clear()
        self._block = self._meter.watch.block = block

    def _restore(self, checkpoint: bytes) -> None:
        if not self._module.has("caxton_restore"):
            raise GuestFailed(TrapKind.CHECKPOINT, "it has no caxton_restore to take a checkpoint with")
        self._refill(START_SHARE)
        try:
            self._call(self._function("caxton_restore"), checkpoint)
        except GuestFailed as failure:
            if failure.trap.fatal:
                raise
            raise GuestFailed(
                TrapKind.CHECKPOINT, f"it does not take the checkpoint: {failure.trap.message}"
            ) from None

    def _take_checkpoint(self) -> bytes:
        assert self._block is not None, "a started sandbox has its block"
        self._block.clear()
        code = self._function("caxton_checkpoint")(0)
        if code:
            raise GuestFailed(TrapKind.CHECKPOINT, f"it refused with {_signed(code)}")
        return self._block.read_outbox(self._limits.checkpoint_bytes_max)

    def _refill(self, share: int) -> None:
        """Give the guest, for what is no batch, what so many messages may use."""
        limits, watch = self._limits, self._meter.watch
        self._guest.refill(limits.fuel_per_message * share)
        self._state.calls, self._state.calls_max = 0, limits.host_calls_per_s * share
        watch.count, watch.started_at = 0, perf_counter()
        watch.time_s = max(limits.wall_time_s, min(limits.wall_time_s * share, START_S_MAX))

    def _go_to_work(self) -> None:
        """Take messages from now on: what is watched is each of them."""
        self._alive = True
        self._meter.watch.time_s = self._limits.wall_time_s

    # -- calling --------------------------------------------------------------------------------------------

    def _function(self, name: str) -> Callable[[int], int]:
        found = self._guest.find_function(name)
        assert found is not None, "the module was checked"
        return found

    def _call(self, function: Callable[[int], int], data: bytes) -> None:
        """Put data into the inbox and call; the guest has fuel already."""
        memory, block = self._memory, self._block
        assert memory is not None, "it is warm"
        assert block is not None, "it is warm"
        block.clear()
        length = len(data)
        address = self._inbox(length)
        view = memory.refresh()
        if address == 0:
            raise GuestFailed(TrapKind.REFUSED, f"its inbox does not take {length:,} bytes")
        if address + length > len(view):
            raise GuestFailed(
                TrapKind.ABI,
                f"inbox at {address:#x} + {length:,} is outside of the memory of {len(view):,} bytes",
            )
        view[address : address + length] = data
        code = function(length)
        if code:
            raise GuestFailed(TrapKind.GUEST_ERROR, f"it returned error {_signed(code)}")

    # -- after a call ---------------------------------------------------------------------------------------

    def _handle_failure(
        self, trap: Trap, frames: Sequence[bytes], fuel_units: int, elapsed_s: float
    ) -> Outcome:
        count = len(frames)
        if trap.kind is TrapKind.REFUSED and count > 1:
            return self._handle_halves(frames)
        assert self._block is not None, "a started sandbox has its block"
        used = fuel_units - self._guest.read_fuel() if self._has_fuel else 0
        self._alive = not trap.fatal
        handled, outbox, _ = self._block.settle(trap, count)
        outcome = Outcome(handled, outbox, self._name_cause(trap), used, elapsed_s, count)
        self._meter.keep_rates(outcome)
        violation = self._meter.find_violation(
            outcome.trap, fuel_units=used, memory_bytes=self.memory_bytes, count=count
        )
        if violation is not None:
            outcome.violations += (violation,)
        return outcome

    def _handle_halves(self, frames: Sequence[bytes]) -> Outcome:
        middle = len(frames) // 2
        first = self.handle(frames[:middle])
        if first.trap is not None:
            return first
        second = self.handle(frames[middle:])
        return Outcome(
            first.handled + second.handled,
            first.outbox + second.outbox,
            second.trap,
            first.fuel_units + second.fuel_units,
            first.elapsed_s + second.elapsed_s,
            first.taken + second.taken,
            max(first.rest_s, second.rest_s),
            first.violations + second.violations,
        )

    def _find_violation(self, trap: Trap) -> Violation | None:
        """Return the limit behind a trap in what is no batch, if it was one."""
        given = self._limits.fuel_per_message * START_SHARE
        used = given - self._guest.read_fuel() if self._has_fuel else 0
        return self._meter.find_violation(
            trap, fuel_units=used, memory_bytes=self.memory_bytes, count=START_SHARE
        )

    def _too_large(self, size: int) -> Violation:
        return Violation(Bound.CHECKPOINT, size, self._limits.checkpoint_bytes_max, Action.REFUSED)

    def _name_cause(self, trap: Trap | None) -> Trap | None:
        """Name want of memory as the cause of a panic: its flags say so, or there is no page left to get."""
        if trap is None or trap.kind is not TrapKind.UNREACHABLE or self._block is None:
            return trap
        flagged = self._block.is_out_of_memory  # which also looks how large the memory is by now
        is_full = self.memory_bytes + PAGE_BYTES > self._limits.memory_bytes
        return out_of_memory(trap) if flagged or is_full else trap


def _signed(code: int) -> int:
    return code if code < 2**31 else code - 2**32
