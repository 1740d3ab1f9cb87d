"""The life of one task.

    Submitted -> Calling (as often as there are rounds) -> Working -> Completed, Partial, Failed or Cancelled

The decision is no state: it takes no time. A task that a node had not finished when it died is Failed at the
node's next start, with the outcome `initiator-died`.

Source: story 011; the states follow `fipa/contract_net.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from caxton_node.core.machine import allowed
from caxton_node.fipa.bidding import Ending


class State(StrEnum):
    """Where a task is in its life."""

    SUBMITTED = "Submitted"
    CALLING = "Calling"
    WORKING = "Working"
    COMPLETED = "Completed"
    PARTIAL = "Partial"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class Event(StrEnum):
    """What can happen to a task."""

    CALL = "call"
    AWARD = "award"
    DELIVER = "deliver"
    DELIVER_PART = "deliver-part"
    FAIL = "fail"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """How a task ended: the endings of a Contract Net, and what happens outside of one."""

    DONE = "done"
    PARTLY_DONE = "partly-done"
    FAILED = "failed"
    NO_PROPOSALS = "no-proposals"
    NOT_AWARDED = "not-awarded"
    CANCELLED = "cancelled"
    NO_CONTRACTORS = "no-contractors"
    INITIATOR_DIED = "initiator-died"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.SUBMITTED, Event.CALL): State.CALLING,
    (State.SUBMITTED, Event.FAIL): State.FAILED,
    (State.SUBMITTED, Event.CANCEL): State.CANCELLED,
    (State.CALLING, Event.CALL): State.CALLING,  # a further round
    (State.CALLING, Event.AWARD): State.WORKING,
    (State.CALLING, Event.FAIL): State.FAILED,
    (State.CALLING, Event.CANCEL): State.CANCELLED,
    (State.WORKING, Event.AWARD): State.WORKING,  # the next best, in place of one that failed
    (State.WORKING, Event.DELIVER): State.COMPLETED,
    (State.WORKING, Event.DELIVER_PART): State.PARTIAL,
    (State.WORKING, Event.FAIL): State.FAILED,
    (State.WORKING, Event.CANCEL): State.CANCELLED,
}

ENDS: Mapping[Outcome, Event] = {
    Outcome.DONE: Event.DELIVER,
    Outcome.PARTLY_DONE: Event.DELIVER_PART,
    Outcome.FAILED: Event.FAIL,
    Outcome.NO_PROPOSALS: Event.FAIL,
    Outcome.NOT_AWARDED: Event.FAIL,
    Outcome.CANCELLED: Event.CANCEL,
    Outcome.NO_CONTRACTORS: Event.FAIL,
    Outcome.INITIATOR_DIED: Event.FAIL,
}
"""What each outcome is for the life of a task."""

FINAL = frozenset(state for state in State if not allowed(TRANSITIONS, state))


def outcome_of(ending: Ending, delivered: int, wanted: int) -> Outcome:
    """Return how the task ended whose Contract Net ended so.

    Args:
        ending: Of the Contract Net.
        delivered: How many contractors delivered.
        wanted: How many were asked for; the net may have found fewer, which it does not know of.
    """
    outcome = Outcome(ending)
    return Outcome.PARTLY_DONE if outcome is Outcome.DONE and delivered < wanted else outcome
