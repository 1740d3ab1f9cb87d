"""The live screen of `caxton cluster watch`: ask once a second, draw, and listen to the keyboard."""

from __future__ import annotations

import select
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from caxton_node.cli.cluster_screen import EVENTS_SHOWN, Sight, draw
from caxton_node.cli.cluster_sheet import shown
from caxton_node.cli.plain import plain
from caxton_node.core.errors import CaxtonError

if TYPE_CHECKING:
    from caxton_node.client import Client

ASK_EVERY_S = 1.0
LOOK_EVERY_S = 0.2
ENDS = frozenset({"q", "Q", "\x03", "\x04", "\x1b", ""})


def watch_screen(client: Client, *, color: bool = True) -> None:
    """Show the cluster until somebody presses q or Ctrl-C."""
    console = Console(no_color=not color)
    sight = _look(client, Sight())
    with _keys(), Live(console=console, screen=True, auto_refresh=False) as live:
        asked_at = time.monotonic()
        while True:
            # Drawn more often than asked for, so that a window that changes its size is filled at once.
            live.update(draw(sight, width=console.width, height=console.height), refresh=True)
            if _is_ended(LOOK_EVERY_S):
                return
            if time.monotonic() - asked_at >= ASK_EVERY_S:
                asked_at = time.monotonic()
                sight = _look(client, sight)


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
    return bool(ready) and sys.stdin.read(1) in ENDS


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
