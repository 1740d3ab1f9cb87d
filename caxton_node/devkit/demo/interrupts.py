"""Ctrl-C, held off for the moments in which it would leave something behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupts:
    """Turns the first SIGINT or SIGTERM into KeyboardInterrupt, but not inside of `held`.

    Between the start of a process and the note of its id, say, an interrupt would lose the process. Later
    ones find the demonstration ending already and are ignored.
    """

    def __init__(self) -> None:
        self._holds = 0
        self._pending = False

    def listen(self) -> None:
        """Take both signals from now on.

        SIGINT too: a shell that starts this in the background has it ignored, and Python then leaves it so.
        """
        for number in _SIGNALS:
            signal.signal(number, self._handle)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let an interrupt wait until the block has ended."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        if self._pending and not self._holds:
            self._interrupt()

    def end(self) -> None:
        """Let nothing interrupt any more: what is being cleared up is cleared up whole."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  the signature is signal's
        if self._holds:
            self._pending = True
        else:
            self._interrupt()

    def _interrupt(self) -> None:
        self.end()
        raise KeyboardInterrupt
