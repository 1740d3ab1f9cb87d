"""An agent's log: bounded in line length and in lines per second, so that no agent can fill a disk.

Control characters are spelled out: a line stays one line, and does nothing to the terminal that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from caxton_node.core.clock import Clock
from caxton_node.runtime.ports import LogLevel, LogSink

LINE_BYTES_MAX = 4_096
LINES_PER_S = 100
BURST_LINES = 200

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class AgentLog:
    """Passes lines on while a token bucket has tokens, then counts what it drops and says so once.

    Args:
        sink: Where lines go.
        clock: Refills the bucket.
    """

    def __init__(self, sink: LogSink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._tokens = float(BURST_LINES)
        self._refilled_at = clock.now()
        self._suppressed = 0
        self._partial: dict[LogLevel, bytes] = {}

    def write(self, level: LogLevel, data: bytes) -> None:
        """Log one entry; line breaks in it start further lines."""
        self._emit_all(level, data.split(b"\n"))

    def stream(self, level: LogLevel, data: bytes) -> None:
        """Log a piece of a stream such as stdout: whole lines now, the rest when its line ends."""
        *lines, rest = (self._partial.pop(level, b"") + data).split(b"\n")
        self._emit_all(level, lines)
        if len(rest) > LINE_BYTES_MAX:
            self._emit(level, rest)
        elif rest:
            self._partial[level] = rest

    def flush(self) -> None:
        """Log what is left of unfinished lines."""
        for level, rest in self._partial.items():
            self._emit(level, rest)
        self._partial.clear()

    def _emit_all(self, level: LogLevel, lines: Sequence[bytes]) -> None:
        """Log lines; once there is no token for one, the others are counted without a look."""
        for number, line in enumerate(lines):
            self._emit(level, line)
            if self._tokens < 1:
                self._suppressed += len(lines) - number - 1
                return

    def _emit(self, level: LogLevel, line: bytes) -> None:
        if not self._take_token():
            self._suppressed += 1
            return
        if self._suppressed:
            self._sink(
                LogLevel.WARNING, f"{self._suppressed:,} lines dropped: more than {LINES_PER_S} a second"
            )
            self._suppressed = 0
        text = _CONTROL.sub(_spell, line[:LINE_BYTES_MAX].decode("utf-8", "replace"))
        self._sink(level, f"{text} [cut at {LINE_BYTES_MAX} bytes]" if len(line) > LINE_BYTES_MAX else text)

    def _take_token(self) -> bool:
        now = self._clock.now()
        self._tokens = min(BURST_LINES, self._tokens + (now - self._refilled_at) * LINES_PER_S)
        self._refilled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _spell(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
