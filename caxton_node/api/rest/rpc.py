"""Calls by the name of the method: `POST /caxton.v1.Service/Method`, by the Connect protocol.

This is what the command line speaks over the Unix socket, where gRPC would take longer to import than the
call takes. It is the protocol of https://connectrpc.com/docs/protocol rather than one of ours, so that
clients exist for it: a unary call has the message as its body, binary (`application/proto`) or JSON; the
answers of a stream (`application/connect+proto`, `+json`) come each behind a byte of flags and four of
length, and the last frame tells how it ended. An error is JSON and carries the ErrorDetail. A unary call may
also be answered as `-o json` prints it (`application/vnd.caxton.plain+json`). Left out: calls
by GET, streams from the client, and compression.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from caxton_node.api.errors import going_down
from caxton_node.api.operations import BY_METHOD, PACKAGE, Operation
from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.exchange import Exchange
from caxton_node.api.rest.greeting import Greeting
from caxton_node.api.rest.reading import IN_LOOP_BYTES_MAX, JSON_GROWTH, read_body
from caxton_node.api.rest.reply import JSON, Reply
from caxton_node.client.errors import cut, describe
from caxton_node.client.plain import plain
from caxton_node.client.socket_channel import PLAIN
from caxton_node.core.errors import CaxtonError, DeadlineExceeded, InvalidArgument

PREFIX: Final = f"/{PACKAGE}."
PREFIX_BYTES: Final = 5
LAST: Final = 0x02
STATUSES: Final = {  # the protocol fixes them; they differ from those of the REST surface
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "UNAUTHENTICATED": 401,
}


@dataclass(frozen=True, slots=True)
class Codec:
    """How the messages of one call are written.

    Attributes:
        media: Content type of the answer.
        read: Makes a message of a class from bytes.
        write: The other way.
    """

    media: str
    read: Callable[[type[Message], bytes], Message]
    write: Callable[[Message], bytes]


def _read_proto(kind: type[Message], data: bytes) -> Message:
    return kind.FromString(data)


def _write_proto(message: Message) -> bytes:
    data: bytes = message.SerializeToString()
    return data


def _read_json(kind: type[Message], data: bytes) -> Message:
    return json_format.Parse(data.decode() or "{}", kind(), ignore_unknown_fields=True)


def _write_json(message: Message) -> bytes:
    return json_format.MessageToJson(message, indent=None).encode()


def _write_plain(message: Message) -> bytes:
    return json.dumps(plain(message), ensure_ascii=False).encode()


UNARY: Final[Mapping[str, Codec]] = {
    "application/proto": Codec("application/proto", _read_proto, _write_proto),
    "application/json": Codec("application/json", _read_json, _write_json),
    PLAIN: Codec(PLAIN, _read_json, _write_plain),
}
STREAMING: Final[Mapping[str, Codec]] = {
    "application/connect+proto": Codec("application/connect+proto", _read_proto, _write_proto),
    "application/connect+json": Codec("application/connect+json", _read_json, _write_json),
}


async def serve(exchange: Exchange, backend: Backend) -> None:
    """Run the operation that the path names; it is cancelled when its caller leaves."""
    operation = BY_METHOD.get(exchange.path.removeprefix(PREFIX))
    if operation is None or operation.client_streams:
        await exchange.reply(_refusal(404, f"this node has no operation {exchange.path[:100]}"))
        return
    if exchange.verb != "POST":
        await exchange.reply(_refusal(405, "calls are made by POST", {"allow": "POST"}))
        return
    codecs = STREAMING if operation.streams else UNARY
    codec = codecs.get(exchange.header("content-type").partition(";")[0].strip().lower())
    if codec is None:
        text = f"the content type of {operation.name} is {' or '.join(codecs)}"
        await exchange.reply(_refusal(415, text, {"accept-post": ", ".join(codecs)}))
        return
    await _Call(backend, operation, codec, exchange).answer()


class _Call:
    """One call on its way."""

    def __init__(self, backend: Backend, operation: Operation, codec: Codec, exchange: Exchange) -> None:
        self._backend = backend
        self._operation = operation
        self._codec = codec
        self._exchange = exchange
        self._caller = exchange.caller

    async def answer(self) -> None:
        """Read the request, run it and send what comes of it."""
        try:
            self._caller = replace(self._caller, timeout_s=self._timeout_s())
            request = await self._read(await self._body())
            await (self._stream(request) if self._operation.streams else self._unary(request))
        except CaxtonError as err:
            await self._fail(err)

    async def _unary(self, request: Message) -> None:
        timeout_s = self._caller.timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                message = await self._backend.pipeline.run(self._operation, request, self._caller)
        except TimeoutError as err:
            raise DeadlineExceeded(
                f"{self._operation.name} was not done within {timeout_s:g} s",
                why="its caller had set this time",
                hint="it may still happen; ask for more time with Connect-Timeout-Ms",
            ) from err
        await self._exchange.reply(Reply(200, self._codec.write(message), self._codec.media))

    async def _stream(self, request: Message) -> None:
        end: dict[str, Any] = {}
        greeting = Greeting(self._exchange, self._codec.media)
        caller = greeting.for_caller(self._caller)
        answers = cast(
            "AsyncGenerator[Message]", self._backend.pipeline.stream(self._operation, request, caller)
        )
        try:
            async with asyncio.timeout(self._caller.timeout_s), aclosing(answers):
                async for message in answers:
                    await greeting.begin()
                    await self._exchange.write(_frame(0, self._codec.write(message)))
        except CaxtonError as err:
            end = {"error": self._describe(err)}
        except TimeoutError:
            late = DeadlineExceeded(f"{self._operation.name} was followed for as long as its caller wished")
            end = {"error": self._describe(late)}
        except asyncio.CancelledError:
            if not self._exchange.connection.is_lost:
                await self._end(greeting, {"error": self._describe(going_down())})
            raise
        await self._end(greeting, end)

    async def _end(self, greeting: Greeting, end: Mapping[str, Any]) -> None:
        await greeting.begin()
        await greeting.close()
        await self._exchange.write(_frame(LAST, json.dumps(end).encode()))
        await self._exchange.end()

    async def _fail(self, error: CaxtonError) -> None:
        described = self._describe(error)
        if self._operation.streams:  # the protocol wants status 200 and the error in the closing frame
            body = _frame(LAST, json.dumps({"error": described}).encode())
            await self._exchange.reply(Reply(200, body, self._codec.media))
        else:
            status = STATUSES.get(error.surface.grpc, 500)
            await self._exchange.reply(Reply(status, json.dumps(described).encode(), JSON))

    def _describe(self, error: CaxtonError) -> dict[str, Any]:
        detail = describe(error, trace_id=self._caller.trace_id, node=self._backend.node_id)
        value = b64encode(detail.SerializeToString()).decode().rstrip("=")
        return {
            "code": error.surface.grpc.lower(),
            "message": cut(str(error)),
            "details": [{"type": detail.DESCRIPTOR.full_name, "value": value}],
        }

    def _timeout_s(self) -> float | None:
        text = self._exchange.header("connect-timeout-ms")
        if not text:
            return self._caller.timeout_s
        if not (text.isascii() and text.isdigit() and len(text) <= 10):
            raise InvalidArgument("Connect-Timeout-Ms is no time", why="it is milliseconds, up to ten digits")
        return int(text) / 1000

    async def _body(self) -> bytes:
        name = "connect-content-encoding" if self._operation.streams else "content-encoding"
        if self._exchange.header(name) not in {"", "identity"}:
            raise InvalidArgument("requests are not compressed here", hint=f"leave {name} away")
        growth = JSON_GROWTH if self._codec.read is _read_json else 1
        sketch = self._operation.request()
        body = await read_body(self._exchange, self._backend, self._operation, sketch, growth)
        return _unframed(body) if self._operation.streams else body

    async def _read(self, body: bytes) -> Message:
        kind = self._operation.request
        try:
            if self._codec.read is _read_json and len(body) > IN_LOOP_BYTES_MAX:
                return await asyncio.to_thread(_read_json, kind, body)
            return self._codec.read(kind, body)
        except (DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError) as err:
            raise InvalidArgument(
                f"the request is not a {kind.DESCRIPTOR.name}",
                why=str(err),
                hint=f"it is a message of {PACKAGE}",
            ) from err


def _frame(flags: int, data: bytes) -> bytes:
    return bytes((flags,)) + len(data).to_bytes(4, "big") + data


def _unframed(body: bytes) -> bytes:
    size = int.from_bytes(body[1:PREFIX_BYTES], "big")
    if len(body) != PREFIX_BYTES + size or body[0]:
        raise InvalidArgument(
            "the request is not one message",
            why="the body of a streaming call is five bytes, flags and length, and one message",
        )
    return body[PREFIX_BYTES:]


def _refusal(status: int, text: str, headers: Mapping[str, str] | None = None) -> Reply:
    body = json.dumps({"code": "unimplemented", "message": text}).encode()
    return Reply(status, body, JSON, headers or {})
