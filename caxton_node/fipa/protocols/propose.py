"""FIPA-Propose: one agent offers to do something itself, if the other wants it.

    propose -> accept-proposal | reject-proposal

The protocol ends with the answer. What the initiator reports when it has done what it offered is a talk of
its own.

Source: FIPA SC00036H section 1.1.
"""

from __future__ import annotations

from enum import StrEnum

from caxton_node.fipa.protocols.protocol import BOTH, Protocol
from caxton_node.fipa.protocols.stage import Side


class ProposeState(StrEnum):
    """How far an offer has come."""

    START = "start"
    PROPOSED = "proposed"
    CANCELLING = "cancelling"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"
    NOT_UNDERSTOOD = "not-understood"
    CANCELLED = "cancelled"
    NOT_CANCELLED = "not-cancelled"


class ProposeEvent(StrEnum):
    """What may be said about an offer; INFORM only answers a cancel."""

    PROPOSE = "propose"
    ACCEPT_PROPOSAL = "accept-proposal"
    REJECT_PROPOSAL = "reject-proposal"
    INFORM = "inform"
    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"
    CANCEL = "cancel"


TRANSITIONS: dict[tuple[ProposeState, ProposeEvent], ProposeState] = {
    (ProposeState.START, ProposeEvent.PROPOSE): ProposeState.PROPOSED,
    (ProposeState.PROPOSED, ProposeEvent.ACCEPT_PROPOSAL): ProposeState.ACCEPTED,
    (ProposeState.PROPOSED, ProposeEvent.REJECT_PROPOSAL): ProposeState.REJECTED,
}

PROPOSE: Protocol[ProposeState, ProposeEvent] = Protocol(
    name="fipa-propose",
    title="FIPA Propose",
    source="FIPA SC00036H",
    start=ProposeState.START,
    diagram=TRANSITIONS,
    said_by={
        ProposeEvent.PROPOSE: Side.INITIATOR,
        ProposeEvent.CANCEL: Side.INITIATOR,
        ProposeEvent.ACCEPT_PROPOSAL: Side.PARTICIPANT,
        ProposeEvent.REJECT_PROPOSAL: Side.PARTICIPANT,
        ProposeEvent.INFORM: Side.PARTICIPANT,
        ProposeEvent.FAILURE: Side.PARTICIPANT,
        ProposeEvent.NOT_UNDERSTOOD: BOTH,
    },
)
