"""What was found out about the parts of a node, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How a part of the node is."""

    OK = "ok"
    STARTING = "starting"  # not yet: wait
    DEGRADED = "degraded"  # it does its work, and somebody should look
    FAILED = "failed"  # it does not do its work


class Phase(StrEnum):
    """How far the node has come."""

    STARTING = "starting"
    SERVING = "serving"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found.

    Attributes:
        name: The part: storage, cluster, agents, ...
        state: How it is.
        detail: Why, or a fact worth knowing.
        is_fatal: Nothing but a new start of the process will help.
    """

    name: str
    state: State
    detail: str = ""
    is_fatal: bool = False

    @property
    def is_ok(self) -> bool:
        """Return whether the part does its work."""
        return self.state in {State.OK, State.DEGRADED}


@dataclass(frozen=True, slots=True)
class Report:
    """All findings at one moment.

    Attributes:
        phase: How far the node has come.
        findings: One for each check, in their order.
        at: Monotonic instant at which they were made.
    """

    phase: Phase = Phase.STARTING
    findings: Sequence[Finding] = field(default_factory=tuple)
    at: float = 0.0

    @property
    def is_ready(self) -> bool:
        """Return whether the node takes work: it serves, and every part does its share."""
        return self.phase is Phase.SERVING and all(finding.is_ok for finding in self.findings)

    @property
    def is_alive(self) -> bool:
        """Return whether the process can go on; if not, it must be started anew."""
        return not any(finding.is_fatal for finding in self.findings)

    @property
    def status(self) -> str:
        """Return one word: failed, leaving, starting, degraded or ok, the worst that applies."""
        states = {finding.state for finding in self.findings}
        if State.FAILED in states:
            return State.FAILED
        if self.phase is not Phase.SERVING:
            return self.phase
        return next((state for state in (State.STARTING, State.DEGRADED) if state in states), State.OK)

    @property
    def reasons(self) -> str:
        """Return what is not as it should be, in one line; empty if all is well."""
        return "; ".join(
            f"{finding.name} {finding.state}: {finding.detail}"
            for finding in self.findings
            if finding.state is not State.OK
        )

    def body(self) -> Mapping[str, Any]:
        """Return it for JSON."""
        return {
            "status": str(self.status),
            "ready": self.is_ready,
            "alive": self.is_alive,
            "checks": {
                finding.name: {"ok": finding.is_ok, "state": str(finding.state), "detail": finding.detail}
                for finding in self.findings
            },
        }
