"""The table of FIPA's cancel meta-protocol: the initiator calls off what it has begun.

    cancel -> inform (it is off) | failure (it could not be called off)

`exceptions.py` composes this very table into every protocol whose specification has it; `cancel.py` makes it
a protocol by itself.

Source: FIPA SC00026H section 1.2 and figure 2, and the same section of each specification since 2002.
"""

from __future__ import annotations

from enum import StrEnum


class CancelState(StrEnum):
    """How far the calling off has come."""

    START = "start"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    NOT_CANCELLED = "not-cancelled"


class CancelEvent(StrEnum):
    """What may be said when something is called off."""

    CANCEL = "cancel"
    INFORM = "inform"
    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"


TRANSITIONS: dict[tuple[CancelState, CancelEvent], CancelState] = {
    (CancelState.START, CancelEvent.CANCEL): CancelState.CANCELLING,
    (CancelState.CANCELLING, CancelEvent.INFORM): CancelState.CANCELLED,
    (CancelState.CANCELLING, CancelEvent.FAILURE): CancelState.NOT_CANCELLED,
    (CancelState.CANCELLING, CancelEvent.NOT_UNDERSTOOD): CancelState.NOT_CANCELLED,
}
