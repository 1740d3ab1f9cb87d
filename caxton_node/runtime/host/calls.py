"""What host functions share: whose call it is, and safe ways into the caller's memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from weakref import WeakValueDictionary

from caxton_node.core.clock import Clock
from caxton_node.runtime.host.agent_log import AgentLog
from caxton_node.runtime.native import FindMemory, make_tick

U32 = 0xFFFFFFFF
REFUSED = "refused: "
"""What marks a text as the guest's fault; any other exception in a host function is a bug of the host."""

TOO_MANY_TEXT = "it calls its host too often"
_states: WeakValueDictionary[int, HostState] = WeakValueDictionary()
_next_id = count(1)


class RefusedCall(Exception):
    """The guest called the host with something impossible; it is stopped with this text as its trap."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{REFUSED}{text}")


class HostState:
    """What the host keeps for one sandbox; its store carries only `id`.

    Attributes:
        log: Where it writes.
        clock: Time as the guest sees it.
        entropy: Where its random bytes come from.
        calls: Host calls since the count was last cleared.
        calls_max: At which count the guest is stopped.
        look: Says why a call that is under way must stop; None when it may go on.
    """

    __slots__ = ("__weakref__", "calls", "calls_max", "clock", "entropy", "id", "log", "look")

    def __init__(self, log: AgentLog, clock: Clock, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self.log = log
        self.clock = clock
        self.entropy = entropy
        self.calls = 0
        self.calls_max = 0
        self.look: Callable[[], str | None] = _go_on
        self.id = next(_next_id)
        _states[self.id] = self

    def count_call(self) -> None:
        """Count one call.

        Raises:
            RefusedCall: It is one too many.
        """
        self.calls += 1
        if self.calls > self.calls_max:
            raise RefusedCall(f"{TOO_MANY_TEXT}: more than {self.calls_max:,} for one batch")


def _go_on() -> None:
    """Stand in until there is something to look at."""


def _look(state_id: int) -> str | None:
    state = _states.get(state_id)
    return state.look() if state is not None else None


TICK = make_tick(_look)
"""What wasmtime calls with every epoch that a guest is in a call."""


class Call:
    """One call from a guest.

    Attributes:
        state: The host's side of the calling sandbox.
        arguments: The arguments as unsigned integers.
    """

    __slots__ = ("_find_memory", "_memory", "arguments", "state")

    def __init__(self, state_id: int, find_memory: FindMemory, arguments: tuple[int, ...]) -> None:
        self.state = _states[state_id]
        self.state.count_call()
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
