"""Interaction protocols as tables: what one initiator and one participant may say next.

A protocol is seen here as the two-party talk between the initiator and *one* participant; a Contract Net
with a hundred contractors is a hundred such talks under one conversation id. The tables decide legality and
nothing else: who waits for whom, deadlines and choices belong to the machines that use them
(`contract_net.py`).

Source: FIPA SC00026H (request), SC00029H (contract net), SC00061G section 2.1.12 (cancel).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from caxton_node.core.machine import allowed, step
from caxton_node.fipa.performatives import Performative

REQUEST_PROTOCOL = "fipa-request"
CONTRACT_NET_PROTOCOL = "fipa-contract-net"


class Side(StrEnum):
    """Who speaks."""

    INITIATOR = "initiator"
    PARTICIPANT = "participant"


class RequestState(StrEnum):
    """Where a request stands."""

    START = "start"
    REQUESTED = "requested"
    AGREED = "agreed"
    CANCELLING = "cancelling"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_UNDERSTOOD = "not-understood"
    CANCELLED = "cancelled"
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


REQUEST_TRANSITIONS: dict[tuple[RequestState, RequestEvent], RequestState] = {
    (RequestState.START, RequestEvent.REQUEST): RequestState.REQUESTED,
    (RequestState.REQUESTED, RequestEvent.AGREE): RequestState.AGREED,
    (RequestState.REQUESTED, RequestEvent.INFORM): RequestState.DONE,  # the agree may be left out
    (RequestState.REQUESTED, RequestEvent.REFUSE): RequestState.REFUSED,
    (RequestState.REQUESTED, RequestEvent.FAILURE): RequestState.FAILED,
    (RequestState.REQUESTED, RequestEvent.NOT_UNDERSTOOD): RequestState.NOT_UNDERSTOOD,
    (RequestState.REQUESTED, RequestEvent.CANCEL): RequestState.CANCELLING,
    (RequestState.REQUESTED, RequestEvent.TIMEOUT): RequestState.EXPIRED,
    (RequestState.AGREED, RequestEvent.INFORM): RequestState.DONE,
    (RequestState.AGREED, RequestEvent.FAILURE): RequestState.FAILED,
    (RequestState.AGREED, RequestEvent.NOT_UNDERSTOOD): RequestState.NOT_UNDERSTOOD,
    (RequestState.AGREED, RequestEvent.CANCEL): RequestState.CANCELLING,
    (RequestState.AGREED, RequestEvent.TIMEOUT): RequestState.EXPIRED,
    (RequestState.CANCELLING, RequestEvent.INFORM): RequestState.CANCELLED,
    (RequestState.CANCELLING, RequestEvent.FAILURE): RequestState.FAILED,
    (RequestState.CANCELLING, RequestEvent.NOT_UNDERSTOOD): RequestState.FAILED,
    (RequestState.CANCELLING, RequestEvent.TIMEOUT): RequestState.EXPIRED,
}


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


BID_TRANSITIONS: dict[tuple[BidState, BidEvent], BidState] = {
    (BidState.START, BidEvent.CFP): BidState.CALLED,
    (BidState.CALLED, BidEvent.PROPOSE): BidState.PROPOSED,
    (BidState.CALLED, BidEvent.REFUSE): BidState.REFUSED,
    (BidState.CALLED, BidEvent.NOT_UNDERSTOOD): BidState.NOT_UNDERSTOOD,
    (BidState.CALLED, BidEvent.FAILURE): BidState.FAILED,
    (BidState.CALLED, BidEvent.CANCEL): BidState.CANCELLING,
    (BidState.CALLED, BidEvent.TIMEOUT): BidState.EXPIRED,
    (BidState.PROPOSED, BidEvent.ACCEPT_PROPOSAL): BidState.ACCEPTED,
    (BidState.PROPOSED, BidEvent.REJECT_PROPOSAL): BidState.REJECTED,
    (BidState.PROPOSED, BidEvent.CFP): BidState.CALLED,  # a further round, FIPA SC00030H
    (BidState.PROPOSED, BidEvent.FAILURE): BidState.FAILED,
    (BidState.PROPOSED, BidEvent.CANCEL): BidState.CANCELLING,
    (BidState.ACCEPTED, BidEvent.INFORM): BidState.DONE,
    (BidState.ACCEPTED, BidEvent.FAILURE): BidState.FAILED,
    (BidState.ACCEPTED, BidEvent.NOT_UNDERSTOOD): BidState.NOT_UNDERSTOOD,
    (BidState.ACCEPTED, BidEvent.CANCEL): BidState.CANCELLING,
    (BidState.ACCEPTED, BidEvent.TIMEOUT): BidState.EXPIRED,
    (BidState.CANCELLING, BidEvent.INFORM): BidState.CANCELLED,
    (BidState.CANCELLING, BidEvent.FAILURE): BidState.FAILED,
    (BidState.CANCELLING, BidEvent.NOT_UNDERSTOOD): BidState.FAILED,
    (BidState.CANCELLING, BidEvent.TIMEOUT): BidState.EXPIRED,
}

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Protocol(Generic[S, E]):
    """One interaction protocol.

    Attributes:
        name: As written in the envelope.
        start: State before the first act.
        transitions: The table.
        said_by: Which side says which act; `failure` and `not-understood` may come from the platform as well
            and count as the participant's.
    """

    name: str
    start: S
    transitions: Mapping[tuple[S, E], S]
    said_by: Mapping[E, Side]
    moves: Mapping[tuple[S, Performative, Side], S] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the table by acts once, since the router asks for every message."""
        acts = {act.word: act for act in Performative}
        moves = {
            (state, acts[event], self.said_by[event]): after
            for (state, event), after in self.transitions.items()
            if event in self.said_by
        }
        object.__setattr__(self, "moves", moves)

    def step(self, state: S, event: E) -> S:
        """Return the state after an event that must be legal now, else raise `IllegalTransition`."""
        return step(self.transitions, state, event)

    def advance(self, state: S, performative: Performative, side: Side) -> S | None:
        """Return the state after this act, or None when the protocol does not allow it now."""
        return self.moves.get((state, performative, side))

    def is_final(self, state: S) -> bool:
        """Tell whether nothing can follow."""
        return not allowed(self.transitions, state)


REQUEST: Protocol[RequestState, RequestEvent] = Protocol(
    name=REQUEST_PROTOCOL,
    start=RequestState.START,
    transitions=REQUEST_TRANSITIONS,
    said_by={
        RequestEvent.REQUEST: Side.INITIATOR,
        RequestEvent.CANCEL: Side.INITIATOR,
        RequestEvent.AGREE: Side.PARTICIPANT,
        RequestEvent.REFUSE: Side.PARTICIPANT,
        RequestEvent.INFORM: Side.PARTICIPANT,
        RequestEvent.FAILURE: Side.PARTICIPANT,
        RequestEvent.NOT_UNDERSTOOD: Side.PARTICIPANT,
    },
)

CONTRACT_NET: Protocol[BidState, BidEvent] = Protocol(
    name=CONTRACT_NET_PROTOCOL,
    start=BidState.START,
    transitions=BID_TRANSITIONS,
    said_by={
        BidEvent.CFP: Side.INITIATOR,
        BidEvent.ACCEPT_PROPOSAL: Side.INITIATOR,
        BidEvent.REJECT_PROPOSAL: Side.INITIATOR,
        BidEvent.CANCEL: Side.INITIATOR,
        BidEvent.PROPOSE: Side.PARTICIPANT,
        BidEvent.REFUSE: Side.PARTICIPANT,
        BidEvent.INFORM: Side.PARTICIPANT,
        BidEvent.FAILURE: Side.PARTICIPANT,
        BidEvent.NOT_UNDERSTOOD: Side.PARTICIPANT,
    },
)

PROTOCOLS: dict[str, Protocol[Any, Any]] = {REQUEST.name: REQUEST, CONTRACT_NET.name: CONTRACT_NET}
"""The protocols whose course is followed; others pass unexamined."""
