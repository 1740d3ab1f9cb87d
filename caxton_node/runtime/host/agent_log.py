"""An agent's log: bounded in line length and in lines per second, so that no agent can fill a disk.

Control characters are spelled out: a line stays one line, and does nothing to the terminal that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from caxton_node.core.clock import Clock
from caxton_node.core.shown import UNSHOWN, spell
from caxton_node.runtime.ports import LogLevel, LogSink

LINE_BYTES_MAX = 4_096
BURST_S = 2
NOTE_EVERY_S = 1.0

_CONTROL = re.compile(rf"[{UNSHOWN}]")


class AgentLog:
    """Passes lines on while a token bucket has tokens, then counts what it drops and says so once.

    Args:
        sink: Where lines go.
        clock: Refills the bucket: the real clock, whatever time the agent sees.
        lines_per_s: Lines that are taken each second; a burst of twice as many is.

    Attributes:
        dropped: Lines dropped since somebody last asked and cleared this.
    """

    __slots__ = (
        "_clock",
        "_lines_per_s",
        "_noted_at",
        "_partial",
        "_refilled_at",
        "_sink",
        "_suppressed",
        "_tokens",
        "dropped",
    )

    def __init__(self, sink: LogSink, clock: Clock, lines_per_s: int) -> None:
        self._sink = sink
        self._clock = clock
        self._lines_per_s = lines_per_s
        self._tokens = float(BURST_S * lines_per_s)
        self._refilled_at = clock.now()
        self._suppressed = 0
        self._noted_at = -NOTE_EVERY_S
        self.dropped = 0
        self._partial: dict[LogLevel, bytes] = {}

    def change_rate(self, lines_per_s: int) -> None:
        """Take so many lines each second from now on."""
        self._lines_per_s = lines_per_s
        self._tokens = min(self._tokens, BURST_S * lines_per_s)

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
                self._drop(len(lines) - number - 1)
                return

    def _emit(self, level: LogLevel, line: bytes) -> None:
        if not self._take_token():
            self._drop(1)
            return
        if self._suppressed and self._refilled_at - self._noted_at >= NOTE_EVERY_S:
            self._note_drops()
        text = _CONTROL.sub(spell, line[:LINE_BYTES_MAX].decode("utf-8", "replace"))
        self._sink(level, f"{text} [cut at {LINE_BYTES_MAX} bytes]" if len(line) > LINE_BYTES_MAX else text)

    def _note_drops(self) -> None:
        """Say how many lines were dropped; at most once a second, since the note has no token."""
        rate = f"more than {self._lines_per_s} a second"
        self._sink(LogLevel.WARNING, f"{self._suppressed:,} lines dropped: {rate}")
        self._suppressed, self._noted_at = 0, self._refilled_at

    def _drop(self, lines: int) -> None:
        self._suppressed += lines
        self.dropped += lines

    def _take_token(self) -> bool:
        now = self._clock.now()
        burst, new = BURST_S * self._lines_per_s, (now - self._refilled_at) * self._lines_per_s
        self._tokens = min(burst, self._tokens + new)
        self._refilled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
