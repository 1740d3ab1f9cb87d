"""What the host writes into every message: its id, the time, and its place in a trace.

    message id   unix microseconds (8) | node and boot (4) | counter (4), big-endian: ids sort by time
    trace        trace id (16) | span id (8) | flags (1)

The span id is the lower half of the message id, and a message that continues no trace starts one under its
own id: so a trace costs no random number and no second counter, and a trace id leads back to the message
that began it.
"""

from __future__ import annotations

from threading import Lock

from caxton_node.core.clock import Clock
from caxton_node.core.ids import stable_hash

_COUNTER_END = 1 << 32


class Stamps:
    """Gives out blocks of message numbers; one block per batch, so the lock is not paid per message.

    Args:
        node_id: Part of every id, together with the moment of construction.
        clock: Wall-clock time.
    """

    __slots__ = ("_clock", "_counter", "_latest_us", "_lock", "_salt")

    def __init__(self, node_id: str, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._latest_us = 0
        self._counter = 0
        self._salt = (stable_hash(f"{node_id}/{clock.unix_us()}") & 0xFFFF_FFFF) << 32

    def take(self, count: int) -> tuple[int, int]:
        """Reserve numbers for a batch.

        Args:
            count: How many, at most 2**32 - 1.

        Returns:
            The unix time in microseconds, never running backwards, and the first number; number n of the
            batch is the first plus n, and its id is `to_message_id` of that.
        """
        now_us = self._clock.unix_us()
        with self._lock:
            now_us = max(now_us, self._latest_us)
            self._latest_us = now_us
            first = self._counter
            if first + count > _COUNTER_END:
                first = 0
            self._counter = first + count
        return now_us, now_us << 64 | self._salt | first


def to_message_id(number: int) -> bytes:
    """Return the sixteen bytes of a message number."""
    return number.to_bytes(16, "big")


def new_trace(message_id: bytes, flags: int = 0, trace_id: bytes | None = None) -> bytes:
    """Return the trace of a message that continues none: in the trace of its conversation, or in its own."""
    return (trace_id or message_id) + message_id[8:] + bytes((flags,))


def continue_trace(trace: bytes | None, message_id: bytes) -> bytes:
    """Return the trace of a message: the given one with a new span, or a new, unsampled one."""
    if trace is None:
        return new_trace(message_id)
    return trace[:16] + message_id[8:] + trace[24:]
