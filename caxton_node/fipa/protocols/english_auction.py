"""FIPA-English-Auction: the auctioneer raises the price until nobody bids; seen with one bidder.

    inform (it begins) -> cfp (a price) -> propose (a bid) -> accept-proposal | reject-proposal -> cfp ...
                                                                            -> inform (it is over) -> request

A call goes to every bidder, whether this one has bid or not, and each bid is answered, so that its bidder
knows whether it leads. The bidder who leads at the end is asked to settle (REQUEST), unless the price stayed
below the auctioneer's reserve. Calls and bids cross: a bidder may have bid to the call before this one, and
may bid to this one before it has the answer to the other. The tables take that; which bid counts is the
auctioneer's business.

The specification is of 2001, before the cancel meta-protocol: an auctioneer ends an auction by INFORM.

Source: FIPA XC00031F section 1.
"""

from __future__ import annotations

from enum import StrEnum

from caxton_node.fipa.protocols.protocol import BOTH, Protocol
from caxton_node.fipa.protocols.stage import Side


class EnglishState(StrEnum):
    """Where one bidder stands."""

    START = "start"
    OPENED = "opened"
    CALLED = "called"
    BID = "bid"
    LEADING = "leading"
    OUTBID = "outbid"
    WON = "won"
    CLOSED = "closed"
    FAILED = "failed"
    NOT_UNDERSTOOD = "not-understood"


class EnglishEvent(StrEnum):
    """What may be said between the auctioneer and one bidder."""

    INFORM = "inform"
    CFP = "cfp"
    PROPOSE = "propose"
    ACCEPT_PROPOSAL = "accept-proposal"
    REJECT_PROPOSAL = "reject-proposal"
    REQUEST = "request"
    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"


TRANSITIONS: dict[tuple[EnglishState, EnglishEvent], EnglishState] = {
    (EnglishState.START, EnglishEvent.INFORM): EnglishState.OPENED,
    (EnglishState.OPENED, EnglishEvent.CFP): EnglishState.CALLED,
    (EnglishState.CALLED, EnglishEvent.PROPOSE): EnglishState.BID,
    (EnglishState.CALLED, EnglishEvent.CFP): EnglishState.CALLED,  # somebody else has bid
    (EnglishState.CALLED, EnglishEvent.INFORM): EnglishState.CLOSED,
    (EnglishState.BID, EnglishEvent.ACCEPT_PROPOSAL): EnglishState.LEADING,
    (EnglishState.BID, EnglishEvent.REJECT_PROPOSAL): EnglishState.OUTBID,
    (
        EnglishState.BID,
        EnglishEvent.CFP,
    ): EnglishState.BID,  # it crossed the bid, which is still to be answered
    (EnglishState.BID, EnglishEvent.INFORM): EnglishState.CLOSED,  # it crossed the bid, which came too late
    (EnglishState.LEADING, EnglishEvent.CFP): EnglishState.CALLED,
    (EnglishState.LEADING, EnglishEvent.INFORM): EnglishState.WON,
    (EnglishState.LEADING, EnglishEvent.REQUEST): EnglishState.WON,
    (EnglishState.OUTBID, EnglishEvent.CFP): EnglishState.CALLED,
    (EnglishState.OUTBID, EnglishEvent.PROPOSE): EnglishState.BID,  # to a call that crossed the bid before
    (EnglishState.OUTBID, EnglishEvent.INFORM): EnglishState.CLOSED,
    (EnglishState.WON, EnglishEvent.REQUEST): EnglishState.WON,  # INFORM and REQUEST in either order
    (EnglishState.WON, EnglishEvent.INFORM): EnglishState.WON,
    (EnglishState.CLOSED, EnglishEvent.PROPOSE): EnglishState.CLOSED,  # it crossed the end
    (EnglishState.CLOSED, EnglishEvent.REJECT_PROPOSAL): EnglishState.CLOSED,
}

ENGLISH_AUCTION: Protocol[EnglishState, EnglishEvent] = Protocol(
    name="fipa-english-auction",
    title="FIPA English Auction",
    source="FIPA XC00031F",
    start=EnglishState.START,
    diagram=TRANSITIONS,
    said_by={
        EnglishEvent.INFORM: Side.INITIATOR,
        EnglishEvent.CFP: Side.INITIATOR,
        EnglishEvent.ACCEPT_PROPOSAL: Side.INITIATOR,
        EnglishEvent.REJECT_PROPOSAL: Side.INITIATOR,
        EnglishEvent.REQUEST: Side.INITIATOR,
        EnglishEvent.PROPOSE: Side.PARTICIPANT,
        EnglishEvent.FAILURE: Side.PARTICIPANT,
        EnglishEvent.NOT_UNDERSTOOD: BOTH,
    },
    is_cancellable=False,
)
