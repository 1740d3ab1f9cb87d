"""FIPA's communicative acts.

Source: FIPA SC00037J section 3 (acts and their contents), SC00069G section 2.2 (codes).
"""

from __future__ import annotations

from typing import NamedTuple


class Act(NamedTuple):
    """One row.

    Attributes:
        word: FIPA's spelling.
        code: On the wire.
        needs_content: Whether a message with it must have a content, which may be empty.
        section: Where SC00037J defines it.
        says: What it does.
    """

    word: str
    code: int
    needs_content: bool
    section: str
    says: str

    def row(self) -> str:
        """Return the row of docs/fipa.md."""
        needs = " yes " if self.needs_content else " "
        return f"| `{self.word}` | 0x{self.code:02x} |{needs}| {self.section} | {self.says} |"


ACTS = (
    Act("accept-proposal", 0x01, False, "3.1", "a proposal is taken"),
    Act("agree", 0x02, False, "3.2", "it will be done; the result follows"),
    Act("cancel", 0x03, False, "3.3", "what was requested is not wanted any more"),
    Act("cfp", 0x04, True, "3.4", "who makes a proposal for this?"),
    Act("confirm", 0x05, True, "3.5", "this is true, which you doubted"),
    Act("disconfirm", 0x06, True, "3.6", "this is false, which you believed"),
    Act("failure", 0x07, False, "3.7", "it was tried and did not succeed"),
    Act("inform", 0x08, True, "3.8", "this is true"),
    Act("inform-if", 0x09, True, "3.9", "whether this is true (requested of somebody)"),
    Act("inform-ref", 0x0A, True, "3.10", "what this refers to (requested of somebody)"),
    Act("not-understood", 0x0B, False, "3.11", "that message made no sense"),
    Act("propagate", 0x0C, True, "3.12", "take this message and send it on to these"),
    Act("propose", 0x0D, True, "3.13", "this is offered, under these conditions"),
    Act("proxy", 0x0E, True, "3.14", "send this message to those you find"),
    Act("query-if", 0x0F, True, "3.15", "is this true?"),
    Act("query-ref", 0x10, True, "3.16", "what does this refer to?"),
    Act("refuse", 0x11, False, "3.17", "it will not be done"),
    Act("reject-proposal", 0x12, False, "3.18", "a proposal is not taken"),
    Act("request", 0x13, True, "3.19", "do this"),
    Act("request-when", 0x14, True, "3.20", "do this once that becomes true"),
    Act("request-whenever", 0x15, True, "3.21", "do this each time that becomes true"),
    Act("subscribe", 0x16, True, "3.22", "tell the value of this now and whenever it changes"),
)
