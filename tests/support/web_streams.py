"""Clients of streams over the web, as small as can be: they read and write real sockets, and can be cut.

They are not for use outside tests: nothing here is bounded, and a cut does what no client would do to itself.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto import events as ws

from caxton_node.client import Client
from tests.support.api import Node, call

WITHIN_S = 10.0


@dataclass(frozen=True)
class Place:
    """Where a node serves REST.

    Attributes:
        address: host:port.
        token: What to show; empty to show nothing.
    """

    address: str
    ca_pem: bytes
    token: str = ""

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a TLS connection."""
        host, _, port = self.address.rpartition(":")
        context = ssl.create_default_context(cadata=self.ca_pem.decode())
        return await asyncio.open_connection(host, int(port), ssl=context, limit=2**22)

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that say who it is."""
        return {"authorization": f"Bearer {self.token}"} if self.token else {}


class Refused(Exception):
    """The upgrade or request was answered with an error."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem}")
        self.status, self.problem = status, problem


class Closed(Exception):
    """The connection was closed; code 0 if without a word."""

    def __init__(self, code: int = 0, reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason or ""


class Cut:
    """A connection that a test may cut."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def cut(self) -> None:
        """Break the TCP connection: what is under way is lost."""
        self._writer.transport.abort()

    def pause(self) -> None:
        """Read nothing more, not even into buffers of this process."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a read transport

    def resume(self) -> None:
        """Read on."""
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]


class WebSocket(Cut):
    """One WebSocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._came: list[ws.Event] = []
        self.subprotocol: str | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        place: Place,
        path: str = "/ws",
        *,
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = ("caxton.v1",),
        host: str = "",
    ) -> AsyncIterator[WebSocket]:
        """Upgrade a connection.

        Raises:
            Refused: The node said no.
        """
        socket = cls(*await place.connect())
        try:
            said = {**place.headers, **(headers or {})}
            await socket._upgrade(host or place.address, path, said, subprotocols)
            yield socket
        finally:
            socket.cut()

    async def _upgrade(
        self, host: str, path: str, headers: Mapping[str, str], subprotocols: Sequence[str]
    ) -> None:
        lines = [(name.encode(), value.encode()) for name, value in headers.items()]
        request = ws.Request(host=host, target=path, subprotocols=list(subprotocols), extra_headers=lines)
        self._writer.write(self._ws.send(request))
        answer = await self._event()
        if isinstance(answer, ws.RejectConnection):
            body = b""
            while not isinstance(piece := await self._event(), ws.RejectData) or not piece.body_finished:
                body += piece.data
            raise Refused(answer.status_code, json.loads(body + piece.data))
        assert isinstance(answer, ws.AcceptConnection)
        self.subprotocol = answer.subprotocol

    async def say(self, **frame: Any) -> None:
        """Send a frame of the protocol."""
        await self.send(json.dumps(frame))

    async def send(self, data: str | bytes) -> None:
        """Send a text or binary message."""
        await self.write(self.encode(ws.Message(data)))

    def encode(self, event: ws.Event) -> bytes:
        """Return the bytes of an event."""
        return self._ws.send(event)

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def hear(self) -> dict[str, Any]:
        """Return the next frame of the protocol.

        Raises:
            Closed: There is none.
        """
        text = ""
        while True:
            event = await self._event()
            if isinstance(event, ws.CloseConnection):
                raise Closed(event.code, event.reason)
            if isinstance(event, ws.TextMessage):
                text += event.data
                if event.message_finished:
                    return json.loads(text)

    async def hear_close(self) -> Closed:
        """Return how the connection is closed, whatever is said before."""
        while True:
            try:
                await self.hear()
            except Closed as err:
                return err

    async def _event(self) -> ws.Event:
        while not self._came:
            try:
                data = await asyncio.wait_for(self._reader.read(65536), WITHIN_S)
            except (ConnectionError, ssl.SSLError) as err:
                raise Closed from err
            if not data:
                raise Closed
            self._ws.receive_data(data)
            self._came += self._ws.events()
        return self._came.pop(0)


@dataclass(frozen=True)
class ServerSentEvent:
    """One event of an event stream."""

    name: str
    id: str
    data: dict[str, Any]


class EventSource(Cut):
    """One request for an event stream."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, place: Place, path: str, *, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[EventSource]:
        """Ask for the stream at a path.

        Raises:
            Refused: The node said no.
        """
        source = cls(*await place.connect())
        said = {
            "host": place.address,
            "accept": "text/event-stream",
            "connection": "close",
            **place.headers,
            **(headers or {}),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        source._writer.write(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        try:
            await source._read_head()
            yield source
        finally:
            source.cut()

    async def _read_head(self) -> None:
        head = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), WITHIN_S)).decode()
        status = int(head.split(" ", 2)[1])
        if status != 200:
            raise Refused(status, json.loads(await asyncio.wait_for(self._reader.read(-1), WITHIN_S)))
        self.headers = dict(line.split(": ", 1) for line in head.lower().splitlines()[1:] if line)
        self.last_id = ""

    async def next(self) -> ServerSentEvent:
        """Return the next event.

        Raises:
            Closed: There is none.
        """
        fields: dict[str, str] = {}
        while True:
            line = await self._line()
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                return ServerSentEvent(
                    fields.get("event", "message"), self.last_id, json.loads(fields["data"])
                )
            fields = {}

    async def _line(self) -> str:
        """Return the next line of the body, out of its chunks."""
        while b"\n" not in self._body:
            try:
                size = int(await asyncio.wait_for(self._reader.readline(), WITHIN_S), 16)
                data = await asyncio.wait_for(self._reader.readexactly(size + 2), WITHIN_S)
            except (ValueError, asyncio.IncompleteReadError, ConnectionError, ssl.SSLError) as err:
                raise Closed from err
            if not size:
                raise Closed
            self._body += data[:-2]
        line, _, self._body = self._body.partition(b"\n")
        return line.decode()

    _body = b""


async def send_numbers(node: Node, count: int) -> None:
    """Send numbered messages to the echo, one after the other."""

    def send(client: Client) -> None:
        for number in range(count):
            client.messages.send("echo", b"%d" % number, wait=False)

    await call(node.local, send, timeout_s=60)


def number_of(data: Mapping[str, Any]) -> int | None:
    """Return the number in a message event if it is one that was sent; None for what answers it."""
    message = data["message"]
    if message["performative"] != "request":
        return None
    return int(base64.b64decode(message["content"]))


def seq_of(cursor: str) -> int:
    """Return the number of the event that a cursor is of; only tests may look into one."""
    return int(cursor.rpartition(".")[2])


async def flood(node: Node, count: int) -> None:
    """Send large messages to the echo."""
    content = b'"%s"' % (b"x" * 500_000)

    def send(client: Client) -> None:
        for _ in range(count):
            client.messages.send("echo", content, wait=False)

    await call(node.local, send, timeout_s=60)
