"""FIPA-Recruiting: a recruiter finds agents and passes a message on to them; they answer by themselves.

    proxy -> refuse | agree -> failure (no match, or not passed on) | inform (passed on)

Seen between the initiator and the recruiter, whose part ends when the message is passed on: replies go from
the agents that it found to the receiver that the initiator has named, in talks of the sub-protocol.

Source: FIPA SC00034H section 1.1.
"""

from __future__ import annotations

from enum import StrEnum

from caxton_node.fipa.protocols.protocol import BOTH, Protocol
from caxton_node.fipa.protocols.stage import Side


class RecruitingState(StrEnum):
    """How far a recruiting has come."""

    START = "start"
    ASKED = "asked"
    AGREED = "agreed"
    CANCELLING = "cancelling"
    FORWARDED = "forwarded"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_UNDERSTOOD = "not-understood"
    CANCELLED = "cancelled"
    NOT_CANCELLED = "not-cancelled"


class RecruitingEvent(StrEnum):
    """What may be said between the initiator and the recruiter."""

    PROXY = "proxy"
    AGREE = "agree"
    REFUSE = "refuse"
    INFORM = "inform"
    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"
    CANCEL = "cancel"


TRANSITIONS: dict[tuple[RecruitingState, RecruitingEvent], RecruitingState] = {
    (RecruitingState.START, RecruitingEvent.PROXY): RecruitingState.ASKED,
    (RecruitingState.ASKED, RecruitingEvent.REFUSE): RecruitingState.REFUSED,
    (RecruitingState.ASKED, RecruitingEvent.AGREE): RecruitingState.AGREED,
    (RecruitingState.AGREED, RecruitingEvent.FAILURE): RecruitingState.FAILED,
    (RecruitingState.AGREED, RecruitingEvent.INFORM): RecruitingState.FORWARDED,
}

RECRUITING: Protocol[RecruitingState, RecruitingEvent] = Protocol(
    name="fipa-recruiting",
    title="FIPA Recruiting",
    source="FIPA SC00034H",
    start=RecruitingState.START,
    diagram=TRANSITIONS,
    said_by={
        RecruitingEvent.PROXY: Side.INITIATOR,
        RecruitingEvent.CANCEL: Side.INITIATOR,
        RecruitingEvent.AGREE: Side.PARTICIPANT,
        RecruitingEvent.REFUSE: Side.PARTICIPANT,
        RecruitingEvent.INFORM: Side.PARTICIPANT,
        RecruitingEvent.FAILURE: Side.PARTICIPANT,
        RecruitingEvent.NOT_UNDERSTOOD: BOTH,
    },
)
