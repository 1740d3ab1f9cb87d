"""One HTTP request and its answer."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import replace
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from caxton_node.api.call import Caller
from caxton_node.api.rest.bodies import Bodies
from caxton_node.api.rest.connection import Connection
from caxton_node.api.rest.refusals import BodyTooLarge, Refusal, TooSlow
from caxton_node.api.rest.reply import Reply
from caxton_node.core.errors import InvalidArgument
from caxton_node.resilience import stranger_at
from caxton_node.security import Credentials, read_api_key, read_bearer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TIMEOUT_MAX_S = 99_999.0
BODY_WITHIN_S = 10.0
BODY_BYTES_PER_S_MIN = 64 * 1024
TIMEOUT_PATTERN = r"^(?!0*(?:\.0*)?$)[0-9]{1,5}(?:\.[0-9]{1,3})?$"
_SECONDS = re.compile(TIMEOUT_PATTERN)
_GRPC_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])")
_UNITS_S = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_ALWAYS = ((b"x-content-type-options", b"nosniff"),)


class Exchange:
    """A request to read and an answer to send.

    Args:
        scope: Of ASGI, for `http` or `websocket`; its state has the connection.
        receive: Of ASGI.
        send: Of ASGI.

    Attributes:
        verb: GET, POST, ...: in capitals.
        path: As it came, percent signs and all.
        query: As it came; empty if there is none. Of a stream, without its cursor.
        cursor: Where a stream shall go on; empty to begin anew.
        connection: Who is at the other end.
        caller: What goes into the pipeline; made once, so that its trace id is the one of the answer.
        headers: What the answer says whatever becomes of it: CORS above all. Names in lower case.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, surface: str = "rest") -> None:
        self.verb: str = scope.get("method", "GET")
        self.path: str = scope["raw_path"].decode("latin-1")
        self.query: str = scope["query_string"].decode("latin-1")
        self.cursor = ""
        self.connection: Connection = scope["state"]["connection"]
        self._bodies: Bodies = scope["state"]["bodies"]
        self._held_bytes = 0
        self.headers: dict[str, str] = {}
        self.has_begun = False
        self.scope = scope
        self._receive = receive
        self._send = send
        self._fields: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            # A list in several lines is one list (RFC 9110, 5.3).
            self._fields[name] = self._fields[name] + b", " + value if name in self._fields else value
        self.caller = self._caller(surface)

    def has(self, name: str) -> bool:
        """Tell whether a header came, even an empty one.

        Args:
            name: In lower case.
        """
        return name.encode() in self._fields

    def header(self, name: str) -> str:
        """Return a header of the request, several lines of it joined by commas; empty if it did not come.

        Args:
            name: In lower case.
        """
        return self._fields.get(name.encode(), b"").decode("latin-1").strip()

    def read_timeout(self) -> None:
        """Note how long the caller will wait, from `X-Timeout-S` or `grpc-timeout`.

        Raises:
            InvalidArgument: It is no such time.
        """
        text, grpc_text = self.header("x-timeout-s"), self.header("grpc-timeout")
        if self.has("x-timeout-s") or self.has("grpc-timeout"):
            timeout_s = _read_seconds(text) if self.has("x-timeout-s") else _read_grpc_timeout(grpc_text)
            self.caller = replace(self.caller, timeout_s=timeout_s)

    @property
    def content_length(self) -> int:
        """Return how long the body is said to be; 0 if nobody has said it."""
        return int(self.header("content-length") or 0)

    @property
    def has_body(self) -> bool:
        """Return whether a body comes."""
        return bool(self.content_length or self.header("transfer-encoding"))

    async def body(self, bytes_max: int, within_s: float = BODY_WITHIN_S) -> bytes:
        """Read the body, whole.

        Args:
            bytes_max: How long it may be.
            within_s: How long it may take, on top of what its size takes on a slow line.

        Raises:
            BodyTooLarge: It is longer than that.
            TooSlow: It came too slowly.
            ResourceLimit: Too much of other requests is held at the moment.
        """
        length = self.content_length
        if length > bytes_max:
            raise _too_large(bytes_max)
        if not self.has_body:
            return b""
        try:
            async with asyncio.timeout(within_s + (length or bytes_max) / BODY_BYTES_PER_S_MIN):
                return await self._read(bytes_max)
        except TimeoutError as err:
            raise TooSlow(
                "the body did not come in time",
                why=f"less than {BODY_BYTES_PER_S_MIN // 1024} KiB/s arrived",
                hint="send it again over a better line",
                headers={"connection": "close"},
            ) from err

    def let_go(self) -> None:
        """The request is over, and so is what was held of its body."""
        self._bodies.give(self._source, self._held_bytes)
        self._held_bytes = 0

    async def reply(self, reply: Reply) -> None:
        """Send an answer, whole."""
        await self._begin(reply.status, reply.content_type, reply.headers, len(reply.body))
        await self._send({"type": "http.response.body", "body": reply.body})

    async def begin(self, status: int, content_type: str, headers: dict[str, str] | None = None) -> None:
        """Begin an answer that is sent piece by piece: `write` each of them, then `end`."""
        await self._begin(status, content_type, headers or {}, None)

    async def write(self, data: bytes) -> None:
        """Send the next piece; waits while the client does not read."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """Send the end."""
        await self._send({"type": "http.response.body", "body": b""})

    async def _read(self, bytes_max: int) -> bytes:
        pieces, size = [], 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Refusal("the client has gone")
            piece = message.get("body", b"")
            size += len(piece)
            if size > bytes_max:
                raise _too_large(bytes_max)
            self._hold(len(piece))
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)

    def _hold(self, count: int) -> None:
        self._bodies.take(self._source, count)
        self._held_bytes += count

    @property
    def _source(self) -> str:
        source = self.connection.source
        return source if self.connection.peer is not None else stranger_at(source).name

    async def _begin(
        self,
        status: int,
        content_type: str,
        headers: Mapping[str, str],
        length: int | None,
    ) -> None:
        said = {**self.headers, **self.caller.headers, **headers, "x-trace-id": self.caller.trace_id}
        if "vary" in self.headers and "vary" in headers:
            said["vary"] = f"{self.headers['vary']}, {headers['vary']}"
        lines = [(name.lower().encode(), str(value).encode("latin-1")) for name, value in said.items()]
        lines += [*_ALWAYS, (b"date", _date(int(time.time())))]
        if "cache-control" not in said:
            lines.append((b"cache-control", b"no-store"))
        if content_type:
            lines.append((b"content-type", content_type.encode()))
        if length is not None and status not in {204, 304}:
            lines.append((b"content-length", str(length).encode()))
        self.has_begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": lines})

    def _caller(self, surface: str) -> Caller:
        connection, fields = self.connection, self._fields
        return Caller(
            credentials=Credentials(
                bearer=read_bearer(self.header("authorization")) if b"authorization" in fields else "",
                api_key=read_api_key(self.header("x-api-key")) if b"x-api-key" in fields else "",
                certificate_der=connection.certificate_der,
                peer=connection.peer,
                source=connection.source,
            ),
            surface=surface,
            address=connection.address,
        )


def _too_large(bytes_max: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the body is longer than {bytes_max} bytes",
        hint="send less at once: the class of the operation bounds it, and rest.request_bytes_max",
        headers={"connection": "close"},
    )


def _read_seconds(text: str) -> float:
    if not _SECONDS.match(text):
        raise InvalidArgument(
            "X-Timeout-S is no such time",
            why=f"it says {text[:40]!r}",
            hint="give seconds, more than 0 and of at most five digits, such as 2.5",
        )
    return float(text)


def _read_grpc_timeout(text: str) -> float:
    match = _GRPC_TIMEOUT.fullmatch(text)
    if match is None:
        raise InvalidArgument(
            "grpc-timeout is no such time",
            why=f"it says {text[:40]!r}",
            hint="give it as gRPC does: 500m, 2S",
        )
    return min(int(match[1]) * _UNITS_S[match[2]], TIMEOUT_MAX_S)


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()
