"""Whom the scheduler tells of traps before the agents' service, which needs the scheduler, exists."""

from __future__ import annotations

from collections.abc import Sequence

from caxton_node.runtime.ports import Watch
from caxton_node.runtime.traps import Trap
from caxton_node.runtime.violations import Violation


class TrapRelay:
    """Passes traps on; implements `runtime.ports.Watch`. Connect it before any agent is attached."""

    def __init__(self) -> None:
        self._watch: Watch | None = None

    def connect(self, watch: Watch) -> None:
        """Name who is told from now on."""
        self._watch = watch

    def handle_trap(
        self, instance: str, trap: Trap, poisoned_frame: bytes | None, waiting: Sequence[bytes]
    ) -> None:
        """Pass on the news of a lost instance."""
        assert self._watch is not None, "an agent was attached before the relay was connected"
        self._watch.handle_trap(instance, trap, poisoned_frame, waiting)

    def handle_violation(self, instance: str, violation: Violation) -> None:
        """Pass on the news of a limit that was passed."""
        assert self._watch is not None, "an agent was attached before the relay was connected"
        self._watch.handle_violation(instance, violation)
