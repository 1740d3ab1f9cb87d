"""WASI preview 1, as little of it as language runtimes need to start.

Clocks, random bytes, stdout and stderr (to the agent's log) work. There are no arguments, no environment, no
files: descriptors above 2 do not exist, and a module that imports `path_open` or a socket call is refused
before it runs.
Source: WASI snapshot preview 1, numbers of errno included.
"""

from __future__ import annotations

from struct import Struct

from caxton_node.runtime.host.calls import U32, Call, RefusedCall
from caxton_node.runtime.host.caxton import RANDOM_BYTES_MAX
from caxton_node.runtime.ports import LogLevel

SUCCESS, EBADF, EINVAL, ENOSYS = 0, 8, 28, 52
EXIT_TEXT = "the agent called proc_exit"
WRITE_BYTES_MAX = 65_536
VECTORS_MAX = 1_024
_U32, _U64, _PAIR = Struct("<I"), Struct("<Q"), Struct("<II")
_STREAMS = {1: LogLevel.INFO, 2: LogLevel.ERROR}
_CHARACTER_DEVICE, _RIGHT_FD_WRITE = 2, 1 << 6
_FDSTAT = Struct("<BxHxxxxQQ")


def sizes_get(call: Call) -> int:
    """`args_sizes_get`, `environ_sizes_get`: there are none."""
    for address in call.arguments:
        call.write(address, _U32.pack(0))
    return SUCCESS


def succeed(_call: Call) -> int:
    """Do nothing, well: nothing to list, nothing to yield to."""
    return SUCCESS


def no_such_descriptor(_call: Call) -> int:
    """Every descriptor-wise call on what does not exist here."""
    return EBADF


def not_supported(_call: Call) -> int:
    """`poll_oneoff` would block a worker thread; an agent that waits sends itself a message through `ams`."""
    return ENOSYS


def clock_time_get(call: Call) -> int:
    """`clock_time_get(id, precision, out)`: 0 is wall-clock time, 1 monotonic."""
    kind, _precision, out = call.arguments
    clock = call.state.clock
    if kind & U32 > 1:
        return EINVAL
    now_ns = int(clock.now() * 1e9) if kind & U32 else clock.unix_us() * 1_000
    call.write(out, _U64.pack(now_ns))
    return SUCCESS


def clock_res_get(call: Call) -> int:
    """`clock_res_get(id, out)`: a microsecond."""
    call.write(call.arguments[1], _U64.pack(1_000))
    return SUCCESS


def random_get(call: Call) -> int:
    """`random_get(ptr, len)`."""
    address, length = call.arguments
    if length & U32 > RANDOM_BYTES_MAX:
        return EINVAL
    call.write(address, call.state.entropy(length & U32))
    return SUCCESS


def fd_write(call: Call) -> int:
    """`fd_write(fd, vectors, count, written)` to stdout or stderr: lines of the agent's log."""
    descriptor, vectors, count, written = (argument & U32 for argument in call.arguments)
    level = _STREAMS.get(descriptor)
    if level is None:
        return EBADF
    if count > VECTORS_MAX:
        return EINVAL
    data = _gather(call, vectors, count)
    call.state.log.stream(level, data)
    call.write(written, _U32.pack(len(data)))
    return SUCCESS


def fd_read(call: Call) -> int:
    """`fd_read(fd, vectors, count, read)`: stdin is at its end."""
    descriptor, _vectors, _count, read = (argument & U32 for argument in call.arguments)
    if descriptor:
        return EBADF
    call.write(read, _U32.pack(0))
    return SUCCESS


def fd_fdstat_get(call: Call) -> int:
    """`fd_fdstat_get(fd, out)`: the three standard streams are character devices."""
    descriptor, out = (argument & U32 for argument in call.arguments)
    if descriptor > 2:
        return EBADF
    call.write(out, _FDSTAT.pack(_CHARACTER_DEVICE, 0, _RIGHT_FD_WRITE, 0))
    return SUCCESS


def proc_exit(call: Call) -> int:
    """`proc_exit(code)`: an agent has no end of its own; this stops it as a trap does."""
    raise RefusedCall(f"{EXIT_TEXT}({call.arguments[0] & U32})")


def _gather(call: Call, vectors: int, count: int) -> bytes:
    data = bytearray()
    for address, length in _PAIR.iter_unpack(call.read(vectors, count * _PAIR.size)):
        if len(data) + length > WRITE_BYTES_MAX:
            # A short write is legal: the caller comes again with the rest.
            data += call.read(address, WRITE_BYTES_MAX - len(data))
            break
        data += call.read(address, length)
    return bytes(data)
