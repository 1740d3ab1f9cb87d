"""Word to systemd: ready, alive, stopping.

The protocol is one datagram to the socket in `NOTIFY_SOCKET` (sd_notify(3)); outside systemd every call does
nothing. Watchdog messages are sent at half the interval that systemd set, by the event loop itself and only
while the node can go on: when the loop hangs, the store is stuck or a worker has died they stop, and systemd
restarts the node.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

LINE_CHARS_MAX = 200


class Shown(Protocol):
    """A report on the node, as `operations.Report` is one."""

    @property
    def status(self) -> str:
        """Return one word."""
        ...

    @property
    def reasons(self) -> str:
        """Return what is not as it should be, in one line."""
        ...


class Systemd:
    """Sends state changes to the service manager that started this process.

    Args:
        environ: Where `NOTIFY_SOCKET` and `WATCHDOG_USEC` are looked up.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the zero byte of Linux's abstract socket names.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_interval_s = int(environ.get("WATCHDOG_USEC", "0")) / 1_000_000

    def ready(self, status: str) -> None:
        """Say that the node serves, with one line for `systemctl status`."""
        self._send(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """Say that an orderly shutdown has begun."""
        self._send("STOPPING=1")

    async def show(self, report: Shown) -> None:
        """Show in `systemctl status` how the node is."""
        line = f"{report.status}: {report.reasons}" if report.reasons else report.status
        self._send(f"STATUS={line[:LINE_CHARS_MAX]}")

    async def keep_watchdog_fed(self, is_alive: Callable[[], bool] = lambda: True) -> None:
        """Tell systemd that the node can go on, until cancelled; returns at once when no watchdog is set.

        Args:
            is_alive: Asked before each message; while it says no, systemd hears nothing.
        """
        while self._address and self.watchdog_interval_s:
            if is_alive():
                self._send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_interval_s / 2)

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # A service manager that does not listen is no reason to fail, as in sd_notify's own examples; and the
        # next watchdog message may get through.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(message.encode(), self._address)
