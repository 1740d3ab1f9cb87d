"""At most one reaction per subject and period: what answers a rumour must be slower than the rumour."""

from __future__ import annotations

SUBJECTS_MAX = 4096
"""Subjects remembered; beyond it the oldest is forgotten and may be answered early."""


class Cooldown:
    """Remembers when each subject was last reacted to."""

    __slots__ = ("_last", "_period_s")

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._last: dict[bytes, float] = {}

    def is_ready(self, subject: bytes, now: float) -> bool:
        """Tell whether to react now, and count it as done if so."""
        last = self._last.get(subject)
        if last is not None and now - last < self._period_s:
            return False
        self._last.pop(subject, None)
        if len(self._last) >= SUBJECTS_MAX:
            self._last.pop(next(iter(self._last)))
        self._last[subject] = now
        return True
