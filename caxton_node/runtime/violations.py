"""What an agent wanted beyond its limits, as facts for the log, the metrics and whoever listens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from caxton_node.runtime.traps import TrapKind


class Bound(StrEnum):
    """Which limit; label of `caxton_limit_violations_total`."""

    MEMORY = "memory"
    FUEL = "fuel"
    TIME = "time"
    MESSAGE_BYTES = "message_bytes"
    MAILBOX = "mailbox"
    HOST_CALLS = "host_calls"
    LOG_LINES = "log_lines"
    MESSAGES = "messages"
    CHECKPOINT = "checkpoint"


class Action(StrEnum):
    """What was done about it, from mild to hard."""

    DROPPED = "dropped"
    THROTTLED = "throttled"
    REFUSED = "refused"
    TRAPPED = "trapped"


@dataclass(frozen=True, slots=True)
class Violation:
    """One limit that was passed.

    Attributes:
        bound: Which.
        used: How much the agent used or wanted, in the unit of the limit.
        limit: How much it may.
        action: What was done about it.
    """

    bound: Bound
    used: float
    limit: float
    action: Action

    def __str__(self) -> str:
        """Write it as one phrase for people."""
        return f"{self.bound} {self.used:,.10g} of {self.limit:,.10g}, {self.action}"


OF_TRAP = {
    TrapKind.FUEL: Bound.FUEL,
    TrapKind.TIME: Bound.TIME,
    TrapKind.MEMORY: Bound.MEMORY,
    TrapKind.HOST_CALLS: Bound.HOST_CALLS,
}
"""The traps that are a limit's doing.

Not `checkpoint`, which is also how a guest refuses to leave or to take one; and not `table`, which is also a
call through an empty entry.
"""
