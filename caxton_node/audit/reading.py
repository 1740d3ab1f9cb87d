"""Searching the log of one node, the latest records first. Reads files only.

It trusts the files: whether they are as they were written is another question (`verify.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from caxton_node.audit.chain import BrokenLine, unseal
from caxton_node.audit.files import log_files
from caxton_node.audit.record import AuditRecord, decode

SCANNED_MAX = 200_000
"""Lines that one page may look at; the next page goes on."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Conditions that all must hold; what is empty is no condition.

    Attributes:
        since: Not before this instant, as records have it.
        until: Before this instant.
        principal: Who called.
        operation: Name of the operation.
        outcome: OK, FORBIDDEN, ...; `denied` stands for UNAUTHORIZED and FORBIDDEN.
        subject: Occurs in what it was about.
        tenant: Whose things it touched.
        trace_id: As a whole.
        before_seq: Only older ones; 0: from the latest on.
        limit: At most this many.
    """

    since: str = ""
    until: str = ""
    principal: str = ""
    operation: str = ""
    outcome: str = ""
    subject: str = ""
    tenant: str = ""
    trace_id: str = ""
    before_seq: int = 0
    limit: int = 100

    def fits(self, record: AuditRecord) -> bool:
        """Tell whether a record is wanted."""
        return (
            _is(self.principal, record.principal)
            and _is(self.operation, record.operation)
            and _is(self.trace_id, record.trace_id)
            and self._fits_outcome(record.outcome)
            and (not self.tenant or self.tenant in record.tenant.split(","))
            and self.subject in record.subject
            and (not self.until or record.time < self.until)
        )

    def _fits_outcome(self, outcome: str) -> bool:
        if self.outcome == "denied":
            return outcome in {"UNAUTHORIZED", "FORBIDDEN"}
        return _is(self.outcome, outcome)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what was found.

    Attributes:
        records: The latest first.
        before_seq: Where the next page begins; 0 if this was the last.
    """

    records: list[AuditRecord]
    before_seq: int = 0


def search(folder: Path, query: AuditQuery) -> Page:
    """Return the latest records that fit.

    Raises:
        OSError: A file cannot be read.
    """
    found: list[AuditRecord] = []
    for scanned, record in enumerate(_backwards(folder, query.before_seq)):
        if query.since and record.time < query.since:
            break
        if len(found) == query.limit or scanned == SCANNED_MAX:
            return Page(found, record.seq + 1)
        if query.fits(record):
            found.append(record)
    return Page(found)


def _backwards(folder: Path, before_seq: int) -> Iterator[AuditRecord]:
    for file in reversed(log_files(folder)):
        if before_seq and file.first_seq >= before_seq:
            continue
        for line in reversed(file.path.read_bytes().splitlines(keepends=True)):
            record = _read(line)
            if record is not None and (not before_seq or record.seq < before_seq):
                yield record


def _read(line: bytes) -> AuditRecord | None:
    try:
        return decode(unseal(line)[0])
    except (BrokenLine, msgspec.DecodeError, ValueError):
        return None


def _is(wanted: str, found: str) -> bool:
    return not wanted or wanted == found
