"""What the runtime needs from the rest of the node.

The runtime owns these Protocols; messaging, agents and the daemon implement them. Everything here is called
on a worker thread (or on the thread that starts an agent), never on the event loop unless the caller is there
already, so an implementation must be thread-safe and must not block.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from caxton_node.runtime.traps import Trap
from caxton_node.runtime.violations import Violation


class LogLevel(StrEnum):
    """Severity of a line that an agent wrote; the ABI numbers them 0 to 3 in this order."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogSink(Protocol):
    """Where an agent's log lines go; the rate is already limited when a line arrives here."""

    def __call__(self, level: LogLevel, text: str) -> None:
        """Take one line without a line break, at most a few KB long."""
        ...


class Mail(Protocol):
    """The waiting messages of one agent, oldest first."""

    def take(self, count_max: int, bytes_max: int) -> list[bytes]:
        """Remove and return the oldest frames within both bounds; at least one if any waits."""
        ...

    def put_back(self, frames: Sequence[bytes]) -> None:
        """Return frames to the head of the queue in their old order, even over its depth."""
        ...

    def __len__(self) -> int:
        """Return how many frames wait."""
        ...


class Post(Protocol):
    """The way out of an agent."""

    def accept(self, sender_instance: str, frames: Sequence[bytes]) -> None:
        """Route what one instance sent, in order. Frames are as the guest wrote them: not yet trusted."""
        ...

    def admit(self, instance: str, frame: bytes, *, counts_fuel: bool) -> bool:
        """Tell whether an instance may handle a message that must be alone; if not, it is given up there."""
        ...

    def charge(self, instance: str, frame: bytes, *, fuel_units: int, elapsed_s: float) -> None:
        """Learn what the turn of a message has used that had to be alone; before its outbox is routed."""
        ...


class Watch(Protocol):
    """Whoever restarts agents, and is told of what they wanted beyond their limits."""

    def handle_violation(self, instance: str, violation: Violation) -> None:
        """Learn that an instance has passed a limit; what was done about it is done already."""
        ...

    def handle_trap(
        self, instance: str, trap: Trap, poisoned_frame: bytes | None, waiting: Sequence[bytes]
    ) -> None:
        """Learn that an instance is lost.

        Args:
            instance: The instance that trapped; it is detached and must not be used again.
            trap: What happened.
            poisoned_frame: The message it was handling, to be answered with FAILURE; None outside of a
                message.
            waiting: The frames of the batch behind it, in order, not handled; they go to the next instance.
        """
        ...
