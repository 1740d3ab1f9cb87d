"""A program on a terminal: what a person types, and what appears."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

LINES, COLUMNS = 30, 100
_CONTROL = re.compile(r"\x1b\[[0-9;?>=]*[a-zA-Z]|\x1b[=>78]|\x1b\][^\x07]*\x07|\r")


class Terminal:
    """The screen and keyboard of one program.

    Args:
        fd: The other end of its terminal.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.seen = ""

    def type(self, keys: str) -> None:
        """Type keys; a line ends with a carriage return, as from the Enter key."""
        os.write(self._fd, keys.encode())

    def wait_for(self, text: str, within_s: float = 20.0) -> str:
        """Wait until a text appears after what was waited for before; returns what came up to it."""
        until = time.monotonic() + within_s
        while text not in (plain := _CONTROL.sub("", self.seen)):
            left_s = until - time.monotonic()
            assert left_s > 0, f"{text!r} did not appear in {plain!r}"
            if select.select([self._fd], [], [], left_s)[0]:
                data = os.read(self._fd, 65536).decode(errors="replace")
                if "\x1b[6n" in data:  # the program asks where the cursor is
                    self.type("\x1b[1;1R")
                self.seen += data
        before, _, self.seen = plain.partition(text)
        return before


@contextmanager
def on_terminal(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a program on a terminal of its own; it is ended at the end."""
    fd, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", LINES, COLUMNS, 0, 0))
    # setsid makes it the terminal of the program, as a terminal emulator does, so that Ctrl-C reaches it.
    process = subprocess.Popen(
        ["setsid", "--ctty", *command],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environ, "TERM": "xterm"},
    )
    os.close(slave)
    try:
        yield Terminal(fd)
    finally:
        process.kill()
        process.wait()
        os.close(fd)
