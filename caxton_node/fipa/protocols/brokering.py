"""FIPA-Brokering: a broker finds agents for the initiator, passes a message on and brings their replies back.

    proxy -> refuse | agree -> failure (no match, or not passed on)
                             | inform (passed on) -> the replies of the sub-protocol | failure

Seen between the initiator and the broker; what the broker says to the agents that it found is talks of its
own. Which replies come back, and how many, is known to the sub-protocol and to the number of agents alone.
So any reply that FIPA's protocols have is taken, the talk counts as over with the first one that settles
something, and further ones may follow it. A failure of the brokering cannot be told from a failure of one
agent, which others may outlive; it is taken for such a reply.

Simplified: the initiator cannot go on in the sub-protocol through the broker (accept a forwarded proposal,
for example). The specification forwards replies only.

Source: FIPA SC00033H section 1.1.
"""

from __future__ import annotations

from enum import StrEnum

from caxton_node.fipa.protocols.protocol import BOTH, Protocol
from caxton_node.fipa.protocols.stage import Side


class BrokeringState(StrEnum):
    """How far a brokering has come."""

    START = "start"
    ASKED = "asked"
    AGREED = "agreed"
    FORWARDED = "forwarded"
    CANCELLING = "cancelling"
    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_UNDERSTOOD = "not-understood"
    CANCELLED = "cancelled"
    NOT_CANCELLED = "not-cancelled"


class BrokeringEvent(StrEnum):
    """What may be said between the initiator and the broker."""

    PROXY = "proxy"
    AGREE = "agree"
    REFUSE = "refuse"
    INFORM = "inform"
    FAILURE = "failure"
    PROPOSE = "propose"
    ACCEPT_PROPOSAL = "accept-proposal"
    REJECT_PROPOSAL = "reject-proposal"
    NOT_UNDERSTOOD = "not-understood"
    CANCEL = "cancel"


TRANSITIONS: dict[tuple[BrokeringState, BrokeringEvent], BrokeringState] = {
    (BrokeringState.START, BrokeringEvent.PROXY): BrokeringState.ASKED,
    (BrokeringState.ASKED, BrokeringEvent.REFUSE): BrokeringState.REFUSED,
    (BrokeringState.ASKED, BrokeringEvent.AGREE): BrokeringState.AGREED,
    (BrokeringState.AGREED, BrokeringEvent.FAILURE): BrokeringState.FAILED,
    (BrokeringState.AGREED, BrokeringEvent.INFORM): BrokeringState.FORWARDED,
    (BrokeringState.FORWARDED, BrokeringEvent.AGREE): BrokeringState.FORWARDED,
    (BrokeringState.FORWARDED, BrokeringEvent.REFUSE): BrokeringState.ANSWERED,
    (BrokeringState.FORWARDED, BrokeringEvent.INFORM): BrokeringState.ANSWERED,
    (BrokeringState.FORWARDED, BrokeringEvent.FAILURE): BrokeringState.ANSWERED,
    (BrokeringState.FORWARDED, BrokeringEvent.PROPOSE): BrokeringState.ANSWERED,
    (BrokeringState.FORWARDED, BrokeringEvent.ACCEPT_PROPOSAL): BrokeringState.ANSWERED,
    (BrokeringState.FORWARDED, BrokeringEvent.REJECT_PROPOSAL): BrokeringState.ANSWERED,
    (BrokeringState.FORWARDED, BrokeringEvent.NOT_UNDERSTOOD): BrokeringState.ANSWERED,
    (BrokeringState.ANSWERED, BrokeringEvent.AGREE): BrokeringState.ANSWERED,
    (BrokeringState.ANSWERED, BrokeringEvent.REFUSE): BrokeringState.ANSWERED,
    (BrokeringState.ANSWERED, BrokeringEvent.INFORM): BrokeringState.ANSWERED,
    (BrokeringState.ANSWERED, BrokeringEvent.FAILURE): BrokeringState.ANSWERED,
    (BrokeringState.ANSWERED, BrokeringEvent.PROPOSE): BrokeringState.ANSWERED,
    (BrokeringState.ANSWERED, BrokeringEvent.ACCEPT_PROPOSAL): BrokeringState.ANSWERED,
    (BrokeringState.ANSWERED, BrokeringEvent.REJECT_PROPOSAL): BrokeringState.ANSWERED,
    (BrokeringState.ANSWERED, BrokeringEvent.NOT_UNDERSTOOD): BrokeringState.ANSWERED,
}

BROKERING: Protocol[BrokeringState, BrokeringEvent] = Protocol(
    name="fipa-brokering",
    title="FIPA Brokering",
    source="FIPA SC00033H",
    start=BrokeringState.START,
    diagram=TRANSITIONS,
    said_by={
        BrokeringEvent.PROXY: Side.INITIATOR,
        BrokeringEvent.CANCEL: Side.INITIATOR,
        BrokeringEvent.AGREE: Side.PARTICIPANT,
        BrokeringEvent.REFUSE: Side.PARTICIPANT,
        BrokeringEvent.INFORM: Side.PARTICIPANT,
        BrokeringEvent.FAILURE: Side.PARTICIPANT,
        BrokeringEvent.PROPOSE: Side.PARTICIPANT,
        BrokeringEvent.ACCEPT_PROPOSAL: Side.PARTICIPANT,
        BrokeringEvent.REJECT_PROPOSAL: Side.PARTICIPANT,
        BrokeringEvent.NOT_UNDERSTOOD: BOTH,
    },
)
