"""From absences to the report of a split: a pure machine.

One node cannot see a split, only that members are gone. Whether they had crashed or were cut off shows when
they come back: whoever returns in the life in which it went was running all the time, on another side.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from caxton_node.cluster.partitions import PartitionView

ABSENT_MAX = 16_384
_WORSE = {PartitionView.MAJORITY: 0, PartitionView.MINORITY: 1, PartitionView.ISOLATED: 2}


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """A split that is over, as it was seen from one node.

    Attributes:
        began_unix_ms: When the first member of the other side was given up.
        ended_unix_ms: When the last of them was back.
        view: The worst view of this node meanwhile.
        here: Members that were seen when fewest were, this node among them.
        there: Members that were gone and had been running all the time.
        restarted: Members that were gone and came back in a new life.
        missing: Members that have not come back.
        conflicts: Registry entries that both sides had written.
    """

    began_unix_ms: int
    ended_unix_ms: int
    view: PartitionView
    here: tuple[str, ...]
    there: tuple[str, ...]
    restarted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    conflicts: int = 0

    @property
    def lasted_s(self) -> float:
        """Return how long the sides were apart, seconds."""
        return (self.ended_unix_ms - self.began_unix_ms) / 1000


@dataclass(frozen=True, slots=True)
class PartitionHealed:
    """Published when a split is over."""

    report: PartitionReport


@dataclass(slots=True)
class _Episode:
    """What has been seen since somebody was missing first."""

    here: tuple[str, ...]
    conflicts: int
    view: PartitionView
    there: dict[str, int] = field(default_factory=dict)
    restarted: set[str] = field(default_factory=set)
    returned_at: float = 0.0
    returned_unix_ms: int = 0


class Reunion:
    """Watches who goes and who returns.

    Args:
        quiet_s: A split is over when nobody of the other side has returned for so long.
    """

    def __init__(self, quiet_s: float) -> None:
        self._quiet_s = quiet_s
        self._absent: dict[str, tuple[int, int]] = {}
        self._episode: _Episode | None = None
        self._view = PartitionView.MAJORITY

    def handle_died(
        self, node: str, *, epoch: int, unix_ms: int, alive: Sequence[str], conflicts: int
    ) -> None:
        """Note that a member was given up.

        Args:
            node: The member.
            epoch: Its life.
            unix_ms: When.
            alive: Who is seen from here without it.
            conflicts: Registry conflicts settled by this node so far.
        """
        if len(self._absent) >= ABSENT_MAX:
            del self._absent[next(iter(self._absent))]
        self._absent[node] = (epoch, unix_ms)
        if self._episode is None or not self._episode.there:
            # Who was missing before may be gone for good: what began with it is kept only once it is known
            # to be a split.
            self._episode = _Episode(tuple(alive), conflicts, self._view)
        elif len(alive) < len(self._episode.here):
            self._episode.here = tuple(alive)

    def handle_left(self, node: str) -> None:
        """Note that a member will not be missed."""
        self._absent.pop(node, None)

    def handle_back(self, node: str, *, epoch: int, unix_ms: int, now: float) -> None:
        """Note that a member is there, whether it was missed or not."""
        gone = self._absent.pop(node, None)
        if gone is None or self._episode is None:
            return
        if epoch == gone[0]:
            self._episode.there[node] = gone[1]
            self._episode.returned_at, self._episode.returned_unix_ms = now, unix_ms
        else:
            self._episode.restarted.add(node)

    def handle_view(self, view: PartitionView) -> None:
        """Note what this node may assume now."""
        self._view = view
        if self._episode is not None and _WORSE[view] > _WORSE[self._episode.view]:
            self._episode.view = view

    def take_report(
        self, view: PartitionView, *, now: float, conflicts: int, agreed: Collection[str]
    ) -> PartitionReport | None:
        """Return the report of a split that is over, once.

        Args:
            view: Of this node now.
            now: Monotonic time in seconds.
            conflicts: As in `handle_died`.
            agreed: Who counts; others are not missed.
        """
        episode = self._episode
        if episode is None or view is not PartitionView.MAJORITY:
            return None
        if not episode.there:
            self._episode = episode if self._absent else None
            return None
        if now - episode.returned_at < self._quiet_s:
            return None
        self._episode = None
        return PartitionReport(
            began_unix_ms=min(episode.there.values()),
            ended_unix_ms=episode.returned_unix_ms,
            view=episode.view,
            here=episode.here,
            there=tuple(sorted(episode.there)),
            restarted=tuple(sorted(episode.restarted)),
            missing=tuple(sorted(set(self._absent).intersection(agreed))),
            conflicts=conflicts - episode.conflicts,
        )
