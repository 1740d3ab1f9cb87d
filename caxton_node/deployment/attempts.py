"""Failures on this node: how long to wait before the next attempt, and when to give a replica up.

Waits double up to a bound. After some failures, or at once for what no repetition mends, the node refuses the
replica and another takes it; the refusal ends by itself, since disks are cleared and modules turn up again.
Another edition of the deployment begins without a past: it counts as another after a change, and after it was
deleted and created again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from caxton_node.deployment.settings import Settings

Edition: TypeAlias = tuple[int, int]
"""See `DeploymentSpec.edition`."""
AT_ANY_TIME = float("-inf")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong with one deployment here.

    Attributes:
        edition: With which edition of it.
        reason: The latest failure, for people.
        until: Nothing is tried before this monotonic instant.
        failures: Since it last ran calmly.
        refusals: As often it has been given up.
        is_refusal: It is given up at present.
        started_at: When it was last started after a failure; 0 before.
    """

    edition: Edition
    reason: str
    until: float
    failures: int = 1
    refusals: int = 0
    is_refusal: bool = False
    started_at: float = 0.0


class Attempts:
    """The troubles of this node by deployment.

    Args:
        settings: Waits and bounds.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._troubles: dict[str, Trouble] = {}

    def find(self, name: str, edition: Edition) -> Trouble | None:
        """Return the trouble with this edition, None if there is none."""
        trouble = self._troubles.get(name)
        return trouble if trouble is not None and trouble.edition == edition else None

    def may_try(self, name: str, edition: Edition, now: float) -> bool:
        """Tell whether it is time to try (again)."""
        trouble = self.find(name, edition)
        return trouble is None or now >= trouble.until

    def note_failure(
        self, name: str, edition: Edition, reason: str, *, now: float, is_final: bool = False
    ) -> Trouble:
        """Take a failure down and say how it goes on.

        Args:
            name: The deployment.
            edition: Which of its editions.
            reason: For people.
            now: Monotonic.
            is_final: No repetition would mend it.
        """
        settings, before = self._settings, self.find(name, edition)
        if before is not None and before.started_at and now - before.started_at >= settings.calm_s:
            before = None
        failures = 1 if before is None else before.failures + 1
        refused = 0 if before is None else before.refusals
        if is_final or failures >= settings.tries_max:
            rest_s = min(settings.refusal_s * 2**refused, settings.refusal_longest_s)
            trouble = Trouble(edition, reason, now + rest_s, failures, refusals=refused + 1, is_refusal=True)
        else:
            wait_s = min(settings.retry_first_s * 2 ** (failures - 1), settings.retry_longest_s)
            trouble = Trouble(edition, reason, now + wait_s, failures, refused)
        self._troubles[name] = trouble
        return trouble

    def note_started(self, name: str, edition: Edition, now: float) -> None:
        """Note that it runs; whether for long will be seen."""
        trouble = self.find(name, edition)
        if trouble is not None:
            self._troubles[name] = replace(trouble, started_at=now, is_refusal=False)

    def forget(self, name: str) -> None:
        """Forget a deployment that was deleted."""
        self._troubles.pop(name, None)

    def take_due(self, now: float) -> list[str]:
        """Return the deployments that may be tried again, each once; a refusal among them is over."""
        due = [name for name, trouble in self._troubles.items() if AT_ANY_TIME < trouble.until <= now]
        for name in due:
            trouble = self._troubles[name]
            failures = self._settings.tries_max - 1 if trouble.is_refusal else trouble.failures
            self._troubles[name] = replace(trouble, until=AT_ANY_TIME, failures=failures, is_refusal=False)
        return due
