"""What it means for an agent that another one has its name now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loss:
    """A name that an agent of this node has lost.

    Attributes:
        reason: In a sentence, for its history.
        stops: Whether it is to stop.
        holds: Tells whether it is still so.
        tell: Sends the agent the news.
    """

    reason: str
    stops: bool
    holds: Callable[[], bool]
    tell: Callable[[], None]


@dataclass(frozen=True, slots=True)
class NameLost:
    """Published when an agent of this node has been told that it has lost its name.

    Attributes:
        agent: `tenant/name`.
        winner: Node that had claimed the name for another agent.
        action: `stopped` or `kept`.
        at_unix_ms: When it was done.
    """

    agent: str
    winner: str
    action: str
    at_unix_ms: int
