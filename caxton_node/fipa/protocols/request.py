"""FIPA-Request: one agent asks another to do something.

    request -> refuse | agree -> inform (done, or the result) | failure

The AGREE may be left out when the answer comes soon.

Source: FIPA SC00026H section 1.1.
"""

from __future__ import annotations

from enum import StrEnum

from caxton_node.fipa.protocols.protocol import BOTH, Protocol
from caxton_node.fipa.protocols.stage import Side


class RequestState(StrEnum):
    """How far a request has come."""

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
    EXPIRED = "expired"


class RequestEvent(StrEnum):
    """What may be said, or happen, in a request."""

    REQUEST = "request"
    AGREE = "agree"
    REFUSE = "refuse"
    INFORM = "inform"
    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"
    CANCEL = "cancel"
    TIMEOUT = "timeout"


TRANSITIONS: dict[tuple[RequestState, RequestEvent], RequestState] = {
    (RequestState.START, RequestEvent.REQUEST): RequestState.REQUESTED,
    (RequestState.REQUESTED, RequestEvent.REFUSE): RequestState.REFUSED,
    (RequestState.REQUESTED, RequestEvent.AGREE): RequestState.AGREED,
    (RequestState.REQUESTED, RequestEvent.INFORM): RequestState.DONE,  # the agree may be left out
    (RequestState.REQUESTED, RequestEvent.FAILURE): RequestState.FAILED,
    (RequestState.REQUESTED, RequestEvent.TIMEOUT): RequestState.EXPIRED,
    (RequestState.AGREED, RequestEvent.INFORM): RequestState.DONE,
    (RequestState.AGREED, RequestEvent.FAILURE): RequestState.FAILED,
    (RequestState.AGREED, RequestEvent.TIMEOUT): RequestState.EXPIRED,
    (RequestState.CANCELLING, RequestEvent.TIMEOUT): RequestState.EXPIRED,
}

REQUEST: Protocol[RequestState, RequestEvent] = Protocol(
    name="fipa-request",
    title="FIPA Request",
    source="FIPA SC00026H",
    start=RequestState.START,
    diagram=TRANSITIONS,
    said_by={
        RequestEvent.REQUEST: Side.INITIATOR,
        RequestEvent.CANCEL: Side.INITIATOR,
        RequestEvent.AGREE: Side.PARTICIPANT,
        RequestEvent.REFUSE: Side.PARTICIPANT,
        RequestEvent.INFORM: Side.PARTICIPANT,
        RequestEvent.FAILURE: Side.PARTICIPANT,
        RequestEvent.NOT_UNDERSTOOD: BOTH,
    },
)
