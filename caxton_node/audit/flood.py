"""Refusals of callers that nobody knows: each gets a record, until they come in floods. Pure.

Whoever has no credential, or a join token for one, can be refused thousands of times a second, and a record
for each would fill the disk that the node lives on: an attack by the log. So a burst is written in full; of
what goes on faster than `PER_S` only the number is. Refusals of somebody who is known are never folded:
limits hold those back, and what limits refuse is not noted at all (`api/call_record.py`).
"""

from __future__ import annotations

from caxton_node.audit.record import AuditRecord

NEWCOMER = "newcomer"
"""The kind of those who show a join token, which says nothing of who they are."""
BURST = 1_000
PER_S = 10.0


class Flood:
    """Holds records back.

    Attributes:
        folded: Records held back that no record tells of yet.
    """

    def __init__(self) -> None:
        self.folded = 0
        self._room = float(BURST)
        self._at = 0.0

    def holds_back(self, record: AuditRecord, now: float) -> bool:
        """Tell whether a record is one too many, and count it then.

        Args:
            record: What would be written.
            now: Monotonic seconds.
        """
        is_known = record.principal and record.kind != NEWCOMER
        if is_known or record.outcome == "OK":
            return False
        self._room = min(BURST, self._room + (now - self._at) * PER_S)
        self._at = now
        if self._room < 1:
            self.folded += 1
            return True
        self._room -= 1
        return False
