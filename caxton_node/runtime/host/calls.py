"""What host functions share: whose call it is, and safe ways into the caller's memory."""

from __future__ import annotations

from itertools import count
from weakref import WeakValueDictionary

from caxton_node.core.clock import Clock
from caxton_node.runtime.host.agent_log import AgentLog
from caxton_node.runtime.native import FindMemory

U32 = 0xFFFFFFFF
_states: WeakValueDictionary[int, HostState] = WeakValueDictionary()
_next_id = count(1)


class RefusedCall(Exception):
    """The guest called the host with something impossible; it is stopped with this text as its trap."""


class HostState:
    """What the host keeps for one sandbox; its store carries only `id`."""

    __slots__ = ("__weakref__", "clock", "id", "log")

    def __init__(self, log: AgentLog, clock: Clock) -> None:
        self.log = log
        self.clock = clock
        self.id = next(_next_id)
        _states[self.id] = self


class Call:
    """One call from a guest.

    Attributes:
        state: The host's side of the calling sandbox.
        arguments: The arguments as unsigned integers.
    """

    __slots__ = ("_find_memory", "_memory", "arguments", "state")

    def __init__(self, state_id: int, find_memory: FindMemory, arguments: tuple[int, ...]) -> None:
        self.state = _states[state_id]
        self.arguments = arguments
        self._find_memory = find_memory
        self._memory: memoryview | None = None

    def read(self, address: int, length: int) -> bytes:
        """Copy bytes out of the guest."""
        return bytes(self._range(address & U32, length & U32))

    def write(self, address: int, data: bytes) -> None:
        """Copy bytes into the guest."""
        self._range(address & U32, len(data))[:] = data

    def _range(self, address: int, length: int) -> memoryview:
        if self._memory is None:
            memory = self._find_memory()
            if memory is None:
                raise RefusedCall("the agent exports no memory to its host")
            self._memory = memory.view
        if address + length > len(self._memory):
            raise RefusedCall(
                f"{length:,} bytes at {address:#x} are outside of its memory of {len(self._memory):,} bytes"
            )
        return self._memory[address : address + length]
