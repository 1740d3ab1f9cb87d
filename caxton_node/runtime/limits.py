"""What one agent may use."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.core.errors import InvalidArgument

PAGE_BYTES = 65_536
BATCH_CAP = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one agent. Fuel and wall time are per message and are given anew to every batch.

    A batch of n messages gets n times the fuel and n times the wall time, so an agent whose every message
    stays within its limit is never stopped for the company that a message kept. `batch_max=1` accounts for
    each message exactly.

    Attributes:
        memory_bytes: Linear memory, in bytes; `memory.grow` beyond it fails inside the guest.
        fuel_per_message: Units of fuel, about one per WebAssembly instruction.
        wall_time_s: Seconds that a message may take, counted in engine ticks (10 ms).
        message_bytes_max: Largest content of a message, in bytes.
        mailbox_depth: Messages that may wait.
        batch_max: Messages handed over in one guest call, 1 to 256.
    """

    memory_bytes: int = 10 * 1024 * 1024
    fuel_per_message: int = 10_000_000
    wall_time_s: float = 5.0
    message_bytes_max: int = 1024 * 1024
    mailbox_depth: int = 10_000
    batch_max: int = BATCH_CAP

    def __post_init__(self) -> None:
        """Refuse limits under which no agent could run.

        Raises:
            InvalidArgument: A limit is below its smallest useful value or above its cap.
        """
        _check("memory_bytes", self.memory_bytes, PAGE_BYTES, 4 * 1024**3)
        _check("fuel_per_message", self.fuel_per_message, 1_000, 2**50)
        _check("wall_time_s", self.wall_time_s, 0.01, 3_600)
        _check("message_bytes_max", self.message_bytes_max, 1, 10 * 1024 * 1024)
        _check("mailbox_depth", self.mailbox_depth, 1, 10_000_000)
        _check("batch_max", self.batch_max, 1, BATCH_CAP)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InvalidArgument(
            f"limit {name} = {value} is out of range", why=f"it must be from {low:,} to {high:,}"
        )
