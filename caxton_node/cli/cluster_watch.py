"""The live screen of `caxton cluster watch`: ask once a second, draw, and listen to the keyboard."""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from caxton_node.cli.cluster_screen import EVENTS_SHOWN, Sight, draw
from caxton_node.cli.cluster_sheet import shown
from caxton_node.client.plain import plain
from caxton_node.core.errors import CaxtonError

if TYPE_CHECKING:
    from caxton_node.client import Client

ASK_EVERY_S = 1.0
LOOK_EVERY_S = 0.2
READ_BYTES = 64
ENDS = re.compile(rb"[qQ\x03\x04]")
ESCAPE = b"\x1b"
SEQUENCE = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|O.)")
"""What a terminal sends for an arrow or the mouse wheel."""


def watch_screen(client: Client, *, color: bool = True) -> None:
    """Show the cluster until somebody presses q or Ctrl-C."""
    console = Console(no_color=not color)
    lookout = Lookout(client)
    with _keys(), Live(console=console, screen=True, auto_refresh=False) as live:
        lookout.start()
        while True:
            # Drawn more often than asked for, so that a window that changes its size is filled at once.
            live.update(draw(lookout.sight, width=console.width, height=console.height), refresh=True)
            if _is_ended(LOOK_EVERY_S):
                return


class Lookout(threading.Thread):
    """Asks the node again and again beside the screen, which must answer to keys also when the node does not.

    Args:
        client: To the node; nobody else uses it meanwhile.

    Attributes:
        sight: What the node said last.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(name="lookout", daemon=True)
        self.sight = _look(client, Sight())
        self._client = client

    def run(self) -> None:
        """Ask until the program ends."""
        while True:
            time.sleep(ASK_EVERY_S)
            self.sight = _look(self._client, self.sight)


def _look(client: Client, before: Sight) -> Sight:
    """Return what the node says now, or what it said last and why it says nothing."""
    now = time.time_ns() // 1_000_000
    try:
        return Sight(
            members=[shown(plain(member)) for member in client.cluster.members()],
            status=plain(client.cluster.status()),
            events=[plain(event) for event in client.cluster.events(limit=EVENTS_SHOWN)],
            at_unix_ms=now,
        )
    except CaxtonError as err:
        return Sight(before.members, before.status, before.events, str(err), now)


def _is_ended(within_s: float) -> bool:
    """Wait for a key; return whether it is one that ends."""
    if not sys.stdin.isatty():
        time.sleep(within_s)
        return False
    ready, _, _ = select.select([sys.stdin], [], [], within_s)
    return bool(ready) and ends(os.read(sys.stdin.fileno(), READ_BYTES))


def ends(typed: bytes) -> bool:
    """Tell whether what was typed ends the screen: q, Ctrl-C, Ctrl-D, Escape alone, or no terminal left."""
    return typed in {b"", ESCAPE} or ENDS.search(SEQUENCE.sub(b"", typed)) is not None


@contextmanager
def _keys() -> Iterator[None]:
    """Read keys one by one and unseen, and leave the terminal as it was."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
