"""FIPA-Contract-Net: the initiator calls for proposals and awards the work; seen with one contractor.

    cfp -> refuse | propose -> reject-proposal | accept-proposal -> inform (done, or the result) | failure

One call and one proposal: a further CFP is the iterated protocol (`iterated_contract_net.py`), which shares
these states and events.

Source: FIPA SC00029H section 1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from caxton_node.fipa.protocols.protocol import BOTH, Protocol
from caxton_node.fipa.protocols.stage import Side

CONTRACT_NET_PROTOCOL = "fipa-contract-net"


class BidState(StrEnum):
    """Where one contractor stands in a Contract Net."""

    START = "start"
    CALLED = "called"
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    CANCELLING = "cancelling"
    REFUSED = "refused"
    REJECTED = "rejected"
    DONE = "done"
    FAILED = "failed"
    NOT_UNDERSTOOD = "not-understood"
    CANCELLED = "cancelled"
    NOT_CANCELLED = "not-cancelled"
    EXPIRED = "expired"


class BidEvent(StrEnum):
    """What may be said, or happen, between the initiator and one contractor."""

    CFP = "cfp"
    PROPOSE = "propose"
    REFUSE = "refuse"
    ACCEPT_PROPOSAL = "accept-proposal"
    REJECT_PROPOSAL = "reject-proposal"
    INFORM = "inform"
    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"
    CANCEL = "cancel"
    TIMEOUT = "timeout"


TRANSITIONS: dict[tuple[BidState, BidEvent], BidState] = {
    (BidState.START, BidEvent.CFP): BidState.CALLED,
    (BidState.CALLED, BidEvent.REFUSE): BidState.REFUSED,
    (BidState.CALLED, BidEvent.PROPOSE): BidState.PROPOSED,
    (BidState.CALLED, BidEvent.TIMEOUT): BidState.EXPIRED,
    (BidState.PROPOSED, BidEvent.REJECT_PROPOSAL): BidState.REJECTED,
    (BidState.PROPOSED, BidEvent.ACCEPT_PROPOSAL): BidState.ACCEPTED,
    (BidState.ACCEPTED, BidEvent.INFORM): BidState.DONE,
    (BidState.ACCEPTED, BidEvent.FAILURE): BidState.FAILED,
    (BidState.ACCEPTED, BidEvent.TIMEOUT): BidState.EXPIRED,
    (BidState.CANCELLING, BidEvent.TIMEOUT): BidState.EXPIRED,
}

SAID_BY: Mapping[BidEvent, Side | frozenset[Side]] = {
    BidEvent.CFP: Side.INITIATOR,
    BidEvent.ACCEPT_PROPOSAL: Side.INITIATOR,
    BidEvent.REJECT_PROPOSAL: Side.INITIATOR,
    BidEvent.CANCEL: Side.INITIATOR,
    BidEvent.PROPOSE: Side.PARTICIPANT,
    BidEvent.REFUSE: Side.PARTICIPANT,
    BidEvent.INFORM: Side.PARTICIPANT,
    BidEvent.FAILURE: Side.PARTICIPANT,
    BidEvent.NOT_UNDERSTOOD: BOTH,
}

CONTRACT_NET: Protocol[BidState, BidEvent] = Protocol(
    name=CONTRACT_NET_PROTOCOL,
    title="FIPA Contract Net",
    source="FIPA SC00029H",
    start=BidState.START,
    diagram=TRANSITIONS,
    said_by=SAID_BY,
)
