"""FIPA-Request-When: one agent asks another to do something as soon as a condition holds.

    request-when -> refuse | agree, and when the condition holds -> inform (done, or the result) | failure

The AGREE must not be left out: only by it does the initiator know that somebody is watching the condition.
REQUEST-WHENEVER is an act without a protocol of FIPA's; this one is for REQUEST-WHEN alone.

Source: FIPA SC00028H section 1.1.
"""

from __future__ import annotations

from enum import StrEnum

from caxton_node.fipa.protocols.protocol import BOTH, Protocol
from caxton_node.fipa.protocols.stage import Side


class RequestWhenState(StrEnum):
    """How far a request with a condition has come."""

    START = "start"
    REQUESTED = "requested"
    AGREED = "agreed"
    CANCELLING = "cancelling"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_UNDERSTOOD = "not-understood"
    CANCELLED = "cancelled"
    NOT_CANCELLED = "not-cancelled"


class RequestWhenEvent(StrEnum):
    """What may be said in a request with a condition."""

    REQUEST_WHEN = "request-when"
    AGREE = "agree"
    REFUSE = "refuse"
    INFORM = "inform"
    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"
    CANCEL = "cancel"


TRANSITIONS: dict[tuple[RequestWhenState, RequestWhenEvent], RequestWhenState] = {
    (RequestWhenState.START, RequestWhenEvent.REQUEST_WHEN): RequestWhenState.REQUESTED,
    (RequestWhenState.REQUESTED, RequestWhenEvent.REFUSE): RequestWhenState.REFUSED,
    (RequestWhenState.REQUESTED, RequestWhenEvent.AGREE): RequestWhenState.AGREED,
    (RequestWhenState.AGREED, RequestWhenEvent.INFORM): RequestWhenState.DONE,
    (RequestWhenState.AGREED, RequestWhenEvent.FAILURE): RequestWhenState.FAILED,
}

REQUEST_WHEN: Protocol[RequestWhenState, RequestWhenEvent] = Protocol(
    name="fipa-request-when",
    title="FIPA Request When",
    source="FIPA SC00028H",
    start=RequestWhenState.START,
    diagram=TRANSITIONS,
    said_by={
        RequestWhenEvent.REQUEST_WHEN: Side.INITIATOR,
        RequestWhenEvent.CANCEL: Side.INITIATOR,
        RequestWhenEvent.AGREE: Side.PARTICIPANT,
        RequestWhenEvent.REFUSE: Side.PARTICIPANT,
        RequestWhenEvent.INFORM: Side.PARTICIPANT,
        RequestWhenEvent.FAILURE: Side.PARTICIPANT,
        RequestWhenEvent.NOT_UNDERSTOOD: BOTH,
    },
)
