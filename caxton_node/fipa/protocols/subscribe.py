"""FIPA-Subscribe: one agent wants to be told what something refers to, now and whenever that changes.

    subscribe -> refuse | agree -> inform, inform, ... -> failure

The AGREE may be left out when the first INFORM comes soon. A subscription ends by a failure of the
participant or by the initiator's cancel, never by itself.

Source: FIPA SC00035H section 1.1.
"""

from __future__ import annotations

from enum import StrEnum

from caxton_node.fipa.protocols.protocol import BOTH, Protocol
from caxton_node.fipa.protocols.stage import Side


class SubscribeState(StrEnum):
    """How far a subscription has come."""

    START = "start"
    ASKED = "asked"
    SUBSCRIBED = "subscribed"
    CANCELLING = "cancelling"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_UNDERSTOOD = "not-understood"
    CANCELLED = "cancelled"
    NOT_CANCELLED = "not-cancelled"


class SubscribeEvent(StrEnum):
    """What may be said in a subscription."""

    SUBSCRIBE = "subscribe"
    AGREE = "agree"
    REFUSE = "refuse"
    INFORM = "inform"
    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"
    CANCEL = "cancel"


TRANSITIONS: dict[tuple[SubscribeState, SubscribeEvent], SubscribeState] = {
    (SubscribeState.START, SubscribeEvent.SUBSCRIBE): SubscribeState.ASKED,
    (SubscribeState.ASKED, SubscribeEvent.REFUSE): SubscribeState.REFUSED,
    (SubscribeState.ASKED, SubscribeEvent.AGREE): SubscribeState.SUBSCRIBED,
    (SubscribeState.ASKED, SubscribeEvent.INFORM): SubscribeState.SUBSCRIBED,  # the agree may be left out
    (SubscribeState.ASKED, SubscribeEvent.FAILURE): SubscribeState.FAILED,
    (SubscribeState.SUBSCRIBED, SubscribeEvent.INFORM): SubscribeState.SUBSCRIBED,
    (SubscribeState.SUBSCRIBED, SubscribeEvent.FAILURE): SubscribeState.FAILED,
}

SUBSCRIBE: Protocol[SubscribeState, SubscribeEvent] = Protocol(
    name="fipa-subscribe",
    title="FIPA Subscribe",
    source="FIPA SC00035H",
    start=SubscribeState.START,
    diagram=TRANSITIONS,
    said_by={
        SubscribeEvent.SUBSCRIBE: Side.INITIATOR,
        SubscribeEvent.CANCEL: Side.INITIATOR,
        SubscribeEvent.AGREE: Side.PARTICIPANT,
        SubscribeEvent.REFUSE: Side.PARTICIPANT,
        SubscribeEvent.INFORM: Side.PARTICIPANT,
        SubscribeEvent.FAILURE: Side.PARTICIPANT,
        SubscribeEvent.NOT_UNDERSTOOD: BOTH,
    },
)
