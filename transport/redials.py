"""When to dial again: one timer for each peer that could not be reached and still has something to get."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from transport.backoff import pause_s
from transport.settings import Settings


class Redials:
    """Puts dials off, longer each time one fails.

    Args:
        settings: Shortest and longest pause.
        rng: Spreads the pauses.
    """

    def __init__(self, settings: Settings, rng: random.Random) -> None:
        self._settings = settings
        self._rng = rng
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._failed: dict[str, int] = {}

    def is_waiting(self, node_id: str) -> bool:
        """Say whether a dial of this node is put off."""
        return node_id in self._timers

    def put_off(self, node_id: str, dial: Callable[[], None]) -> None:
        """Dial after a pause; one that is put off already stays where it is."""
        if node_id in self._timers:
            return
        failed = self._failed.get(node_id, 0)
        self._failed[node_id] = failed + 1
        pause = pause_s(failed, self._settings.redial_min_s, self._settings.redial_max_s, self._rng)
        self._timers[node_id] = asyncio.get_running_loop().call_later(pause, self._fire, node_id, dial)

    def cancel(self, node_id: str) -> None:
        """Dial no more, and forget how often it failed."""
        self._failed.pop(node_id, None)
        timer = self._timers.pop(node_id, None)
        if timer is not None:
            timer.cancel()

    def cancel_all(self) -> None:
        """Dial nobody any more."""
        for node_id in list(self._timers):
            self.cancel(node_id)

    def _fire(self, node_id: str, dial: Callable[[], None]) -> None:
        del self._timers[node_id]
        dial()
