"""What callers did and what they were refused, written down so that a later change of it shows.

Start reading at `chain.py` (how lines depend on one another), then `record.py` (what a line says);
`writer.py` puts them into files, `service.py` says when, `verify.py` checks a folder of them, `reading.py`
searches it. It does not decide what is worth a record (`api/pipeline.py`).
"""

from caxton_node.audit.reading import AuditQuery, Page
from caxton_node.audit.record import AuditRecord
from caxton_node.audit.service import AuditLog
from caxton_node.audit.verify import Finding, Verdict, verify
from caxton_node.audit.writer import AuditSettings

__all__ = ["AuditLog", "AuditQuery", "AuditRecord", "AuditSettings", "Finding", "Page", "Verdict", "verify"]
