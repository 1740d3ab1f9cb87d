"""What one agent may use."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.core.errors import InvalidArgument

PAGE_BYTES = 65_536
BATCH_CAP = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one agent. Fuel and wall time are per message.

    Fuel is given to a batch: one of n messages gets n times as much, so an agent whose every message stays
    within its limit is never stopped for the company that a message kept; `batch_max=1` accounts for each
    message exactly. Time is judged for each message (`stopwatch.py`), and n times the wall time is the most
    that a batch may take.

    The rates are kept by making the agent wait. Only a single message that makes more host calls than a whole
    second allows ends in a trap; log lines above their rate are dropped and counted.

    Attributes:
        memory_bytes: Linear memory, in bytes; `memory.grow` beyond it fails inside the guest.
        fuel_per_message: Units of fuel, about one per WebAssembly instruction.
        wall_time_s: Seconds that a message may take, counted in engine ticks (10 ms).
        message_bytes_max: Largest content of a message, in bytes.
        mailbox_depth: Messages that may wait.
        batch_max: Messages handed over in one guest call, 1 to 256.
        host_calls_per_s: Calls of the node's functions (log, time, random, WASI), per second.
        log_lines_per_s: Lines that its log takes, per second.
        messages_per_s: Messages that it may send, per second; 0 leaves that to the mailboxes of others.
        table_elements: Elements of a table; a module that starts with more does not start.
        checkpoint_bytes_max: Largest state that it may leave for its successor, in bytes.
    """

    memory_bytes: int = 10 * 1024 * 1024
    fuel_per_message: int = 10_000_000
    wall_time_s: float = 5.0
    message_bytes_max: int = 1024 * 1024
    mailbox_depth: int = 10_000
    batch_max: int = BATCH_CAP
    host_calls_per_s: int = 20_000
    log_lines_per_s: int = 100
    messages_per_s: int = 0
    table_elements: int = 100_000
    checkpoint_bytes_max: int = 16 * 1024 * 1024

    def __post_init__(self) -> None:
        """Refuse limits under which no agent could run.

        Raises:
            InvalidArgument: A limit is below its smallest useful value or above its cap.
        """
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InvalidArgument(
                    f"limit {name} = {value} is out of range", why=f"it must be from {low:,} to {high:,}"
                )


RANGES: dict[str, tuple[float, float]] = {
    "memory_bytes": (PAGE_BYTES, 4 * 1024**3),
    "fuel_per_message": (1_000, 2**50),
    "wall_time_s": (0.01, 3_600),
    "message_bytes_max": (1, 10 * 1024 * 1024),
    "mailbox_depth": (1, 10_000_000),
    "batch_max": (1, BATCH_CAP),
    "host_calls_per_s": (1, 10_000_000),
    "log_lines_per_s": (0, 100_000),
    "messages_per_s": (0, 100_000_000),
    "table_elements": (0, 10_000_000),
    "checkpoint_bytes_max": (0, 1024**3),
}
"""The smallest useful value and the cap of each limit."""
