"""Times single messages inside of one guest call.

A batch has the time of all its messages together, so that none is stopped for the company it kept. By itself
that would let one runaway message take the whole batch's time. So with every epoch that a call is under way
the host looks at `handled` in the control block: as long as that moves, the guest gets on; a message that has
had its own time since the last look at which it moved is stopped. That is exact to the length of an epoch. A
guest that moves `handled` without handling gains at most what the batch has.

Fuel cannot be judged so: compiled code keeps it in a register and writes it down only around calls.
"""

from __future__ import annotations

from time import perf_counter

from caxton_node.runtime.control_block import ControlBlock
from caxton_node.runtime.traps import TIME_TEXT


class Stopwatch:
    """Judges the call under way of one sandbox; each call begins it anew.

    Attributes:
        block: Where the guest counts what it has handled; None before it is warm.
        started_at: When the call began.
        count: Messages in it; 0 when it is no batch.
        time_s: Time for each message, or for the whole of what is no batch.
        used_s: What the message that was stopped had used.
    """

    __slots__ = ("_called_at", "_handled", "_moved_at", "block", "count", "started_at", "time_s", "used_s")

    def __init__(self) -> None:
        self.block: ControlBlock | None = None
        self.started_at = self._called_at = self._moved_at = 0.0
        self.count = self._handled = 0
        self.time_s = self.used_s = 0.0

    def look(self) -> str | None:
        """Return why the guest must stop, or None if it may go on; on the thread of the call."""
        now = perf_counter()
        if self._called_at != self.started_at:  # the first look at this call
            self._called_at = self._moved_at = self.started_at
            self._handled = 0
        if self._has_moved():
            self._moved_at = now
        elif now - self._moved_at > self.time_s:
            self.used_s = now - self._moved_at
            return TIME_TEXT
        return None

    def _has_moved(self) -> bool:
        if self.block is None or not self.count:
            return False
        handled = self.block.handled
        moved = self._handled < handled <= self.count
        if moved:
            self._handled = handled
        return moved
