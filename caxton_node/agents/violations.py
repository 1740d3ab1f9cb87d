"""Limits that agents passed: counted on the workers' threads, told about a few times a second.

A throttled agent passes its rate with every turn. So what comes is added up for each agent and limit, and one
event, one log line and one metric say how often it was, with the latest figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from caxton_node.core.events import EventBus
from caxton_node.observability import Board
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.violations import Bound, Violation

OPEN_MAX = 10_000
"""Agents and limits that are added up at once; what is beyond is counted in the metric only."""

_log = get_logger("agents")


@dataclass(frozen=True, slots=True)
class LimitPassed:
    """An agent passed a limit; published on the bus.

    Attributes:
        instance: `name#version.n@node`.
        violation: The latest.
        times: How often since it was last told.
    """

    instance: str
    violation: Violation
    times: int


class ViolationBook:
    """Adds up violations; any thread notes, the event loop tells.

    Args:
        bus: Where they are published.
        board: Where they are counted.
    """

    def __init__(self, bus: EventBus, board: Board) -> None:
        self._bus = bus
        self._board = board
        self._lock = Lock()
        self._open: dict[tuple[str, Bound], tuple[Violation, int]] = {}
        self._more: dict[tuple[str, str], int] = {}

    def note(self, instance: str, violation: Violation) -> None:
        """Note one violation."""
        key = (instance, violation.bound)
        with self._lock:
            known = self._open.get(key)
            if known is not None or len(self._open) < OPEN_MAX:
                self._open[key] = (violation, known[1] + 1 if known else 1)
            else:
                labels = (violation.bound.value, violation.action.value)
                self._more[labels] = self._more.get(labels, 0) + 1

    def tell(self) -> None:
        """Publish, log and count what came since the last time."""
        with self._lock:
            found, self._open = self._open, {}
            more, self._more = self._more, {}
        for (instance, bound), (violation, times) in found.items():
            self._count(bound.value, violation.action.value, times)
            self._bus.publish(LimitPassed(instance, violation, times))
            _log.warning(
                "limit passed",
                agent=instance,
                kind=bound.value,
                used=round(violation.used, 3),
                limit=violation.limit,
                action=violation.action.value,
                times=times,
            )
        for (kind, action), times in more.items():
            self._count(kind, action, times)

    def _count(self, kind: str, action: str, times: int) -> None:
        self._board.counter("caxton_limit_violations_total", kind=kind, action=action).add(times)
