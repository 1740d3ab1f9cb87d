"""Module `caxton`: the three things that an agent cannot do by a message."""

from __future__ import annotations

from caxton_node.runtime.host.calls import U32, Call, RefusedCall
from caxton_node.runtime.ports import LogLevel

RANDOM_BYTES_MAX = 65_536
LOG_BYTES_MAX = 65_536
_LEVELS = tuple(LogLevel)


def log(call: Call) -> int:
    """`log(level, ptr, len)`: write a line; 0 debug, 1 info, 2 warning, 3 and above error."""
    level, address, length = (argument & U32 for argument in call.arguments)
    if length > LOG_BYTES_MAX:
        raise RefusedCall(f"log of {length:,} bytes; at most {LOG_BYTES_MAX:,} are taken at once")
    call.state.log.write(_LEVELS[min(level, 3)], call.read(address, length))
    return 0


def now_ns(call: Call) -> int:
    """`now_ns() -> i64`: nanoseconds since 1970."""
    return call.state.clock.unix_us() * 1_000


def random(call: Call) -> int:
    """`random(ptr, len)`: fill memory from the system's random source."""
    address, length = (argument & U32 for argument in call.arguments)
    if length > RANDOM_BYTES_MAX:
        raise RefusedCall(f"random of {length:,} bytes; at most {RANDOM_BYTES_MAX:,} are given at once")
    call.write(address, call.state.entropy(length))
    return 0
