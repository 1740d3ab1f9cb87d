"""A small HTTP client for tests that look at every byte: what is sent is what the test wrote."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httptools

ANSWER_WITHIN_S = 10.0


@dataclass
class Answer:
    """One answer; also the callbacks of the parser that fills it."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_whole: bool = False

    @property
    def json(self) -> Any:
        """Return its body, read."""
        return json.loads(self.body)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self.headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        self.body += data

    def on_message_complete(self) -> None:
        """Note its end."""
        self.is_whole = True


@dataclass(frozen=True)
class Web:
    """Where to ask: a Unix socket, or a TLS port.

    Attributes:
        socket: The Unix socket; None for the port.
        address: `host:port`.
        ca_pem: Whom to trust.
        headers: Sent with every request.
        context: Of TLS, if it is not the usual one.
    """

    socket: Path | None = None
    address: str = ""
    ca_pem: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    context: ssl.SSLContext | None = None

    def having(self, **headers: str) -> Web:
        """Return the same with other headers on every request; `_` stands for `-`."""
        return replace(self, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection."""
        if self.socket is not None:
            return await asyncio.open_unix_connection(self.socket)
        host, _, port = self.address.rpartition(":")
        context = self.context or ssl.create_default_context(cadata=self.ca_pem.decode())
        return await asyncio.open_connection(host, int(port), ssl=context)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a connection, for some seconds."""
        reader, writer = await self.connect()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                yield reader, writer
        finally:
            writer.close()
            with suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    async def ask(
        self, verb: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and return its answer; a body that is no bytes goes as JSON."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        said = {"host": self.address or "localhost", **self.headers}
        if data:
            said |= {"content-type": "application/json", "content-length": str(len(data))}
        said |= headers or {}
        lines = [
            f"{verb} {path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in said.items() if value is not None),
        ]
        answer, *_ = await self.say(
            "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data, is_head=verb == "HEAD"
        )
        return answer

    async def say(self, data: bytes, count: int = 1, *, is_head: bool = False) -> list[Answer]:
        """Send bytes as they are; return so many answers, or those that came before the end."""
        async with self.open() as (reader, writer):
            writer.write(data)
            return await read_answers(reader, count, is_head=is_head)


async def read_answers(
    reader: asyncio.StreamReader, count: int = 1, *, is_head: bool = False
) -> list[Answer]:
    """Read so many answers from a connection, or those that come before its end."""
    answers: list[Answer] = []
    rest = b""
    while len(answers) < count:
        answer, rest = await _read_answer(reader, rest, is_head=is_head)
        if answer is None:
            break
        answers.append(answer)
    return answers


async def _read_answer(
    reader: asyncio.StreamReader, rest: bytes, *, is_head: bool
) -> tuple[Answer | None, bytes]:
    head, rest = await _until(reader, rest, b"\r\n\r\n")
    if not head:
        return None, b""
    answer = Answer()
    parser = httptools.HttpResponseParser(answer)
    parser.feed_data(head)
    answer.status = parser.get_status_code()
    if is_head or answer.status in {204, 304}:
        return answer, rest
    if "content-length" in answer.headers:
        size = int(answer.headers["content-length"])
        rest += await reader.readexactly(max(0, size - len(rest)))
        answer.body, rest = rest[:size], rest[size:]
        return answer, rest
    while not answer.is_whole:
        if rest:
            parser.feed_data(rest)
        if answer.is_whole or not (rest := await reader.read(65536)):
            break
    return answer, b""


async def _until(reader: asyncio.StreamReader, rest: bytes, mark: bytes) -> tuple[bytes, bytes]:
    while mark not in rest:
        piece = await reader.read(65536)
        if not piece:
            return b"", rest
        rest += piece
    head, mark, rest = rest.partition(mark)
    return head + mark, rest
