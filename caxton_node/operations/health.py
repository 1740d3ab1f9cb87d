"""The latest report on this node, for whoever asks, on any thread, at once.

Nobody who asks makes the node look: the checks run once a second on the event loop (`service.py`), and this
holds what they found. So a probe costs nothing, cannot hang, and a report that is not renewed is a finding of
its own: then the event loop hangs, and the threads that answer probes can still say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

from caxton_node.observability import Reading
from caxton_node.observability.board import reading
from caxton_node.operations.findings import Finding, Phase, Report, State

LOOP = "event_loop"
STALE_S = 3.0
"""A report that is older shows that the event loop does not turn; three were due."""
DEAD_S = 15.0
"""So long, and the loop will not turn again by itself."""


class Health:
    """Holds the latest report.

    Args:
        now: Monotonic time in seconds.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._report = Report(at=now())

    @property
    def phase(self) -> Phase:
        """Return how far the node has come."""
        return self._report.phase

    def enter(self, phase: Phase) -> None:
        """Say how far the node has come; findings stay as they were."""
        self._report = replace(self._report, phase=phase)

    def take(self, findings: Iterable[Finding]) -> Report:
        """Hold what was found now; returns the whole report."""
        self._report = report = Report(self._report.phase, tuple(findings), self._now())
        return report

    def report(self) -> Report:
        """Return the latest report, with a finding about the loop if that has not renewed it."""
        report = self._report
        silent_s = self._now() - report.at
        if silent_s < STALE_S:
            return report
        hangs = Finding(
            LOOP, State.FAILED, f"has not turned for {silent_s:.0f} s", is_fatal=silent_s >= DEAD_S
        )
        others = tuple(finding for finding in report.findings if finding.name != LOOP)
        return replace(report, findings=(*others, hangs))

    def page(self, name: str) -> tuple[int, Mapping[str, Any]]:
        """Answer a probe: `health` is for whoever restarts the node, `ready` for whoever sends it work.

        Returns:
            The HTTP status, 200 or 503, and what to say as JSON.
        """
        report = self.report()
        good = report.is_ready if name == "ready" else report.is_alive
        return 200 if good else 503, report.body()

    def readings(self) -> Iterable[Reading]:
        """Return it as metrics; safe on any thread."""
        report = self.report()
        yield reading("caxton_ready", int(report.is_ready))
        for finding in report.findings:
            for state in State:
                yield reading(
                    "caxton_health", int(finding.state is state), check=finding.name, state=str(state)
                )
