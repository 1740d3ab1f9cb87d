"""An asyncio loop whose clock jumps to the next timer instead of waiting for it.

Code that sleeps and times out by the loop runs as it is, and a minute of a thousand nodes takes as long as
their work takes. Nothing may wait for a thread or a socket: such a wait has no timer, and the loop refuses.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class _Jumping(selectors.SelectSelector):
    """A selector that lets time pass by saying so."""

    def __init__(self, advance: Callable[[float], None]) -> None:
        super().__init__()
        self._advance = advance

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits and no timer is set: virtual time stands still for ever")
        if timeout > 0:
            self._advance(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time, from 0 on."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Jumping(self._pass))

    def time(self) -> float:
        """Return virtual seconds."""
        return self._now

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        self.run_until_complete(asyncio.sleep(seconds))

    def end(self, tasks: list[asyncio.Task[Any]]) -> None:
        """Cancel tasks and close."""
        for task in tasks:
            task.cancel()
        if tasks:
            self.run_until_complete(asyncio.wait(tasks))
        self.close()

    def _pass(self, seconds: float) -> None:
        self._now += seconds
