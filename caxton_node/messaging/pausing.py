"""How a full mailbox slows its senders down.

When a local agent fills a mailbox, what its present turn produced is still taken, and that sender is
*paused*: it gets no turn until the receiver has worked off half of its depth. So between agents of one node a
slow receiver makes its senders wait and nobody is refused; what waits is at most the depth and one turn of
each sender, and twice `bytes_max`. Refusal remains for those who cannot be paused:

- a client or the platform (for a sender on another node see `origin.py`);
- a sender whose pause would close a circle (A waits for B and B for A, or A for itself) and never end;
- a sender whose patience is over (`resume_impatient`, called by the router's tick);
- anybody, once twice the bytes wait.

The alternative, to hold the surplus on the sender's side, keeps the same number of frames in memory but
needs a second queue, a second order and a second count.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import Lock
from time import monotonic_ns

# Guards who waits for whom over all mailboxes, so that circles are found; taken only when one is full.
_pausing = Lock()


class Pausable(ABC):
    """One that makes others wait and may have to wait itself; a mailbox is one.

    Attributes:
        waits_for: The full one because of which this agent, as a sender, is paused.
        paused_at_ns: Since when, monotonic.
        paused_senders: Those that this one has paused; `_pausing` guards these three.
        impatient_with: The one for which this agent does not wait any more.
    """

    __slots__ = ("impatient_with", "paused_at_ns", "paused_senders", "waits_for")

    def __init__(self) -> None:
        self.paused_at_ns: int | None = None
        self.waits_for: Pausable | None = None
        self.impatient_with: Pausable | None = None
        self.paused_senders: list[Pausable] = []

    @property
    @abstractmethod
    def is_roomy(self) -> bool:
        """Return whether senders may go on: half of the room is free again."""

    @property
    def paused_for_s(self) -> float:
        """Return for how long the agent has been paused as a sender; 0 when it is not."""
        at = self.paused_at_ns
        return 0.0 if at is None else (monotonic_ns() - at) / 1e9

    @abstractmethod
    def wake_if_ready(self) -> None:
        """Let the agent have a turn if there is mail."""

    def hold(self, sender: Pausable) -> bool:
        """Pause a sender until there is room here; False if it lost its patience or would wait for itself."""
        return sender.impatient_with is not self and _pause(sender, self)

    def resume_impatient(self) -> None:
        """End this agent's pause; the receiver it waited for refuses it until there is room again."""
        self.impatient_with = self.waits_for
        self.stop_waiting()

    def resume_senders(self) -> None:
        """Let paused senders go on once there is room."""
        if not self.is_roomy:
            return
        with _pausing:
            senders, self.paused_senders = self.paused_senders, []
        for sender in senders:
            if sender.impatient_with is self:
                sender.impatient_with = None
            if sender.waits_for is self:
                sender.stop_waiting()

    def stop_waiting(self) -> None:
        """Let this agent have its turns again."""
        with _pausing:
            self.waits_for = self.paused_at_ns = None
        self.wake_if_ready()


class Gate(Pausable):
    """A place that keeps nothing, at which senders wait while it is shut."""

    __slots__ = ("is_shut",)

    def __init__(self, *, is_shut: bool = False) -> None:
        super().__init__()
        self.is_shut = is_shut

    @property
    def is_roomy(self) -> bool:
        """Return whether senders may go on."""
        return not self.is_shut

    def hold(self, sender: Pausable) -> bool:
        """Pause a sender, unless the gate is open by now."""
        held = super().hold(sender)
        if self.is_shut:  # whoever opens it after this look finds the sender
            return held
        self.resume_senders()  # whoever opened it before may not have seen the sender
        return True

    def open(self) -> None:
        """Let everyone go on."""
        self.is_shut = False
        self.resume_senders()

    def wake_if_ready(self) -> None:
        """Wake nobody: it is no agent."""


def _pause(sender: Pausable, receiver: Pausable) -> bool:
    """Pause a sender until the receiver has room, unless that would close a circle of waiting agents."""
    with _pausing:
        ahead: Pausable | None = receiver
        while ahead is not None:
            if ahead is sender:
                return False
            ahead = ahead.waits_for
        if sender.waits_for is None:
            sender.waits_for = receiver
            sender.paused_at_ns = monotonic_ns()
            receiver.paused_senders.append(sender)
        return True
