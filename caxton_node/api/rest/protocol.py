"""HTTP/1.1 on one connection: uvicorn's protocol with limits of its own on time and size.

The parser itself refuses what smuggles requests: two lengths, a length beside chunks, bare line feeds. Added
here are the client's certificate or process, and an end for whoever is slow or large on purpose.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from caxton_node.api.rest.connection import Connection
from caxton_node.api.rest.listener import Listener
from caxton_node.api.rest.problem import problem_of
from caxton_node.api.rest.refusals import HeadersTooLarge, Refusal, TooSlow, UriTooLong, WrongVersion
from caxton_node.api.rest.reply import PROBLEM
from caxton_node.api.rest.settings import Settings

HEADER_BYTES_MAX = 64 * 1024
URL_BYTES_MAX = 16 * 1024
PIPELINED_MAX = 64
VERSIONS = frozenset({"1.0", "1.1"})


class HttpProtocol(HttpToolsProtocol):
    """Serves the requests of one connection.

    Args:
        config: Of uvicorn.
        listener: What all connections of one port or socket share.
        settings: Limits.
        node_id: This node, named in errors.
    """

    def __init__(self, config: Config, listener: Listener, *, settings: Settings, node_id: str) -> None:
        super().__init__(config, listener.state, {})
        self._listener = listener
        self._settings = settings
        self._node_id = node_id
        self._connection = Connection()
        self._header_bytes = 0
        self._refusal: Refusal | None = None
        self._waiting: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._dropping: asyncio.TimerHandle | None = None
        self._is_whole = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Learn who it is."""
        super().connection_made(transport)
        self._listener.note_made(self)
        self._connection = Connection.of(transport)
        self.app_state = {"connection": self._connection, "bodies": self._listener.bodies}
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop what was being done for it."""
        self._connection.lose()
        for timer in (self._waiting, self._writing, self._dropping):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._refusal is None:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._header_bytes = 0
        self._wait_for_headers()
        if len(self.pipeline) >= PIPELINED_MAX:
            self._refuse(Refusal("too many requests at once", hint="wait for answers"))

    def on_url(self, url: bytes) -> None:
        """Take a part of the request's address."""
        super().on_url(url)
        if not self.url.startswith((b"/", b"*")) or b"#" in url:
            self._refuse(
                Refusal(
                    "the address is not a path", why="it begins with / and has no #", hint="write # as %23"
                )
            )
        if len(self.url) > URL_BYTES_MAX:
            self._refuse(
                UriTooLong(f"the address is longer than {URL_BYTES_MAX} bytes", hint="send a body instead")
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADER_BYTES_MAX:
            self._refuse(HeadersTooLarge(f"the headers are longer than {HEADER_BYTES_MAX} bytes"))

    def on_headers_complete(self) -> None:
        """Hand the request over."""
        if self.parser.get_http_version() not in VERSIONS:
            self._refuse(
                WrongVersion("only HTTP/1.1 is spoken here", hint="see whether the client can do that")
            )
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self._is_whole = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that a request is there to its end."""
        self._is_whole = True
        if self._dropping is not None:
            self._dropping.cancel()
            self._dropping = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Give whoever was answered before its body was read a while to send the rest, which nobody keeps."""
        super().on_response_complete()
        if not self._is_whole and self.cycle.response_complete and self._dropping is None:
            self._dropping = self.loop.call_later(self._settings.body_within_s, self.transport.abort)

    def pause_writing(self) -> None:
        """Give a client that does not read a while, then up."""
        super().pause_writing()
        if self._writing is None:
            self._writing = self.loop.call_later(self._settings.write_within_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP, or too much of it, and close."""
        refusal = self._refusal or Refusal(
            "the request is not HTTP/1.1", why=msg, hint="look at its first line and headers"
        )
        self._refusal = refusal
        self._say(refusal)

    def _refuse(self, refusal: Refusal) -> None:
        """Break the parser off; what it raises comes back as `send_400_response`."""
        self._refusal = refusal
        raise refusal

    def _wait_for_headers(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self._settings.headers_within_s, self._give_up)

    def _give_up(self) -> None:
        self._waiting = None
        has_begun = self.headers is not None and not self.transport.is_closing()
        if has_begun and (self.cycle is None or self.cycle.response_complete):
            self._refusal = TooSlow("the headers did not come in time")
            self._say(self._refusal)
        else:
            self.transport.abort()

    def _say(self, refusal: Refusal) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # another answer is under way; this one cannot be told from it
            return
        problem = problem_of(refusal, trace_id="", node=self._node_id)
        body = msgspec.json.encode(problem)
        head = (
            f"content-type: {PROBLEM}\r\ncontent-length: {len(body)}\r\n"
            "cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(cast("Any", STATUS_LINE)[refusal.status] + head.encode() + body)
        self.transport.close()
