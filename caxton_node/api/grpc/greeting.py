"""The first word of a stream: that it has begun, and what is left of the caller's limits.

A client that has it knows that it misses nothing from there on, even if the first answer takes an hour.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from caxton_node.api.call import Caller
from caxton_node.api.grpc.callers import Context
from caxton_node.security import Principal


class Greeting:
    """Sends the initial metadata of one stream, once.

    Args:
        context: Of the stream.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._headers: dict[str, str] = {}
        self._sending: asyncio.Future[None] | None = None

    def of(self, caller: Caller) -> Caller:
        """Return the caller, set so that it is greeted when it is let in."""
        self._headers = caller.headers
        return replace(caller, on_admitted=self._send)

    async def sent(self) -> None:
        """Wait until it is on its way: gRPC takes nothing else before."""
        sending, self._sending = self._sending, None
        if sending is not None:
            await sending

    def _send(self, _principal: Principal) -> None:
        self._sending = asyncio.ensure_future(self._context.send_initial_metadata(small(self._headers)))
        self._sending.add_done_callback(_look)  # a client that has left needs no greeting


def small(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return headers as gRPC wants them: in small letters."""
    return tuple((name.lower(), value) for name, value in headers.items())


def _look(sending: asyncio.Future[None]) -> None:
    if not sending.cancelled():
        sending.exception()
