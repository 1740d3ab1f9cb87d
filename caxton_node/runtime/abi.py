"""ABI v1 in bytes: the exports a guest must have, the control block, and frames. Pure.

    control block   u32 little-endian at offsets 0 abi, 4 handled, 8 out_ptr, 12 out_len, 16 flags
    frame           u32 length little-endian, then that many bytes (one envelope)

The inbox and the outbox are both plain runs of frames. Nothing here trusts a number that a guest wrote.
Source: docs, agent ABI; DESIGN.md of this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from struct import error as StructError  # noqa: N812 - the module names its exception like a variable
from typing import NamedTuple

ABI_VERSION = 1
BLOCK_BYTES = 20
FLAG_OUT_OF_MEMORY = 1
FLAG_CLONEABLE = 2
# A frame costs the host about 50 bytes beyond its content, so a guest could buy 100 MB of host memory with 10
# MB of one-byte frames. No agent that answers a full batch of 256 messages comes near this.
OUTBOX_FRAMES_MAX = 65_536

I32_TO_I32 = (("i32",), ("i32",))
TO_I32 = ((), ("i32",))

REQUIRED_EXPORTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "caxton_abi_v1": TO_I32,
    "caxton_inbox": I32_TO_I32,
    "caxton_init": I32_TO_I32,
    "caxton_handle": I32_TO_I32,
}
OPTIONAL_EXPORTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "_initialize": ((), ()),
    "caxton_load": I32_TO_I32,
    "caxton_checkpoint": TO_I32,
    "caxton_restore": I32_TO_I32,
}

_BLOCK = Struct("<IIIII")
_PROGRESS = Struct("<III")
_LENGTH = Struct("<I")
# handled, out_ptr and out_len; the host clears them before each call, so that what it reads after a trap was
# written by this call.
CLEARED = bytes(12)
CLEARED_OFFSET = 4


class BrokenOutbox(ValueError):
    """The guest's outbox is not a run of whole frames; nothing was taken from it."""


class ControlBlock(NamedTuple):
    """The five words that a guest keeps for its host."""

    abi: int
    handled: int
    out_ptr: int
    out_len: int
    flags: int


def read_block(memory: memoryview, address: int) -> ControlBlock:
    """Read the control block; the caller has checked that it lies inside the memory."""
    return ControlBlock._make(_BLOCK.unpack_from(memory, address))


def read_progress(memory: memoryview, address: int) -> tuple[int, int, int]:
    """Read `handled`, `out_ptr` and `out_len` of the control block at this address."""
    return _PROGRESS.unpack_from(memory, address + CLEARED_OFFSET)


def join_frames(frames: Sequence[bytes]) -> bytes:
    """Write a batch as the guest will find it in its inbox."""
    if len(frames) == 1:  # a third of the time, where batches are of one
        return _LENGTH.pack(len(frames[0])) + frames[0]
    parts: list[bytes] = [b""] * (2 * len(frames))
    parts[0::2] = map(_LENGTH.pack, map(len, frames))
    parts[1::2] = frames
    return b"".join(parts)


def split_frames(data: bytes) -> list[bytes]:
    """Cut an outbox into its frames.

    Returns:
        The frames in the order in which the guest sent them, without their lengths.

    Raises:
        BrokenOutbox: A length is zero or runs past the end, or there are more than `OUTBOX_FRAMES_MAX`.
    """
    # One frame, as most batches of one leave.
    if len(data) > 4 and _LENGTH.unpack_from(data)[0] == len(data) - 4:
        return [data[4:]]
    frames: list[bytes] = []
    append, length_at, end, start = frames.append, _LENGTH.unpack_from, len(data), 0
    try:
        for _ in range(OUTBOX_FRAMES_MAX):
            if start >= end:
                break
            (length,) = length_at(data, start)
            if not length:
                raise BrokenOutbox(f"frame {len(frames)} at offset {start} is empty")
            start += 4
            stop = start + length
            append(data[start:stop])
            start = stop
    except StructError:
        raise BrokenOutbox(f"{end - start} bytes after the last frame are too few for a length") from None
    if start > end:
        raise BrokenOutbox(f"frame {len(frames) - 1} ends {start - end} bytes behind the outbox of {end}")
    if start < end:
        raise BrokenOutbox(f"too many frames in one call, at most {OUTBOX_FRAMES_MAX:,} are taken")
    return frames
