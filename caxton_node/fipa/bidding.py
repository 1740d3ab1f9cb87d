"""What goes into a Contract Net and what comes out of it: bounds, decisions, effects, events.

Source: FIPA SC00029H (contract net), SC00030H (iterated contract net).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from caxton_node.fipa.message import Envelope
from caxton_node.fipa.protocols import BidState


class Phase(StrEnum):
    """What the initiator is waiting for."""

    CALLING = "calling"
    WORKING = "working"
    FINISHED = "finished"


class Ending(StrEnum):
    """How the negotiation ended."""

    DONE = "done"
    PARTLY_DONE = "partly-done"
    FAILED = "failed"
    NO_PROPOSALS = "no-proposals"
    NOT_AWARDED = "not-awarded"
    CANCELLED = "cancelled"


class Standing(StrEnum):
    """What the initiator made of something that a contractor said, or did not say."""

    PROPOSED = "proposed"
    REFUSED = "refused"
    NOT_UNDERSTOOD = "not-understood"
    FAILED = "failed"
    DELIVERED = "delivered"
    SILENT = "silent"  # no answer to the call in time
    OVERDUE = "overdue"  # no result in time
    LATE = "late"  # a proposal after its call was over
    DUPLICATE = "duplicate"  # a further proposal to the same call
    CANCELLED = "cancelled"  # an answer to CANCEL
    OUT_OF_TURN = "out-of-turn"


@dataclass(frozen=True, slots=True)
class Settings:
    """Bounds of one negotiation.

    Attributes:
        proposals_within_s: How long each round waits for proposals, seconds.
        results_within_s: How long an awarded contractor may work, seconds.
        rounds_max: At least 1; a further round after it becomes an award to nobody.
        protocol: Name in the envelopes; empty: by `rounds_max`, since only the iterated one has rounds.
    """

    proposals_within_s: float = 5.0
    results_within_s: float = 30.0
    rounds_max: int = 3
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One contractor's offer in the present round."""

    contractor: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Award:
    """Decision: these contractors get the work; nobody at all gives up.

    Attributes:
        contractors: Who gets it, best first.
        reserves: Whose proposals are kept open, to be accepted in this order when one of the former fails;
            all others are rejected.
        reasons: What a rejected contractor is told, by contractor.
    """

    contractors: tuple[str, ...]
    reserves: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revise:
    """Decision: call those who proposed once more, with a revised task."""

    task: bytes


Decision = Award | Revise
Choose = Callable[[Sequence[Proposal], int], Decision]
"""Gets the proposals in the order of arrival and the number of the round, from 1."""


@dataclass(frozen=True, slots=True)
class Called:
    """Event: a round has begun.

    Attributes:
        round: Its number, from 1.
        contractors: Who was called.
    """

    round: int
    contractors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """Event: a contractor has said something, or nothing in time.

    Attributes:
        contractor: Who.
        standing: What it means.
        content: What was said with it.
    """

    contractor: str
    standing: Standing
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Awarded:
    """Event: proposals were accepted.

    Attributes:
        contractors: Whose, best first.
        reserves: Whose are kept open behind them.
    """

    contractors: tuple[str, ...]
    reserves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """Event: it is over.

    Attributes:
        ending: How.
        results: What each awarded contractor informed, in the order of arrival.
        states: Where every contractor ended.
        rounds: How many calls were made.
    """

    ending: Ending
    results: dict[str, bytes | None]
    states: dict[str, BidState]
    rounds: int


Event = Called | Heard | Awarded | Finished


@dataclass(frozen=True, slots=True)
class Send:
    """Effect: give this message to the router."""

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Timer:
    """A deadline's identity; one of an earlier round or of settled work is recognised and ignored.

    Attributes:
        phase: Of calling or of working.
        number: Of the round, or of the award.
    """

    phase: Phase
    number: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Effect: hand the timer back after so many seconds."""

    timer: Timer
    after_s: float


@dataclass(frozen=True, slots=True)
class Notify:
    """Effect: tell whoever started the negotiation."""

    event: Event


Effect = Send | Schedule | Notify
