"""Timers are values: each carries the facts by which a stale one is recognised and ignored.

Nothing is ever cancelled. A shell keeps them in one heap and hands each back when it is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The moments inside a probe."""

    RETRY = "retry"
    INDIRECT = "indirect"


@dataclass(frozen=True, slots=True)
class ProbePeriod:
    """Judge the last probe and begin the next; stale unless it is the newest period."""

    number: int


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """Go one step further with a probe; stale if that probe is over or was answered."""

    sequence: int
    step: Step


@dataclass(frozen=True, slots=True)
class RelayStep:
    """Go one step further with a probe made for somebody else; stale if it was answered."""

    sequence: int
    step: Step


@dataclass(frozen=True, slots=True)
class SuspicionExpiry:
    """Declare a suspect dead; stale if this suspicion is over, early if its end was moved."""

    key: bytes
    suspicion: int


@dataclass(frozen=True, slots=True)
class LastChance:
    """Ping a suspect once more before its time is over; stale if this suspicion is over."""

    key: bytes
    suspicion: int
    tries_left: int


@dataclass(frozen=True, slots=True)
class ContentRetry:
    """Ask for a content again; stale if it has come or was asked for since."""

    reference: bytes
    attempt: int


@dataclass(frozen=True, slots=True)
class GossipRound:
    """Tell some members what is queued; stale unless it is the newest round."""

    number: int


@dataclass(frozen=True, slots=True)
class JoinRetry:
    """Ask the seeds again, or for the next page; stale if an answer moved the join on."""

    attempt: int


@dataclass(frozen=True, slots=True)
class KnockRound:
    """Try somebody who is held dead and forget who has been dead for long."""


@dataclass(frozen=True, slots=True)
class LeaveEnd:
    """Stop answering; the goodbye has been said."""


Timer = (
    ProbePeriod
    | ProbeStep
    | RelayStep
    | SuspicionExpiry
    | LastChance
    | ContentRetry
    | GossipRound
    | JoinRetry
    | KnockRound
    | LeaveEnd
)
