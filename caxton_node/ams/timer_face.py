"""What a timer looks like outside: in answers, by the wall clock, and as a row that outlives the node."""

from __future__ import annotations

from caxton_node.ams.timer_store import KeptTimer
from caxton_node.ams.timers import Timer
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.fipa import decode, encode
from caxton_node.fipa.codec import READ_ERRORS
from caxton_node.observability.logs import get_logger

_log = get_logger("ams")


class TimerFace:
    """Turns timers, whose instants are monotonic, into what is told and kept, and back.

    Args:
        clock: Both times.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def unix_ms(self) -> int:
        """Return the time by the wall clock."""
        return self._clock.unix_us() // 1000

    def agreement(self, timer: Timer) -> dict[str, object]:
        """Return what an AGREE says of a timer that is set."""
        return {"timer": timer.id, "due_unix_ms": self._to_unix_ms(timer.due_at)}

    def news(self, timer: Timer) -> dict[str, object]:
        """Return what an INFORM says of a timer that rings now."""
        return {"timer": timer.id, "unix_ms": self.unix_ms(), "count": timer.count}

    def line(self, timer: Timer) -> dict[str, object]:
        """Return a timer as a list has it."""
        line = {**self.agreement(timer), "durable": timer.durable}
        return {**line, "every_ms": round(timer.every_s * 1000)} if timer.every_s else line

    def kept(self, timer: Timer) -> KeptTimer:
        """Return a timer as a row."""
        due, every = self._to_unix_ms(timer.due_at), round(timer.every_s * 1000)
        return KeptTimer(timer.agent, timer.id, due, every, encode(timer.request))

    def read_kept(self, kept: KeptTimer) -> Timer | None:
        """Read a row; None for one of another age of this program, which must not keep the node down."""
        try:
            request = decode(kept.request)
        except (*READ_ERRORS, CaxtonError) as err:
            _log.error("a stored timer cannot be read and is left out", agent=kept.agent, reason=str(err))
            return None
        due_at = self._clock.now() + (kept.due_unix_ms - self.unix_ms()) / 1000
        return Timer(kept.agent, kept.id, due_at, kept.every_ms / 1000, durable=True, request=request)

    def _to_unix_ms(self, at: float) -> int:
        return self.unix_ms() + round((at - self._clock.now()) * 1000)
