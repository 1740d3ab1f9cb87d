"""One connection that reads a stream, until it leaves, the stream ends, or another connection takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from caxton_node.api.streams.cursor import Cursor
from caxton_node.api.streams.desk import OpenStream
from caxton_node.api.streams.journal import Event
from caxton_node.core.errors import ReaderReplaced

BATCH_MAX = 64


class Bell:
    """Wakes everybody who waits for something to change."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake those who wait now."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def wait(self) -> None:
        """Wait for the next ring."""
        await self._event.wait()


class Reader:
    """What a connection holds of a stream.

    Args:
        stream: The stream.
        turn: The connection's turn, from the desk.
        bell: Rung when the stream has something new, and by the reader when it has made room.
        leave: Called once when the reader leaves; told whether nobody will come back.
        headers: What the answer shall say besides its body.
    """

    def __init__(
        self,
        stream: OpenStream,
        turn: int,
        *,
        bell: Bell,
        leave: Callable[[bool], None],
        headers: Mapping[str, str],
    ) -> None:
        self.headers = headers
        self._stream = stream
        self._turn = turn
        self._bell = bell
        self._leave: Callable[[bool], None] | None = leave

    @property
    def cursor(self) -> str:
        """Return the cursor after everything that was taken."""
        return self.cursor_at(self._stream.journal.given)

    def cursor_at(self, seq: int) -> str:
        """Return the cursor of an event."""
        return str(Cursor(self._stream.stream_id, seq))

    async def take(self) -> list[Event]:
        """Wait for the next events, oldest first; none means that the stream has come to its end.

        If the waiting is cancelled, nothing is lost.

        Raises:
            ReaderReplaced: Another connection has taken over.
            CaxtonError: Why the stream ended.
        """
        journal = self._stream.journal
        while True:
            self._check_turn()
            if events := journal.take(BATCH_MAX):
                self._bell.ring()
                return events
            if journal.error is not None:
                raise journal.error
            if journal.ended:
                return []
            await self._bell.wait()

    def close(self, *, for_good: bool = False) -> None:
        """Leave; the stream waits a while for somebody to resume it, unless nobody will."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave(for_good)

    def _check_turn(self) -> None:
        if self._stream.turn != self._turn:
            raise ReaderReplaced(
                "another connection has resumed this stream",
                why="a stream has one reader at a time, and the newest is it",
                hint="close this connection; begin anew without a cursor to read beside the other one",
            )
