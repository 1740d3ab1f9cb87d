"""Long rounds in short pieces, by time: messages and heartbeats wait for no ten thousand deployments."""

from __future__ import annotations

import asyncio

from caxton_node.core.clock import Clock

SLICE_S = 0.005


class Slices:
    """Tells a round when others should get a turn of the event loop, and gives it to them.

    Args:
        clock: Time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now()

    @property
    def is_over(self) -> bool:
        """Return whether the present piece has taken long enough."""
        return self._clock.now() - self._began >= SLICE_S

    async def rest(self) -> None:
        """Let others have a turn, and begin a new piece."""
        await asyncio.sleep(0)
        self._began = self._clock.now()
