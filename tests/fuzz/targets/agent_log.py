"""What an agent writes, and what comes out: single lines, tame and short, none lost without being counted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caxton_node.runtime.host.agent_log import BURST_S, LINE_BYTES_MAX, AgentLog
from caxton_node.runtime.ports import LogLevel
from tests.fuzz.puppets import check_line
from tests.fuzz.source import Source, inflate
from tests.support.clock import HandClock

# Warnings are left out so that the log's own can be told apart.
LEVELS = (LogLevel.DEBUG, LogLevel.INFO, LogLevel.ERROR)
BYTES_MAX = 65_536
_NOTICE = re.compile(r"([\d,]+) lines dropped: more than \d+ a second")
EXAMPLES = 400


class _Model:
    """Counts lines as they are written, without any limit."""

    def __init__(self) -> None:
        self.lines = 0
        self._open: dict[LogLevel, int] = {}

    def write(self, data: bytes) -> None:
        self.lines += data.count(b"\n") + 1

    def stream(self, level: LogLevel, data: bytes) -> None:
        lines = data.split(b"\n")
        self.lines += len(lines) - 1
        length = len(lines[-1]) + (self._open.pop(level, 0) if len(lines) == 1 else 0)
        if len(lines) > 1:
            self._open.pop(level, None)
        if length > LINE_BYTES_MAX:
            self.lines += 1
        elif length:
            self._open[level] = length

    def flush(self) -> None:
        self.lines += len(self._open)
        self._open.clear()


def check(data: bytes) -> None:
    """Read a rate, then acts with what they write, each up to a zero byte."""
    clock, sent = HandClock(), list[tuple[LogLevel, str]]()

    def take(level: LogLevel, text: str) -> None:
        check_line(level, text)
        sent.append((level, text))

    head, *acts = data.split(b"\0")
    rate = highest = (1, 100, 100_000)[Source(head).number() % 3]
    log, model = AgentLog(take, clock, rate), _Model()
    for act in acts[:50]:
        source = Source(act)
        kind, level = source.number() % 5, source.pick(LEVELS)
        text = inflate(source.rest(), BYTES_MAX)
        match kind:
            case 0:
                log.write(level, text)
                model.write(text)
            case 1:
                log.stream(level, text)
                model.stream(level, text)
            case 2:
                log.flush()
                model.flush()
            case 3:
                clock.advance(min(len(text), 60) / 10)
            case _:
                log.change_rate(len(text))
                highest = max(highest, len(text))
    log.flush()
    model.flush()
    _check_counts(log, model, sent, highest, clock.now())


def _check_counts(
    log: AgentLog, model: _Model, sent: list[tuple[LogLevel, str]], rate: int, elapsed_s: float
) -> None:
    notices = [_NOTICE.fullmatch(text) for level, text in sent if level is LogLevel.WARNING]
    passed = len(sent) - len(notices)
    assert passed + log.dropped == model.lines
    assert sum(int(notice[1].replace(",", "")) for notice in notices if notice) <= log.dropped
    assert passed <= rate * (BURST_S + elapsed_s) + 1


def seeds() -> Iterator[bytes]:
    """Lines, streams, broken text, escapes, and a flood."""
    yield b"\x01\0\x05\x01one line\0\x01\x01half \0\x01\x01a line\n\0\x02\x01"
    yield b"\x02\0\x05\x02\xff\xfe \x1b[2J \xe2\x80\xa8 \xc2\x85\rforged\0\x01\x02\xc1\x0d\xc3"
    yield b"\x03\0\x05\x01\xc1\x0f\n\0\x03\x01\xc1\x06.\0\x04\x01" + b"r" * 9 + b"\0\x05\x01again"
