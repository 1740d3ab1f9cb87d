"""The parameters of an ACL message, where each stands in our three forms, and a value to try it with.

Source: FIPA SC00061G section 2, SC00070I section 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from caxton_node.fipa import Performative


@dataclass(frozen=True)
class Parameter:
    """One row.

    Attributes:
        name: FIPA's name.
        section: Where SC00061G defines it.
        position: Index in the envelope.
        field: Name in the envelope, which is the key in JSON.
        keyword: In the string representation; the act has none, it comes first.
        required: Whether FIPA requires it, and what Caxton adds.
        value: An example in the envelope.
        text: The example in the string representation.
        json: The example in JSON.
    """

    name: str
    section: str
    position: int
    field: str
    keyword: str
    required: str
    value: Any
    text: str
    json: Any

    def row(self) -> str:
        """Return the row of docs/fipa.md."""
        keyword = f"`{self.keyword}`" if self.keyword else "the first word"
        cells = (self.name, self.section, str(self.position), keyword, f"`{self.field}`", self.required)
        return f"| {' | '.join(cells)} |"


PARAMETERS = (
    Parameter(
        "performative", "2.1.1", 0, "performative", "", "yes", Performative.CFP, "(cfp ", "cfp"
    ),
    Parameter("sender", "2.2.1", 1, "sender", ":sender", "the node writes it", "asker@node-1",
              ":sender (agent-identifier :name asker@node-1)", "asker@node-1"),
    Parameter("receiver", "2.2.2", 2, "receivers", ":receiver", "by Caxton", "other",
              ":receiver (set (agent-identifier :name other))", ["other"]),
    Parameter("reply-to", "2.2.3", 12, "reply_to", ":reply-to", "no", "desk@node-1",
              ":reply-to (set (agent-identifier :name desk@node-1))", "desk@node-1"),
    Parameter("content", "2.3.1", 3, "content", ":content", "by fifteen acts", b'{"n": 7}',
              r':content "{\"n\": 7}"', {"n": 7}),
    Parameter("language", "2.4.1", 9, "language", ":language", "no", "json", ":language json", "json"),
    Parameter("encoding", "2.4.2", 10, "encoding", ":encoding", "no", "utf-8", ":encoding utf-8", "utf-8"),
    Parameter("ontology", "2.4.3", 8, "ontology", ":ontology", "no", "masonry work",
              ':ontology "masonry work"', "masonry work"),
    Parameter("protocol", "2.5.1", 11, "protocol", ":protocol", "no", "x-haggling", ":protocol x-haggling",
              "x-haggling"),
    Parameter("conversation-id", "2.5.2", 4, "conversation_id", ":conversation-id", "no", "talk-1",
              ":conversation-id talk-1", "talk-1"),
    Parameter("reply-with", "2.5.3", 5, "reply_with", ":reply-with", "no", "r-1", ":reply-with r-1", "r-1"),
    Parameter("in-reply-to", "2.5.4", 6, "in_reply_to", ":in-reply-to", "no", "r-0", ":in-reply-to r-0",
              "r-0"),
    Parameter("reply-by", "2.5.5", 7, "reply_by", ":reply-by", "no", 4_000_000_000_000,
              ":reply-by 20961002T070640000Z", "2096-10-02T07:06:40.000Z"),
)  # fmt: skip
