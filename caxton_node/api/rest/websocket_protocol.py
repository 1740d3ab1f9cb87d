"""WebSocket on one connection: uvicorn's protocol with an end for whoever does not read.

The upgrade comes from `HttpProtocol`, whose limits of time and size end with it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from uvicorn.server import ServerState
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Ping
from wsproto.utilities import LocalProtocolError

FRAME_BYTES_MAX = 1024 * 1024
SLOW_CODE = 1013
SLOW_REASON = "SLOW_READER: what was sent was not read in time; resume with the last cursor"
LAST_CHANCE_S = 5.0


class WebSocketProtocol(WSProtocol):
    """Serves one WebSocket.

    Args:
        config: Of uvicorn.
        server_state: What all connections share.
        app_state: What the connection is known by.
        write_within_s: How long a client may not read what was written for it.
    """

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], *, write_within_s: float
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._write_within_s = write_within_s
        self._writing: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._forget_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give a client that does not read a while, then up."""
        super().pause_writing()
        if self._writing is None:
            self._writing = self.loop.call_later(self._write_within_s, self._give_up)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._forget_timer()

    def handle_close(self, event: CloseConnection) -> None:
        """Close; if it is for bytes that are no frame, say so."""
        if self.conn.state is ConnectionState.OPEN and not self.transport.is_closing():
            self.transport.write(self.conn.send(CloseConnection(code=event.code, reason=event.reason)))
        super().handle_close(event)

    def handle_ping(self, event: Ping) -> None:
        """Answer, unless the client asks without reading the answers."""
        if self.writable.is_set():
            super().handle_ping(event)

    def _give_up(self) -> None:
        """Say why behind what is not read, in case it still will be, and break the connection soon."""
        self._writing = None
        if self.close_sent or self.transport.is_closing():
            self.transport.abort()
            return
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": SLOW_CODE, "reason": SLOW_REASON})
        try:
            self.transport.write(self.conn.send(CloseConnection(code=SLOW_CODE, reason=SLOW_REASON)))
        except LocalProtocolError:
            self.transport.abort()
            return
        self.close_timer = self.loop.call_later(LAST_CHANCE_S, self.transport.abort)

    def _forget_timer(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
