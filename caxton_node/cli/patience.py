"""What a person sees while something takes its time: what is being done, and for how long.

Nothing is shown for the first half second, nor where nobody looks: only on a terminal, on stderr, and never
together with output for programs.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from caxton_node.cli.output import cell

QUIET_S: Final = 0.5
TURN_S: Final = 0.12
FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
PLAIN_FRAMES: Final = "|/-\\"
_ERASE: Final = "\r\x1b[K"


class Progress:
    """How far something has come; call it with what is done and what there is to do."""

    def __init__(self) -> None:
        self.share: float | None = None

    def __call__(self, done: int, whole: int) -> None:
        """Note it; 0 to do means that nobody knows."""
        self.share = done / whole if whole else None


@contextmanager
def patience(doing: str, stream: TextIO | None = None) -> Iterator[Progress]:
    """Show what is being done until it is done.

    Args:
        doing: Such as `deploying echo.wasm (12 MiB)`.
        stream: Where to; None is stderr.

    Yields:
        What may be told how far it has come.
    """
    shown = sys.stderr if stream is None else stream
    progress = Progress()
    if not shown.isatty():
        yield progress
        return
    done = threading.Event()
    turning = threading.Thread(target=_turn, args=(cell(doing), shown, done, progress), daemon=True)
    turning.start()
    try:
        yield progress
    finally:
        done.set()
        turning.join()


def frame(
    doing: str, elapsed_s: float, width: int, *, share: float | None = None, plain: bool = False
) -> str:
    """Return the line at a moment, cut to the width of the terminal."""
    frames = PLAIN_FRAMES if plain else FRAMES
    mark = frames[int(elapsed_s / TURN_S) % len(frames)]
    tail = ("" if share is None else f" {share:.0%}") + f" {elapsed_s:.0f} s"
    room = max(0, width - len(tail) - 3)
    return f"{mark} {doing if len(doing) <= room else doing[: max(0, room - 1)] + '…'}{tail}"


def _turn(doing: str, stream: TextIO, done: threading.Event, progress: Progress) -> None:
    began_at = time.monotonic()
    if done.wait(QUIET_S):
        return
    plain = "utf" not in (stream.encoding or "").lower()
    while not done.wait(TURN_S):
        width = shutil.get_terminal_size().columns
        line = frame(doing, time.monotonic() - began_at, width, share=progress.share, plain=plain)
        stream.write(_ERASE + line)
        stream.flush()
    stream.write(_ERASE)
    stream.flush()
