"""What is written down about one call: two numbers always, a record in the audit log when it is due.

Audited are calls that change something and those that were refused because of who asked; with
`security.audit_reads` all that were let in. What a limit has turned away at the door is counted only: it has
changed nothing, it comes as fast as somebody likes, and a record of each would undo the limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from google.protobuf.message import Message

from caxton_node.api.call import Call, Caller
from caxton_node.api.operations import Operation
from caxton_node.api.services import Services
from caxton_node.api.tally import Tally
from caxton_node.audit import AuditRecord
from caxton_node.audit.record import short
from caxton_node.core.errors import (
    AccessError,
    Forbidden,
    Overloaded,
    RateLimited,
    ResourceLimit,
    Unauthorized,
)
from caxton_node.observability.logs import get_logger
from caxton_node.resilience import NOBODY, Visit
from caxton_node.security import Principal
from caxton_node.security.principal import write_grants

SUBJECTS_MAX = 100
SUBJECT_FIELDS = ("name", "node_id", "task_id", "key_id", "target", "principal", "to", "sha256", "role")
DETAIL_FIELDS = ("kind", "role", "grants", "permissions")
"""What is worth a record of requests about rights; it is no secret."""
REFUSED = {Unauthorized.code, Forbidden.code}
TURNED_AWAY = {RateLimited.code, Overloaded.code, ResourceLimit.code}

_log = get_logger("audit")


class CallRecord:
    """Follows one call from its arrival to its end.

    Args:
        services: Of this node.
        tally: Where calls are counted.
        operation: What is asked for.
        request: As it came in.
        caller: Who asks, as far as the surface knows.

    Attributes:
        principal: Who it turned out to be; None until then.
        call: The call that was let in; None until then.
        visit: What the limits count; to be left when the call is over.
        node: The node that does it.
    """

    def __init__(
        self, services: Services, tally: Tally, operation: Operation, request: Message, caller: Caller
    ) -> None:
        self.principal: Principal | None = None
        self.call: Call | None = None
        self.visit: Visit = NOBODY
        self.node = services.node_id
        self._services = services
        self._tally = tally
        self._operation = operation
        self._request = request
        self._caller = caller
        self._started_at = perf_counter()

    def finish(self, code: str) -> None:
        """Count the call and, if that is due, write it into the audit log."""
        elapsed_s = perf_counter() - self._started_at
        self.visit.leave()
        self._tally.note(self._operation.method, code, elapsed_s)
        if self.call is None and code in TURNED_AWAY:
            return
        reads_too = self._services.config.security.audit_reads
        if reads_too or self._operation.audited or code in REFUSED:
            self._write(code, elapsed_s)

    def _write(self, code: str, elapsed_s: float) -> None:
        caller, services = self._caller, self._services
        record = record_of(services, self._operation, self._request, self.principal)
        record.outcome = code
        record.surface, record.source = caller.surface, short(caller.address)
        record.trace_id, record.elapsed_us = caller.trace_id, round(elapsed_s * 1e6)
        record.done_by = "" if self.node == services.node_id else self.node
        _add_detail(record, self.call)
        keep(services, record)


def record_of_asked(
    services: Services, operation: Operation, request: Message, call: Call, code: str
) -> AuditRecord:
    """Return the record of what another node has passed on to this one."""
    record = record_of(services, operation, request, call.principal)
    record.outcome, record.surface, record.via = code, "mesh", call.via
    record.trace_id = short(call.trace_id)
    _add_detail(record, call)
    return record


@contextmanager
def writing_down_refusals(services: Services, what: str, caller: Caller) -> Iterator[None]:
    """Write down that a caller was refused before it asked for any operation.

    Args:
        services: Of this node.
        what: What it was refused, for the audit log.
        caller: Who asks, as far as the surface knows.
    """
    try:
        yield
    except AccessError as err:
        record = AuditRecord(0, services.audit.now(), what, node=services.node_id)
        record.outcome, record.surface, record.source = err.code, caller.surface, short(caller.address)
        record.trace_id = caller.trace_id
        keep(services, record)
        raise


def record_of(
    services: Services, operation: Operation, request: Message, principal: Principal | None
) -> AuditRecord:
    """Return what a record says of who asked for what; how it ended is still to be told."""
    record = AuditRecord(0, services.audit.now(), operation.name, node=services.node_id)
    record.subject = short(subject_of(request))
    record.tenant = short(",".join(sorted(operation.reach.tenants(request))))
    record.detail = detail_of(request)
    if principal is not None:
        record.principal, record.kind = short(principal.name), principal.kind.value
        record.grants = short(write_grants(services.access.grants(principal)))
    return record


def keep(services: Services, record: AuditRecord) -> None:
    """Put a record into the audit log, and its gist into the log of the node."""
    is_flood = not services.audit.note(record)
    if is_flood:
        return
    _log.info(
        record.operation,
        principal=record.principal,
        role=record.grants,
        address=record.source,
        subject=record.subject,
        node=record.done_by or record.node,
        outcome=record.outcome,
        elapsed_ms=round(record.elapsed_us / 1000, 1),
        trace_id=record.trace_id,
        **({"via": record.via} if record.via else {}),
    )


def detail_of(request: Any) -> dict[str, str]:  # noqa: ANN401  any request of the table
    """Return what a request wants to give or take, if it is about rights."""
    values = {field: getattr(request, field, "") for field in DETAIL_FIELDS}
    words = {field: value if isinstance(value, str) else ", ".join(value) for field, value in values.items()}
    return {field: short(text) for field, text in words.items() if text}


def _add_detail(record: AuditRecord, call: Call | None) -> None:
    if call is not None:
        record.detail.update({name: short(text) for name, text in call.detail.items()})


def subject_of(request: Any) -> str:  # noqa: ANN401  any request of the table
    """Return what a request is about: an agent, node, task or key, or several nodes."""
    names = (getattr(request, field, "") for field in SUBJECT_FIELDS)
    found = next((name for name in names if name and isinstance(name, str)), "")
    return found or ", ".join(getattr(request, "forget", ())[:SUBJECTS_MAX])
