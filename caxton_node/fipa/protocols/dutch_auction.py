"""FIPA-Dutch-Auction: the auctioneer lowers the price until somebody bids; seen with one bidder.

    inform (it begins) -> cfp (a price) -> propose (a bid) -> accept-proposal | reject-proposal -> cfp ...
                                                                            -> inform (it is over)

A call goes to every bidder. Of several bids to one price the first is accepted, the others are rejected. What
is left of the goods may be called again, so an accepted bid does not end the talk: the closing INFORM does.
Calls and bids cross as in the English auction.

The specification is of 2001, before the cancel meta-protocol: an auctioneer ends an auction by INFORM.

Source: FIPA XC00032F section 1.
"""

from __future__ import annotations

from enum import StrEnum

from caxton_node.fipa.protocols.protocol import BOTH, Protocol
from caxton_node.fipa.protocols.stage import Side


class DutchState(StrEnum):
    """Where one bidder stands."""

    START = "start"
    OPENED = "opened"
    CALLED = "called"
    BID = "bid"
    BOUGHT = "bought"
    REJECTED = "rejected"
    CLOSED = "closed"
    FAILED = "failed"
    NOT_UNDERSTOOD = "not-understood"


class DutchEvent(StrEnum):
    """What may be said between the auctioneer and one bidder."""

    INFORM = "inform"
    CFP = "cfp"
    PROPOSE = "propose"
    ACCEPT_PROPOSAL = "accept-proposal"
    REJECT_PROPOSAL = "reject-proposal"
    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"


TRANSITIONS: dict[tuple[DutchState, DutchEvent], DutchState] = {
    (DutchState.START, DutchEvent.INFORM): DutchState.OPENED,
    (DutchState.OPENED, DutchEvent.CFP): DutchState.CALLED,
    (DutchState.CALLED, DutchEvent.PROPOSE): DutchState.BID,
    (DutchState.CALLED, DutchEvent.CFP): DutchState.CALLED,  # nobody has bid, the price falls
    (
        DutchState.CALLED,
        DutchEvent.INFORM,
    ): DutchState.CLOSED,  # somebody else has bought, or the reserve is reached
    (DutchState.BID, DutchEvent.ACCEPT_PROPOSAL): DutchState.BOUGHT,
    (DutchState.BID, DutchEvent.REJECT_PROPOSAL): DutchState.REJECTED,
    (DutchState.BID, DutchEvent.CFP): DutchState.BID,  # it crossed the bid, which is still to be answered
    (DutchState.BID, DutchEvent.INFORM): DutchState.CLOSED,  # it crossed the bid, which came too late
    (DutchState.BOUGHT, DutchEvent.CFP): DutchState.CALLED,  # what is left
    (DutchState.BOUGHT, DutchEvent.INFORM): DutchState.CLOSED,
    (DutchState.REJECTED, DutchEvent.CFP): DutchState.CALLED,
    (DutchState.REJECTED, DutchEvent.PROPOSE): DutchState.BID,  # to a call that crossed the bid before
    (DutchState.REJECTED, DutchEvent.INFORM): DutchState.CLOSED,
    (DutchState.CLOSED, DutchEvent.PROPOSE): DutchState.CLOSED,  # it crossed the end
    (DutchState.CLOSED, DutchEvent.REJECT_PROPOSAL): DutchState.CLOSED,
}

DUTCH_AUCTION: Protocol[DutchState, DutchEvent] = Protocol(
    name="fipa-dutch-auction",
    title="FIPA Dutch Auction",
    source="FIPA XC00032F",
    start=DutchState.START,
    diagram=TRANSITIONS,
    said_by={
        DutchEvent.INFORM: Side.INITIATOR,
        DutchEvent.CFP: Side.INITIATOR,
        DutchEvent.ACCEPT_PROPOSAL: Side.INITIATOR,
        DutchEvent.REJECT_PROPOSAL: Side.INITIATOR,
        DutchEvent.PROPOSE: Side.PARTICIPANT,
        DutchEvent.FAILURE: Side.PARTICIPANT,
        DutchEvent.NOT_UNDERSTOOD: BOTH,
    },
    is_cancellable=False,
)
