"""FIPA-Query: one agent asks another whether something holds (QUERY-IF) or what it is (QUERY-REF).

    query-if | query-ref -> refuse | agree -> inform (true, false, or what was asked for) | failure

The AGREE may be left out when the answer comes soon. The answer is INFORM in both cases: INFORM-IF and
INFORM-REF are actions that a REQUEST may ask for, not answers.

Source: FIPA SC00027H section 1.1.
"""

from __future__ import annotations

from enum import StrEnum

from caxton_node.fipa.protocols.protocol import BOTH, Protocol
from caxton_node.fipa.protocols.stage import Side


class QueryState(StrEnum):
    """How far a query has come."""

    START = "start"
    ASKED = "asked"
    AGREED = "agreed"
    CANCELLING = "cancelling"
    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_UNDERSTOOD = "not-understood"
    CANCELLED = "cancelled"
    NOT_CANCELLED = "not-cancelled"


class QueryEvent(StrEnum):
    """What may be said in a query."""

    QUERY_IF = "query-if"
    QUERY_REF = "query-ref"
    AGREE = "agree"
    REFUSE = "refuse"
    INFORM = "inform"
    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"
    CANCEL = "cancel"


TRANSITIONS: dict[tuple[QueryState, QueryEvent], QueryState] = {
    (QueryState.START, QueryEvent.QUERY_IF): QueryState.ASKED,
    (QueryState.START, QueryEvent.QUERY_REF): QueryState.ASKED,
    (QueryState.ASKED, QueryEvent.REFUSE): QueryState.REFUSED,
    (QueryState.ASKED, QueryEvent.AGREE): QueryState.AGREED,
    (QueryState.ASKED, QueryEvent.INFORM): QueryState.ANSWERED,  # the agree may be left out
    (QueryState.ASKED, QueryEvent.FAILURE): QueryState.FAILED,
    (QueryState.AGREED, QueryEvent.INFORM): QueryState.ANSWERED,
    (QueryState.AGREED, QueryEvent.FAILURE): QueryState.FAILED,
}

QUERY: Protocol[QueryState, QueryEvent] = Protocol(
    name="fipa-query",
    title="FIPA Query",
    source="FIPA SC00027H",
    start=QueryState.START,
    diagram=TRANSITIONS,
    said_by={
        QueryEvent.QUERY_IF: Side.INITIATOR,
        QueryEvent.QUERY_REF: Side.INITIATOR,
        QueryEvent.CANCEL: Side.INITIATOR,
        QueryEvent.AGREE: Side.PARTICIPANT,
        QueryEvent.REFUSE: Side.PARTICIPANT,
        QueryEvent.INFORM: Side.PARTICIPANT,
        QueryEvent.FAILURE: Side.PARTICIPANT,
        QueryEvent.NOT_UNDERSTOOD: BOTH,
    },
)
