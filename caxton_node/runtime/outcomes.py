"""What a call into a guest came to."""

from __future__ import annotations

from msgspec import Struct

from caxton_node.core.errors import DeploymentFailed
from caxton_node.runtime.traps import Trap
from caxton_node.runtime.violations import Violation


class Outcome(Struct, gc=False):
    """What one batch came to.

    Attributes:
        handled: Messages completed, counted from the front.
        outbox: Frames that the completed messages sent, in order.
        trap: None if all went well.
        fuel_units: Fuel used; 0 where none is counted.
        elapsed_s: Wall time in the guest.
        taken: Messages that were given to the guest; those behind it were not touched.
        rest_s: Seconds that the agent must wait before its next turn, to keep its rates.
        violations: Limits that were passed.
    """

    handled: int
    outbox: list[bytes]
    trap: Trap | None
    fuel_units: int
    elapsed_s: float
    taken: int
    rest_s: float = 0.0
    violations: tuple[Violation, ...] = ()

    @property
    def poisoned(self) -> int | None:
        """Return the index of the message that the trap is to be blamed on, or None.

        A guest that trapped behind its last message did so in no message.
        """
        return self.handled if self.trap is not None and self.handled < self.taken else None


class StartFailed(DeploymentFailed):
    """An instance did not start; its memory was freed.

    Attributes:
        trap: What happened.
        violation: The limit behind it, if it was one.
    """

    code = "AGENT_START_FAILED"

    def __init__(self, trap: Trap, violation: Violation | None = None) -> None:
        super().__init__(
            "the agent did not start", why=str(trap), hint="what the guest said is in the log of the node"
        )
        self.trap = trap
        self.violation = violation


class CheckpointFailed(DeploymentFailed):
    """An instance left no checkpoint; it goes on unless it trapped.

    Attributes:
        trap: What happened; if it is fatal the instance is lost.
        violation: The limit behind it, if it was one; with the size of what was too large to keep.
    """

    code = "CHECKPOINT_FAILED"

    def __init__(self, trap: Trap, violation: Violation | None = None) -> None:
        super().__init__(
            "the agent left no checkpoint",
            why=str(trap),
            hint="raise its checkpoint_bytes_max, or mend the agent",
        )
        self.trap = trap
        self.violation = violation
