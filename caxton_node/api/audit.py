"""Handlers about the audit log of this node."""

from __future__ import annotations

from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.audit import AuditQuery, AuditRecord, Finding
from caxton_node.audit.record import time_text
from caxton_node.core.errors import CorruptStore, InvalidArgument
from caxton_node.pb import access_pb2 as pb

PAGE_SIZE, PAGE_SIZE_MAX = 100, 1_000
UNIX_MS_MAX = 253_402_300_799_000  # the end of the year 9999
_SEQ_CHARS_MAX = 18


async def list_audit_records(
    services: Services, request: pb.ListAuditRecordsRequest, _call: Call
) -> pb.ListAuditRecordsResponse:
    """Search the log, the latest records first."""
    query = AuditQuery(
        since=_instant(request.since_unix_ms, "since"),
        until=_instant(request.until_unix_ms, "until"),
        principal=request.principal,
        operation=request.operation,
        outcome=request.outcome,
        subject=request.subject,
        tenant=request.tenant,
        trace_id=request.trace_id,
        before_seq=_read_page_token(request.page_token),
        limit=min(request.page_size or PAGE_SIZE, PAGE_SIZE_MAX),
    )
    try:
        page = await services.audit.search(query)
    except OSError as err:
        raise _unreadable(err) from err
    following = str(page.before_seq) if page.before_seq else ""
    return pb.ListAuditRecordsResponse(records=map(_record_of, page.records), next_page_token=following)


async def verify_audit(
    services: Services, _request: pb.VerifyAuditRequest, _call: Call
) -> pb.VerifyAuditResponse:
    """Walk through the log and tell where it is not as it was written."""
    try:
        verdict = await services.audit.verify()
    except OSError as err:
        raise _unreadable(err) from err
    return pb.VerifyAuditResponse(
        whole=verdict.is_whole,
        files=verdict.files,
        records=verdict.records,
        first_seq=verdict.first_seq,
        last_seq=verdict.last_seq,
        last_hash=verdict.last_hash,
        lost=verdict.lost,
        torn=verdict.torn,
        findings=map(_finding_of, verdict.findings),
    )


def _record_of(record: AuditRecord) -> pb.AuditRecord:
    return pb.AuditRecord(**{name: getattr(record, name) for name in record.__struct_fields__})


def _finding_of(finding: Finding) -> pb.AuditFinding:
    return pb.AuditFinding(
        file=finding.file,
        line=finding.line,
        seq=finding.seq,
        problem=finding.problem,
        detail=finding.detail,
    )


def _instant(unix_ms: int, field: str) -> str:
    if not 0 <= unix_ms <= UNIX_MS_MAX:
        raise InvalidArgument(f"{field}_unix_ms is no instant", why="it counts milliseconds since 1970")
    return time_text(unix_ms * 1000) if unix_ms else ""


def _read_page_token(text: str) -> int:
    if text and not (text.isascii() and text.isdecimal() and len(text) <= _SEQ_CHARS_MAX):
        raise InvalidArgument(
            "the page token is none of this list", hint="take next_page_token of the page before"
        )
    return int(text or 0)


def _unreadable(err: OSError) -> CorruptStore:
    return CorruptStore(
        "the audit log cannot be read", why=str(err), hint="look at <data>/audit on the node's own host"
    )
