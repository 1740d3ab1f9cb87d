"""When the answer of a stream begins: with its first message, or a moment after its caller was let in.

A stream that has nothing to say for hours must still say that it has begun: from there on nothing is missed,
and neither a client nor a proxy takes it for dead. The moment lets an error that comes at once have a status
of its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from caxton_node.api.call import Caller
from caxton_node.api.rest.exchange import Exchange

FIRST_WORD_S = 0.05


class Greeting:
    """Begins one answer, once.

    Args:
        exchange: Whose.
        media: Its content type.
    """

    def __init__(self, exchange: Exchange, media: str) -> None:
        self._exchange = exchange
        self._media = media
        self._timer: asyncio.TimerHandle | None = None
        self._beginning: asyncio.Task[None] | None = None

    def for_caller(self, caller: Caller) -> Caller:
        """Return the caller with which to begin the stream."""
        return replace(caller, on_admitted=lambda _principal: self._arm())

    async def begin(self) -> None:
        """Begin the answer, if that has not happened yet."""
        await self._start()

    async def close(self) -> None:
        """Begin nothing any more; what has begun is out when this returns."""
        if self._timer is not None:
            self._timer.cancel()
        if self._beginning is not None:
            await asyncio.gather(self._beginning, return_exceptions=True)

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(FIRST_WORD_S, self._start)

    def _start(self) -> asyncio.Task[None]:
        if self._beginning is None:
            self._beginning = asyncio.create_task(self._exchange.begin(200, self._media))
        return self._beginning
