"""What one line of the audit log says."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

BEGUN = "AuditFileBegun"
REMOVED = "AuditFilesRemoved"
LOST = "AuditRecordsLost"
FOLDED = "AuditRefusalsFolded"
"""What the log says of itself; no operation has such a name."""

CUT_SEQ = "cut_seq"
HEAD_GONE = "head_gone"
"""What `AuditFileBegun` may say in its detail: the record behind which others were missing, at a start; and
that the head was."""

TEXT_CHARS_MAX = 512


class AuditRecord(msgspec.Struct, omit_defaults=True):
    """One call, or something about the log itself; what is empty is left out of the line.

    Attributes:
        seq: Its number on this node, from 1 without gaps; the writer gives it.
        time: When it ended, RFC 3339 in UTC with microseconds: texts compare as instants do.
        operation: Name of the operation.
        outcome: OK, CANCELLED, or the code of the error.
        principal: Who called; empty if nobody that is known.
        kind: By what it was known.
        grants: What it had, assigned ones included.
        surface: grpc, rest, websocket, ...; mesh when another node passed it on.
        source: Address of the caller.
        subject: What it was about.
        tenant: Whose things it touched; several with commas; `*` for what belongs to none or to all.
        node: The node that wrote the record.
        done_by: The node that did it, if that is another.
        via: The node that passed it on.
        trace_id: 32 hexadecimal digits, the same on every node that took part.
        elapsed_us: How long it took.
        detail: What else there is to say, by name.
    """

    seq: int
    time: str
    operation: str
    outcome: str = "OK"
    principal: str = ""
    kind: str = ""
    grants: str = ""
    surface: str = ""
    source: str = ""
    subject: str = ""
    tenant: str = ""
    node: str = ""
    done_by: str = ""
    via: str = ""
    trace_id: str = ""
    elapsed_us: int = 0
    detail: dict[str, str] = {}


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(AuditRecord).decode


def time_text(unix_us: int) -> str:
    """Return an instant as records have it, always of the same width."""
    moment = datetime.fromtimestamp(unix_us // 1_000_000, UTC).replace(microsecond=unix_us % 1_000_000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def short(text: str) -> str:
    """Cut a text that somebody outside has chosen; invalid surrogates become question marks."""
    return text[:TEXT_CHARS_MAX].encode(errors="replace").decode()
