"""The control block of one instance: where the host clears it, reads it, and finds what is not true in it.

Nothing here trusts a number that the guest wrote: every address is checked against the size that the memory
has now.
"""

from __future__ import annotations

from caxton_node.runtime import abi
from caxton_node.runtime.native import Memory
from caxton_node.runtime.trap_facts import GuestFailed, TooLarge
from caxton_node.runtime.traps import Trap, TrapKind


class ControlBlock:
    """Five words in a guest's memory.

    Args:
        memory: The guest's.
        address: What `caxton_abi_v1` returned.

    Raises:
        GuestFailed: It lies outside of the memory, or speaks another ABI.
    """

    __slots__ = ("_cleared", "_memory", "address")

    def __init__(self, memory: Memory, address: int) -> None:
        view = memory.refresh()
        if address == 0 or address + abi.BLOCK_BYTES > len(view):
            raise GuestFailed(
                TrapKind.ABI, f"control block at {address:#x} is outside of the memory of {len(view):,} bytes"
            )
        version = abi.read_block(view, address).abi
        if version != abi.ABI_VERSION:
            raise GuestFailed(
                TrapKind.ABI, f"control block says ABI {version}; this node speaks ABI {abi.ABI_VERSION}"
            )
        self.address = address
        self._memory = memory
        start = address + abi.CLEARED_OFFSET
        self._cleared = slice(start, start + len(abi.CLEARED))

    def clear(self) -> None:
        """Forget what an earlier call left, so that what is read after a trap is of this one.

        The view is renewed first: a call that ended in an error may have moved the memory.
        """
        self._memory.refresh()[self._cleared] = abi.CLEARED

    @property
    def handled(self) -> int:
        """Return how many messages the guest says are handled, also while it runs."""
        return abi.read_progress(self._memory.refresh(), self.address)[0]

    @property
    def is_out_of_memory(self) -> bool:
        """Return whether the guest has noted that an allocation failed."""
        return bool(self._read().flags & abi.FLAG_OUT_OF_MEMORY)

    @property
    def is_cloneable(self) -> bool:
        """Return whether the guest says that copies of its state after `_initialize` are as good as it."""
        return bool(self._read().flags & abi.FLAG_CLONEABLE)

    @property
    def is_sound(self) -> bool:
        """Return whether the block still says what it said at the start."""
        return self._read().abi == abi.ABI_VERSION

    def _read(self) -> abi.ControlBlock:
        return abi.read_block(self._memory.refresh(), self.address)

    def settle(self, trap: Trap | None, count: int) -> tuple[int, list[bytes], Trap | None]:
        """Read how far the guest came and what it sent.

        A block that cannot be true makes the batch count as not handled at all: nothing is delivered from it,
        so that giving its messages to the next instance does nothing twice.

        Args:
            trap: How the call ended, None if well.
            count: Messages that it was given.

        Returns:
            Messages completed, frames sent by them, and the trap, which may be that the block is a lie.
        """
        view = self._memory.refresh()
        handled, out_ptr, out_len = abi.read_progress(view, self.address)
        stop = out_ptr + out_len
        if handled > count or stop > len(view) or (trap is None and handled != count):
            return 0, [], trap or Trap(TrapKind.ABI, _name_lie(handled, out_ptr, out_len, len(view), count))
        try:
            frames = abi.split_frames(bytes(view[out_ptr:stop]))
        except abi.BrokenOutbox as error:
            return 0, [], trap or Trap(TrapKind.ABI, f"its outbox is broken: {error}")
        return handled, frames, trap

    def read_outbox(self, bytes_max: int) -> bytes:
        """Copy the outbox as it is, for a checkpoint.

        Raises:
            GuestFailed: It lies outside of the memory.
            TooLarge: It is larger than this.
        """
        view = self._memory.refresh()
        _, out_ptr, out_len = abi.read_progress(view, self.address)
        if out_ptr + out_len > len(view):
            raise GuestFailed(TrapKind.ABI, _name_lie(0, out_ptr, out_len, len(view), 0))
        if out_len > bytes_max:
            raise TooLarge(out_len, bytes_max)
        return bytes(view[out_ptr : out_ptr + out_len])


def _name_lie(handled: int, out_ptr: int, out_len: int, memory_bytes: int, count: int) -> str:
    if out_ptr + out_len > memory_bytes:
        return f"its outbox at {out_ptr:#x} + {out_len:,} is outside of its {memory_bytes:,} bytes"
    return f"it says {handled:,} of {count} messages are handled"
