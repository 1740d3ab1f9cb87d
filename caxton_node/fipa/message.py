"""Envelope v1: one message as seventeen fixed positions.

The same bytes travel in guests, on the mesh and to SQLite. Text is bounded here, by the decoder itself, so
that nothing downstream meets a conversation id of a megabyte; how long the *content* may be is a limit of
the agent and is checked by `rules.py`.

Source: FIPA SC00061G (parameters of an ACL message).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct

from caxton_node.fipa.performatives import Performative

RECEIVERS_MAX = 256
HEADERS_MAX = 64
TEXT_CHARS_MAX = 255
MESSAGE_ID_BYTES = 16
TRACE_BYTES = 25
UNIX_MAX = 2**53
DEFAULT_LANGUAGE = "json"

Text = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS_MAX)]
Receivers = Annotated[list[Text], Meta(min_length=1, max_length=RECEIVERS_MAX)]
_MessageId = Annotated[bytes, Meta(min_length=MESSAGE_ID_BYTES, max_length=MESSAGE_ID_BYTES)]
_Trace = Annotated[bytes, Meta(min_length=TRACE_BYTES, max_length=TRACE_BYTES)]
Instant = Annotated[int, Meta(ge=0, le=UNIX_MAX)]
# Values stay bytes: as objects, 9 MB of empty maps become 670 MB of the host's memory.
_Headers = Annotated[dict[Text, Raw], Meta(max_length=HEADERS_MAX)]


class Envelope(Struct, array_like=True, gc=False):
    """One FIPA message; a field that is absent is None.

    Attributes:
        performative: The act.
        sender: Stamped by the host with the true agent, whatever the guest wrote.
        receivers: One address or several.
        content: The payload; the host never looks inside.
        conversation_id: Groups messages; order holds within it and routes stick to it.
        reply_with: Asks for an answer that names this expression in `in_reply_to`.
        in_reply_to: What this message answers.
        reply_by: Latest useful moment of an answer, unix milliseconds.
        ontology: Meaning of the content's words.
        language: Language of the content; absent means `json`.
        encoding: Encoding of the content.
        protocol: Interaction protocol, for example `fipa-request`.
        reply_to: Address for answers when it is not the sender.
        message_id: 16 bytes, ordered by time, given by the host.
        sent_at: Unix microseconds, given by the host.
        trace: Trace id (16), span id (8) and flags (1), given by the host.
        headers: Anything else, at most 64, each value as its own MessagePack bytes; `hops` belongs to the
            host.
    """

    performative: Performative
    sender: Text | None = None
    receivers: Text | Receivers | None = None
    content: bytes | None = None
    conversation_id: Text | None = None
    reply_with: Text | None = None
    in_reply_to: Text | None = None
    reply_by: Instant | None = None
    ontology: Text | None = None
    language: Text | None = None
    encoding: Text | None = None
    protocol: Text | None = None
    reply_to: Text | None = None
    message_id: _MessageId | None = None
    sent_at: Instant | None = None
    trace: _Trace | None = None
    headers: _Headers | None = None

    def receiver_list(self) -> list[str]:
        """Return the receivers as a list, in the order written; empty when there is none."""
        if self.receivers is None:
            return []
        return [self.receivers] if isinstance(self.receivers, str) else list(self.receivers)


POSITIONS: tuple[str, ...] = Envelope.__struct_fields__
"""Field names by position on the wire."""
