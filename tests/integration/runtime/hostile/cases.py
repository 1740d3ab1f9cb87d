"""What a hostile module is and how it may end. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from caxton_node.runtime import Limits
from caxton_node.runtime.profile import Cpu

CALM = Limits(fuel_per_message=200_000, wall_time_s=60.0, batch_max=1, host_calls_per_s=1_000_000)
"""Little fuel and more time than any machine needs: what spins ends by fuel, wherever it runs."""

CLOCKED = Limits(fuel_per_message=2**44, wall_time_s=0.01, batch_max=1)
"""More fuel than a machine burns in a day and hardly any time: what spins ends by the clock."""

CALLING = Limits(fuel_per_message=2**44, wall_time_s=60.0, batch_max=1, host_calls_per_s=100)
"""More fuel and time than anybody needs, and few calls of the host."""


class How(StrEnum):
    """Where a hostile module meets its end."""

    REFUSED = "refused"
    """Deploying it is an error with this code; no instruction of it ran."""
    NOT_STARTED = "not started"
    """Deploying it is AGENT_START_FAILED with a trap of this kind."""
    TRAPPED = "trapped"
    """It is stopped in its message with a trap of this kind; whoever asked gets FAILURE."""
    TOLD = "told"
    """It goes on, and the platform tells it what became of the thing that it sent."""
    OVERRULED = "overruled"
    """It goes on, and what it claimed about itself is not what others read."""
    NOT_KEPT = "not kept"
    """Its checkpoint is CHECKPOINT_FAILED with a trap of this kind; the instance or its heir goes on."""
    NOT_TAKEN = "not taken"
    """Its successor is AGENT_START_FAILED with a trap of this kind; the one that was there goes on."""
    CUT = "cut"
    """It goes on, and what it wrote is shortened and made harmless."""


class End(NamedTuple):
    """One way to end.

    Attributes:
        how: Where.
        error: The name: an error code, a kind of trap, a reason of FAILURE or NOT_UNDERSTOOD.
        words: Part of the sentence that goes with it.
    """

    how: How
    error: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Hostile:
    """A hostile module.

    Attributes:
        name: Of the case, and of the agent.
        tries: What it is after, in a few words.
        make: Writes the module; only when its turn comes, since some are large.
        ends: How it must end.
        limits: Under which it is deployed.
        features: What its operator allows it beyond MVP.
        cpu: How its operator bounds its time.
        updates: Whether it is asked for its state by an update, instead of being sent a message.
    """

    name: str
    tries: str
    make: Callable[[], str | bytes]
    ends: End
    limits: Limits = CALM
    features: tuple[str, ...] = ()
    cpu: Cpu = Cpu.BOTH
    updates: bool = False


def refused(words: str, code: str = "INVALID_WASM") -> End:
    """Return the end of a module that is not taken."""
    return End(How.REFUSED, code, words)


def not_started(kind: str, words: str = "") -> End:
    """Return the end of a module that is taken and fails while it starts."""
    return End(How.NOT_STARTED, kind, words)


def trapped(kind: str, words: str = "") -> End:
    """Return the end of an agent that is stopped in a message."""
    return End(How.TRAPPED, kind, words)


def told(reason: str, words: str = "") -> End:
    """Return the end of an agent that learns that it sent something impossible."""
    return End(How.TOLD, reason, words)
