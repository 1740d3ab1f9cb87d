"""What can become of one copy of a message, and when that is wrong. Pure."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from caxton_node.fipa import FailureReason

LATE = frozenset({FailureReason.TIMEOUT, FailureReason.NODE_DIED, FailureReason.AGENT_STOPPED})
"""What a sender may be told of a message that was handled all the same: no answer will come."""
MISUNDERSTOOD = "not-understood"
TWICE = frozenset({FailureReason.NODE_DIED})
"""What may be told twice: of the request that nobody answers, and of the message that comes back unsent."""
UNHEARD = "is a dead letter, and its sender heard nothing"


@dataclass(frozen=True, slots=True)
class Handled:
    """A message that somebody has handled.

    Attributes:
        at: When, counted in things that were written down.
        number: Of the message.
        receiver: As it was addressed.
        agent: Who it was, `name@node`.
        instance: Which instance of it, "" for a client.
        seen: How many its sandbox says it has handled, 0 for a client.
    """

    at: int
    number: int
    receiver: str
    agent: str
    instance: str = ""
    seen: int = 0


@dataclass(slots=True)
class Fate:
    """What became of one copy of a message."""

    handled: list[Handled] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    told_in_vain: Counter[str] = field(default_factory=Counter)
    dead: int = 0

    @property
    def is_late(self) -> bool:
        """Return whether its sender was told that no answer will come, or would have been."""
        return any(self.told[reason] or self.told_in_vain[reason] for reason in LATE)

    def find_fault(self) -> str | None:
        """Return what is wrong with it: None for nothing, "" if it is nowhere."""
        told, times = self.told, len(self.handled)
        refused = told[MISUNDERSTOOD]
        given_up = told.total() - refused - sum(told[reason] for reason in LATE)
        if times > 1:
            return f"was handled {times} times, by {[event.instance for event in self.handled]}"
        if times and (self.dead or given_up or refused):
            return f"was handled, and is a dead letter {self.dead} times; its sender was told {dict(told)}"
        if self.dead > 1 or given_up > 1 or any(told[one] > 1 for one in told.keys() - TWICE):
            return f"is a dead letter {self.dead} times; its sender was told {dict(told)}"
        if self.dead and not (told.total() or self.told_in_vain.total()):
            return UNHEARD
        done = times or self.dead or given_up or refused or self.told_in_vain[MISUNDERSTOOD]
        return None if done else ""


def reason_in(content: bytes) -> str:
    """Return the reason of a FAILURE of the platform in one word; all of NOT_UNDERSTOOD are one."""
    said = json.loads(content)
    return MISUNDERSTOOD if "position" in said else str(said["reason"])
