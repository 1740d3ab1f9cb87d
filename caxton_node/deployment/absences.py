"""Nodes that are gone and still counted, or back and not yet believed.

A goodbye may be a restart, a death may be a split, and what is known of a node that was away is old.

Without this a node that restarts for two seconds would move all of its replicas away and back, and the
majority would start a consistent replica while the minority still holds the lease for it. And a
substitute would stop for a replica that ran, by the registry, when its node was last seen.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Absence:
    at: float
    has_left: bool


class Absences:
    """Who is gone, and since when.

    Args:
        restart_grace_s: How long whoever said goodbye keeps what falls to it.
        takeover_delay_s: How long whoever died keeps what is consistent; may change with the cluster's size.
        return_settle_s: How long the registry needs to know what a node runs that has come back.
    """

    def __init__(self, *, restart_grace_s: float, takeover_delay_s: float, return_settle_s: float) -> None:
        self._return_settle_s = return_settle_s
        self._returned_at: dict[str, float] = {}
        self._restart_grace_s = restart_grace_s
        self.takeover_delay_s = takeover_delay_s
        self._absences: dict[str, _Absence] = {}

    def note_died(self, node: str, now: float) -> None:
        """Note that a node was given up."""
        self._returned_at.pop(node, None)
        self._absences[node] = _Absence(now, has_left=False)

    def note_left(self, node: str, now: float) -> None:
        """Note that a node said goodbye."""
        self._returned_at.pop(node, None)
        self._absences[node] = _Absence(now, has_left=True)

    def note_back(self, node: str, now: float) -> None:
        """Note that a node has come, for the first time or again."""
        self._absences.pop(node, None)
        self._returned_at[node] = now

    def unsure(self, now: float) -> set[str]:
        """Return the nodes of which it is not known what they run now."""
        return {node for node, at in self._returned_at.items() if now - at < self._return_settle_s}

    def counted(self, now: float, *, is_consistent: bool) -> set[str]:
        """Return the absent nodes that keep what falls to them.

        A node that left has stopped its agents itself, so nothing consistent waits for it longer.
        """
        return {
            node
            for node, absence in self._absences.items()
            if now - absence.at < self._patience_s(absence, is_consistent=is_consistent)
        }

    def take_due(self, now: float) -> bool:
        """Tell whether nobody waits any more for somebody who is gone or has come; that is forgotten."""
        due = [
            node
            for node, absence in self._absences.items()
            if now - absence.at >= self._patience_s(absence, is_consistent=True)
        ]
        sure = self._returned_at.keys() - self.unsure(now)
        for node in due:
            del self._absences[node]
        for node in sure:
            del self._returned_at[node]
        return bool(due or sure)

    def _patience_s(self, absence: _Absence, *, is_consistent: bool) -> float:
        if absence.has_left:
            return self._restart_grace_s
        return self.takeover_delay_s if is_consistent else 0.0
