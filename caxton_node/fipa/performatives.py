"""The twenty-two communicative acts of FIPA and their codes on the wire.

The codes are those of FIPA's own bit-efficient encoding, so that one number means one act everywhere.

Source: FIPA SC00037J (acts), FIPA SC00069G section 2.2 (codes).
"""

from __future__ import annotations

from enum import IntEnum

from caxton_node.core.errors import InvalidMessage


class Performative(IntEnum):
    """What a message does: the first element of every envelope."""

    ACCEPT_PROPOSAL = 0x01
    AGREE = 0x02
    CANCEL = 0x03
    CFP = 0x04
    CONFIRM = 0x05
    DISCONFIRM = 0x06
    FAILURE = 0x07
    INFORM = 0x08
    INFORM_IF = 0x09
    INFORM_REF = 0x0A
    NOT_UNDERSTOOD = 0x0B
    PROPAGATE = 0x0C
    PROPOSE = 0x0D
    PROXY = 0x0E
    QUERY_IF = 0x0F
    QUERY_REF = 0x10
    REFUSE = 0x11
    REJECT_PROPOSAL = 0x12
    REQUEST = 0x13
    REQUEST_WHEN = 0x14
    REQUEST_WHENEVER = 0x15
    SUBSCRIBE = 0x16

    @property
    def word(self) -> str:
        """Return FIPA's spelling, for example `accept-proposal`."""
        return self.name.lower().replace("_", "-")


_BY_WORD = {act.word: act for act in Performative}


def parse_performative(text: str) -> Performative:
    """Read an act's name; upper or lower case, hyphens or underscores.

    Raises:
        InvalidMessage: FIPA has no such act.
    """
    try:
        return _BY_WORD[text.lower().replace("_", "-")]
    except KeyError:
        raise InvalidMessage(
            f"{text[:80]!r} is not a performative",
            why="FIPA has twenty-two communicative acts and this is none of them",
            hint=f"use one of: {', '.join(_BY_WORD)}",
        ) from None
