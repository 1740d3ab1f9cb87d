"""FIPA-Iterated-Contract-Net: a Contract Net whose initiator may call again, with revised conditions.

    cfp -> refuse | propose -> cfp (a further round) | reject-proposal | accept-proposal -> inform | failure

Source: FIPA SC00030H section 1.1.
"""

from __future__ import annotations

from caxton_node.fipa.protocols import contract_net
from caxton_node.fipa.protocols.contract_net import BidEvent, BidState
from caxton_node.fipa.protocols.protocol import Protocol

TRANSITIONS: dict[tuple[BidState, BidEvent], BidState] = {
    **contract_net.TRANSITIONS,
    (BidState.PROPOSED, BidEvent.CFP): BidState.CALLED,  # to those who are worth another round
}

ITERATED_CONTRACT_NET: Protocol[BidState, BidEvent] = Protocol(
    name="fipa-iterated-contract-net",
    title="FIPA Iterated Contract Net",
    source="FIPA SC00030H",
    start=BidState.START,
    diagram=TRANSITIONS,
    said_by=contract_net.SAID_BY,
)
