"""The life of one agent instance: start, batches, end. Nothing a guest does may raise in its host.

    start    instantiate, `_initialize`, ABI check, `caxton_init`
    handle   clear the block, `caxton_inbox`, write, `caxton_handle`, read the block, cut the outbox
    close    free the store

Whatever goes wrong inside comes back as a `Trap`. After a fatal one the instance is never called again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import msgpack

from caxton_node.core.clock import Clock, SystemClock
from caxton_node.core.errors import DeploymentFailed
from caxton_node.runtime import abi
from caxton_node.runtime.engine import CompiledModule, Engine
from caxton_node.runtime.host.agent_log import AgentLog
from caxton_node.runtime.host.calls import HostState
from caxton_node.runtime.limits import PAGE_BYTES, Limits
from caxton_node.runtime.native import Guest, Memory
from caxton_node.runtime.ports import LogSink
from caxton_node.runtime.trap_facts import GuestFailed, attempt, out_of_memory
from caxton_node.runtime.traps import Trap, TrapKind

# A language runtime sets itself up once; the agent's own limit is for messages.
START_SHARE = 50
TABLE_ELEMENTS_MAX = 100_000


class StartFailed(DeploymentFailed):
    """An instance did not start; its memory was freed.

    Attributes:
        trap: What happened.
    """

    code = "AGENT_START_FAILED"

    def __init__(self, trap: Trap) -> None:
        super().__init__(
            "the agent did not start", why=str(trap), hint="what the guest said is in the log of the node"
        )
        self.trap = trap


@dataclass(slots=True)
class Outcome:
    """What one batch came to.

    Attributes:
        handled: Messages completed; after a trap, `frames[handled]` is the message that caused it and the
            rest was not handled. It is the whole batch when the guest trapped behind its last message.
        outbox: Frames that the completed messages sent, in order.
        trap: None if all went well.
        fuel_units: Fuel used.
        elapsed_s: Wall time in the guest.
    """

    handled: int
    outbox: list[bytes]
    trap: Trap | None
    fuel_units: int
    elapsed_s: float


class Sandbox:
    """One instance of an agent. Not thread-safe: one worker at a time.

    Args:
        engine: The engine that compiled the module; it must outlive the sandbox.
        module: What to run.
        limits: What it may use.
        log: Where its log lines go.
        clock: Time as the agent sees it.
    """

    def __init__(
        self, engine: Engine, module: CompiledModule, limits: Limits, log: LogSink, clock: Clock | None = None
    ) -> None:
        self._limits = limits
        self._module = module
        self._message_ticks = engine.ticks(limits.wall_time_s)
        clock = clock or SystemClock()
        self._state = HostState(AgentLog(log, clock), clock)
        self._guest = Guest(engine.raw, memory_bytes=limits.memory_bytes, table_elements=TABLE_ELEMENTS_MAX)
        self._guest.attach(self._state.id)
        self._engine = engine
        self._block = 0
        self._alive = False
        self._memory: Memory
        self._inbox: Callable[[int], int]
        self._handle: Callable[[int], int]

    def start(self, config: Mapping[str, object]) -> list[bytes]:
        """Bring the instance to where it takes messages.

        Args:
            config: What `caxton_init` is given as a MessagePack map: agent, tenant, node, config.

        Returns:
            Frames that the agent sent while starting, such as its capabilities to `df`.

        Raises:
            StartFailed: The agent trapped, refused, or broke the ABI. The sandbox is closed.
        """
        message = msgpack.packb(dict(config))
        self._guest.refill(self._limits.fuel_per_message * START_SHARE, self._message_ticks * START_SHARE)
        trap = self._name_cause(attempt(self._module.function_names, self._prepare, message))
        outbox: list[bytes] = []
        if trap is None:
            _, outbox, trap = self._settle(None, 0)
        if trap is not None:
            self.close()
            raise StartFailed(trap)
        self._alive = True
        return outbox

    def handle(self, frames: Sequence[bytes]) -> Outcome:
        """Let the guest handle a batch in one call.

        A batch that its inbox refuses is tried again in halves, so that only a message that does not fit
        alone is blamed.

        Args:
            frames: At least one envelope.
        """
        assert self._alive, "a sandbox handles messages between start() and its end"
        count = len(frames)
        data = abi.join_frames(frames)
        fuel_units = self._limits.fuel_per_message * count
        self._guest.refill(fuel_units, self._message_ticks * count)
        started_at = perf_counter()
        trap = attempt(self._module.function_names, self._call, self._handle, data)
        elapsed_s = perf_counter() - started_at
        used = fuel_units - self._guest.read_fuel()
        if trap is not None:
            return self._handle_failure(trap, frames, used, elapsed_s)
        handled, outbox, trap = self._settle(None, count)
        self._alive = trap is None
        return Outcome(handled, outbox, trap, used, elapsed_s)

    @property
    def memory_bytes(self) -> int:
        """Return the size of the guest's linear memory."""
        return max(self._memory.size, 0) if self._block else 0

    def close(self) -> None:
        """Free the instance; nothing may be called afterwards. Closing twice is fine."""
        self._alive = False
        self._block = 0
        self._state.log.flush()
        self._guest.close()

    def _prepare(self, message: bytes) -> None:
        self._guest.instantiate(self._module.pre)
        memory = self._guest.find_memory()
        assert memory is not None, "the module was checked"
        self._memory = memory
        self._inbox = self._function("caxton_inbox")
        self._handle = self._function("caxton_handle")
        initialize = self._guest.find_function("_initialize")
        if initialize is not None:
            initialize(0)
        block = self._function("caxton_abi_v1")(0)
        self._check_block(block)
        self._block = block
        self._call(self._function("caxton_init"), message)

    def _function(self, name: str) -> Callable[[int], int]:
        found = self._guest.find_function(name)
        assert found is not None, "the module was checked"
        return found

    def _check_block(self, block: int) -> None:
        view = self._memory.refresh()
        if block == 0 or block + abi.BLOCK_BYTES > len(view):
            raise GuestFailed(
                TrapKind.ABI, f"control block at {block:#x} is outside of the memory of {len(view):,} bytes"
            )
        version = abi.read_block(view, block).abi
        if version != abi.ABI_VERSION:
            raise GuestFailed(
                TrapKind.ABI, f"control block says ABI {version}; this node speaks ABI {abi.ABI_VERSION}"
            )

    def _call(self, function: Callable[[int], int], data: bytes) -> None:
        """Put data into the inbox and call; the guest has fuel already."""
        block = self._block + abi.CLEARED_OFFSET
        self._memory.view[block : block + len(abi.CLEARED)] = abi.CLEARED
        length = len(data)
        address = self._inbox(length)
        view = self._memory.refresh()
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
            raise GuestFailed(
                TrapKind.GUEST_ERROR, f"it returned error {code if code < 2**31 else code - 2**32}"
            )

    def _handle_failure(self, trap: Trap, frames: Sequence[bytes], used: int, elapsed_s: float) -> Outcome:
        if trap.kind is TrapKind.REFUSED and len(frames) > 1:
            return self._handle_halves(frames)
        self._alive = not trap.fatal
        handled, outbox, _ = self._settle(trap, len(frames))
        return Outcome(handled, outbox, self._name_cause(trap), used, elapsed_s)

    def _name_cause(self, trap: Trap | None) -> Trap | None:
        if trap is None or trap.kind is not TrapKind.UNREACHABLE or not self._is_out_of_memory():
            return trap
        return out_of_memory(trap)

    def _is_out_of_memory(self) -> bool:
        """Whether a panic was for want of memory: its flags say so, or there is no page left to get."""
        if not self._block:
            return False
        view = self._memory.refresh()
        flagged = abi.read_block(view, self._block).flags & abi.FLAG_OUT_OF_MEMORY
        return bool(flagged) or len(view) + PAGE_BYTES > self._limits.memory_bytes

    def _settle(self, trap: Trap | None, count: int) -> tuple[int, list[bytes], Trap | None]:
        """Read how far the guest came and what it sent.

        A block that cannot be true makes the batch count as not handled at all: nothing is delivered from it,
        so that giving its messages to the next instance does nothing twice.
        """
        view = self._memory.refresh()
        handled, out_ptr, out_len = abi.read_progress(view, self._block)
        stop = out_ptr + out_len
        if handled > count or stop > len(view) or (trap is None and handled != count):
            return 0, [], trap or Trap(TrapKind.ABI, _name_lie(handled, out_ptr, out_len, len(view), count))
        try:
            frames = abi.split_frames(bytes(view[out_ptr:stop]))
        except abi.BrokenOutbox as error:
            return 0, [], trap or Trap(TrapKind.ABI, f"its outbox is broken: {error}")
        return handled, frames, trap

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
        )


def _name_lie(handled: int, out_ptr: int, out_len: int, memory_bytes: int, count: int) -> str:
    if out_ptr + out_len > memory_bytes:
        return f"its outbox at {out_ptr:#x} + {out_len:,} is outside of its {memory_bytes:,} bytes"
    return f"it says {handled:,} of {count} messages are handled"
