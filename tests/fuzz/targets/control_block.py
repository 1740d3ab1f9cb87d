"""A guest whose control block, inbox and outbox are what the input says, through the life of a sandbox."""

from __future__ import annotations

from collections.abc import Iterator

from caxton_node.core.errors import CaxtonError
from caxton_node.runtime import CheckpointFailed, Limits, Outcome, Sandbox, StartFailed, Trap, TrapKind, abi
from caxton_node.runtime.limits import PAGE_BYTES
from tests.fuzz.puppets import check_trap, dress, puppet
from tests.fuzz.source import Source

STEPS_MAX = 6
_COUNTS, _LENGTHS = (1, 2, 3, 17, 256), (1, 40, 4_000)
_REBIRTH, _CHECKPOINT, _APPLY = 13, 14, 15


def check(data: bytes) -> None:
    """Read limits and steps; what is left is the guest's script."""
    source = Source(data)
    limits = _limits(source)
    steps = [source.number() for _ in range(source.number() % STEPS_MAX)]
    checkpoint = source.pick((None, b"", b"left by another", bytes(40_000)))
    sandbox = dress(puppet(), limits, source.rest())
    try:
        _check_frames(sandbox.start({"agent": "puppet"}, checkpoint))
        for step in steps:
            if sandbox.is_alive:
                sandbox = _take(sandbox, step)
                assert sandbox.memory_bytes <= sandbox._limits.memory_bytes
    except StartFailed as error:
        check_trap(error.trap, TrapKind.EXIT)
        assert not sandbox.is_alive
    finally:
        sandbox.close()


def _limits(source: Source) -> Limits:
    return Limits(
        memory_bytes=PAGE_BYTES * 8,
        fuel_per_message=20_000,
        wall_time_s=600,
        messages_per_s=source.pick((0, 1, 1_000)),
        checkpoint_bytes_max=source.pick((100_000, 0, 100)),
    )


def _take(sandbox: Sandbox, step: int) -> Sandbox:
    """Do one thing with a sandbox; return the one to go on with."""
    kind = step % 16
    if kind == _REBIRTH:
        return _bear_again(sandbox)
    if kind == _CHECKPOINT:
        _take_checkpoint(sandbox)
    elif kind == _APPLY:
        sandbox.apply(Limits(memory_bytes=PAGE_BYTES * 8, fuel_per_message=1_000 << step // 16))
    else:
        _hand_over(sandbox, [bytes([65 + kind]) * _LENGTHS[kind % 3]] * _COUNTS[kind % 5])
    return sandbox


def _bear_again(old: Sandbox) -> Sandbox:
    """Put another instance into this state, unless its image is too large or its block is spoilt."""
    try:
        image = old.take_image()
    except CheckpointFailed as error:
        check_trap(error.trap)
        return old
    new = dress(puppet(), old._limits, b"")
    assert old._memory is not None
    try:
        new.start_from_image(image)
        assert new._memory is not None
        assert bytes(new._memory.refresh()) == _memory_with_cleared_block(old)
    except CaxtonError:
        new.close()
        assert old._block is not None
        assert abi.read_block(old._memory.refresh(), old._block.address).abi != abi.ABI_VERSION
        return old
    except BaseException:
        new.close()
        raise
    old.close()
    return new


def _memory_with_cleared_block(sandbox: Sandbox) -> bytes:
    assert sandbox._memory is not None
    assert sandbox._block is not None
    memory, start = bytearray(sandbox._memory.refresh()), sandbox._block.address + abi.CLEARED_OFFSET
    memory[start : start + len(abi.CLEARED)] = abi.CLEARED
    return bytes(memory)


def _take_checkpoint(sandbox: Sandbox) -> None:
    try:
        kept = sandbox.checkpoint()
    except CheckpointFailed as error:
        _check_failure(sandbox, error.trap)
    else:
        assert len(kept) <= sandbox._limits.checkpoint_bytes_max
        assert kept == _outbox(sandbox)


def _check_failure(sandbox: Sandbox, trap: Trap) -> None:
    check_trap(trap, TrapKind.EXIT)
    assert sandbox.is_alive is not trap.fatal


def _hand_over(sandbox: Sandbox, frames: list[bytes]) -> None:
    outcome = sandbox.handle(frames)
    assert 0 <= outcome.handled <= outcome.taken <= len(frames)
    assert outcome.fuel_units >= 0
    assert outcome.rest_s >= 0
    if outcome.trap is None:
        assert sandbox.is_alive
        assert outcome.handled == outcome.taken == len(frames)
    else:
        _check_failure(sandbox, outcome.trap)
    _check_frames(outcome.outbox)
    _check_origin(sandbox, outcome)


def _check_frames(frames: list[bytes]) -> None:
    assert all(type(frame) is bytes and frame for frame in frames)
    assert len(frames) <= abi.OUTBOX_FRAMES_MAX * max(_COUNTS)


def _check_origin(sandbox: Sandbox, outcome: Outcome) -> None:
    """Every byte of what the last call sent is where its block says; earlier halves are before it."""
    if outcome.trap is None:
        assert abi.join_frames(outcome.outbox).endswith(_outbox(sandbox))


def _outbox(sandbox: Sandbox) -> bytes:
    assert sandbox._memory is not None
    assert sandbox._block is not None
    view = sandbox._memory.refresh()
    _, start, length = abi.read_progress(view, sandbox._block.address)
    assert start + length <= len(view)
    return bytes(view[start : start + length])


def seeds() -> Iterator[bytes]:
    """Lives: a good one, one that lies, one that moves its memory in a checkpoint, one with two bodies.

    Then one that has handled too much and traps, what reaches over the end of memory (block, inbox,
    checkpoint), and a checkpoint of a byte too many.
    """
    yield bytes([0, 0, 5, 0, 1, 2, 3, 14, 0])
    yield bytes([0, 0, 2, 0, 1, 0]) + bytes(4) + bytes([0, 3, 1, 9, 0, 0, 0, 1, 0, 0, 0, 0])
    yield bytes([0, 0, 3, 14, 0, 0, 0]) + bytes([0, 0, 0, 0, 4, 5, 1, 1, 0, 0, 0])
    yield bytes([0, 0, 4, 2, 13, 1, 14, 0])
    yield bytes([0, 0, 1, 0, 0, 0]) + bytes([0, 0, 0, 0, 0xC3, 1, 255, 127, 5])
    yield bytes([0, 0, 1, 0, 0, 0]) + bytes([0x42, 12, 1, 0, 0, 0, 0x41, 12])
    yield bytes([0, 0, 1, 0, 0, 0]) + bytes([0, 0x41, 2])
    yield bytes([0, 0, 1, 14, 0]) + bytes([0, 0, 0, 0, 0xC3, 2, 0, 4, 0xC3, 3, 255, 255, 0xC1, 0, 0])
    yield bytes([0, 1, 1, 14, 0]) + bytes([0, 0, 0, 0, 0xC3, 2, 0, 4, 0xC3, 3, 1, 0, 0xC1, 0, 0])
