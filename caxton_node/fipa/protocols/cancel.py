"""FIPA-Cancel: the cancel meta-protocol by itself, for calling off what follows no protocol.

    cancel -> inform (it is off) | failure (it could not be called off)

Within a protocol CANCEL is an act of that protocol and carries its name: the talk that it calls off knows of
it only then.

Source: FIPA SC00026H section 1.2.
"""

from __future__ import annotations

from caxton_node.fipa.protocols.cancelling import TRANSITIONS, CancelEvent, CancelState
from caxton_node.fipa.protocols.protocol import BOTH, Protocol
from caxton_node.fipa.protocols.stage import Side

CANCEL: Protocol[CancelState, CancelEvent] = Protocol(
    name="fipa-cancel",
    title="FIPA Cancel",
    source="FIPA SC00026H section 1.2",
    start=CancelState.START,
    diagram=TRANSITIONS,
    said_by={
        CancelEvent.CANCEL: Side.INITIATOR,
        CancelEvent.INFORM: Side.PARTICIPANT,
        CancelEvent.FAILURE: Side.PARTICIPANT,
        CancelEvent.NOT_UNDERSTOOD: BOTH,
    },
    is_cancellable=False,
)
