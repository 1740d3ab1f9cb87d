"""One request of one operation: find it, read it, run it, answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import cast

import msgspec
from google.protobuf.message import Message

from caxton_node.api.errors import going_down
from caxton_node.api.incoming import Incoming
from caxton_node.api.operations import Operation
from caxton_node.api.rest import answers, sse
from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.binding import bind
from caxton_node.api.rest.deadlines import in_time
from caxton_node.api.rest.encodings import to_json
from caxton_node.api.rest.exchange import Exchange
from caxton_node.api.rest.greeting import Greeting
from caxton_node.api.rest.idempotency import VERBS as REPEATABLE
from caxton_node.api.rest.idempotency import fingerprint, read_key
from caxton_node.api.rest.module_bytes import WASM, is_module, pieces_of
from caxton_node.api.rest.preconditions import Preconditions
from caxton_node.api.rest.problem import problem_of
from caxton_node.api.rest.reading import IN_LOOP_BYTES_MAX, read_body
from caxton_node.api.rest.refusals import UnsupportedMedia
from caxton_node.api.rest.repeats import Begin, Repeats
from caxton_node.api.rest.reply import JSON, NDJSON, Reply
from caxton_node.api.rest.routes import Match, Routes
from caxton_node.api.rest.store import ReplyKey
from caxton_node.core.errors import CaxtonError
from caxton_node.security import NEWCOMER

EVENTS = "text/event-stream"
LINES_AT_ONCE = 64


class Transcoder:
    """Serves every operation of the table at the paths of its proto.

    Args:
        backend: What runs them.
        routes: The paths.
    """

    def __init__(self, backend: Backend, routes: Routes) -> None:
        self._backend = backend
        self._routes = routes
        self._preconditions = Preconditions(routes, backend.pipeline)
        self._repeats = Repeats(backend.replies, backend.node_id)

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request.

        Raises:
            CaxtonError: It was refused or failed.
        """
        match = self._routes.match(exchange.verb, exchange.path)
        body = await self._read(exchange, match)
        if match.rule.operation.streams:
            await self._serve_stream(exchange, match, body)
            return
        async with in_time(exchange.caller.timeout_s):
            await self._run(exchange, match, body)

    async def close(self) -> None:
        """Stop what runs without a client."""
        await self._repeats.close()

    async def _run(self, exchange: Exchange, match: Match, body: bytes) -> None:
        request = await _bind(match, exchange, body)
        if exchange.has("idempotency-key") and exchange.verb in REPEATABLE:
            reply = await self._run_once(exchange, match.rule.operation, request, body)
        else:
            reply = await self._answer(exchange, match.rule.operation, request)
        await answers.send(exchange, reply)

    async def _answer(
        self, exchange: Exchange, operation: Operation, request: Message, begin: Begin | None = None
    ) -> Reply:
        if exchange.has("if-match") and exchange.verb in REPEATABLE:
            wanted = exchange.header("if-match")
            await self._preconditions.check(wanted, exchange.path, request, exchange.caller)
        caller = exchange.caller if begin is None else replace(exchange.caller, before_work=begin)
        response = await self._backend.pipeline.run(operation, request, caller)
        return Reply(200, to_json(response), JSON, is_secret=operation.secret)

    async def _run_once(
        self, exchange: Exchange, operation: Operation, request: Message, body: bytes
    ) -> Reply:
        """Run a request with an idempotency key, or answer it as before."""
        key, caller = read_key(exchange.header("idempotency-key")), exchange.caller
        work = partial(self._answer, exchange, operation, request)
        principal = await self._backend.pipeline.identify(operation, caller, request)
        if principal is NEWCOMER:
            return await work()  # a key is of one caller, and of these nobody knows which
        mark = fingerprint(exchange.verb, exchange.path, exchange.query, body)
        readmit = partial(self._backend.pipeline.admit, operation, caller, request)
        caller_key = ReplyKey(f"{principal.kind}:{principal.name}", key)
        return await self._repeats.run(caller_key, mark, exchange, work, readmit)

    async def _serve_stream(self, exchange: Exchange, match: Match, body: bytes) -> None:
        is_events = EVENTS in exchange.header("accept")
        if is_events:
            sse.take_cursor(exchange)
        operation, request = match.rule.operation, await _bind(match, exchange, body)
        if is_events:
            await sse.serve(exchange, self._backend, operation, request)
            return
        greeting = Greeting(exchange, NDJSON)
        try:
            async with in_time(exchange.caller.timeout_s):
                await self._send_lines(exchange, operation, request, greeting)
        except CaxtonError as err:
            await greeting.close()
            if not exchange.has_begun:
                raise
            await self._send_error(exchange, err)
        except asyncio.CancelledError:
            await greeting.close()
            if exchange.has_begun and not exchange.connection.is_lost:
                await self._send_error(exchange, going_down())
                await exchange.end()
            raise
        await exchange.end()

    async def _send_lines(
        self, exchange: Exchange, operation: Operation, request: Message, greeting: Greeting
    ) -> None:
        """Send one JSON document in each line."""
        caller = greeting.for_caller(exchange.caller)
        stream = cast("AsyncGenerator[Message]", self._backend.pipeline.stream(operation, request, caller))
        async with aclosing(stream) as responses:
            async for response in responses:
                await greeting.begin()
                await exchange.write(to_json(response) + b"\n")
        await greeting.begin()

    async def _send_error(self, exchange: Exchange, error: CaxtonError) -> None:
        """Send the last line of a stream that has begun: `{"error": {...}}`, and in it the problem."""
        problem = problem_of(error, trace_id=exchange.caller.trace_id, node=self._backend.node_id)
        await exchange.write(msgspec.json.encode({"error": problem}) + b"\n")

    async def _read(self, exchange: Exchange, match: Match) -> bytes:
        operation = match.rule.operation
        body = await read_body(exchange, self._backend, operation, _sketch(match))
        if body:
            _check_media(exchange, *((JSON, NDJSON, WASM) if operation.client_streams else (JSON,)))
        return body


async def _bind(match: Match, exchange: Exchange, body: bytes) -> Message:
    """Read the request; where an operation takes several messages, each is a line, or one is the body."""
    if match.rule.operation.client_streams and is_module(exchange.header("content-type")):
        return cast("Message", Incoming(pieces_of(match.values["sha256"], exchange.query, body)))
    if not match.rule.operation.client_streams:
        return await _bind_one(match, exchange.query, body)
    is_lines = exchange.header("content-type").startswith(NDJSON)
    return cast("Message", Incoming(_each(match, exchange.query, BytesIO(body) if is_lines else (body,))))


async def _bind_one(match: Match, query: str, body: bytes) -> Message:
    if len(body) > IN_LOOP_BYTES_MAX:
        return await asyncio.to_thread(bind, match, query, body)
    return bind(match, query, body)


async def _each(match: Match, query: str, lines: Iterable[bytes]) -> AsyncGenerator[Message]:
    """Read one message after the other, when the handler wants it: by then the caller has been let in."""
    for number, line in enumerate(lines):
        if number % LINES_AT_ONCE == LINES_AT_ONCE - 1:
            await asyncio.sleep(0)  # lines may be short and many, and others wait
        if line.strip() or isinstance(lines, tuple):
            yield await _bind_one(match, query, line)


def _sketch(match: Match) -> Message:
    """Return what the path says of a request; the audit log names it when the body is never read."""
    request = match.rule.operation.request()
    for name, text in match.values.items():
        if isinstance(getattr(request, name, None), str):
            setattr(request, name, text)
    return request


def _check_media(exchange: Exchange, *taken: str) -> None:
    """Take JSON only; anything else a page of another origin could send without being asked."""
    content_type, encoding = exchange.header("content-type"), exchange.header("content-encoding")
    kind, _, parameters = content_type.partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if kind.strip().lower() not in taken or charset not in {"", "charset=utf-8"}:
        raise UnsupportedMedia(
            "the body is not said to be JSON",
            why=f"its content type is {content_type[:80]!r}" if content_type else "it has no content type",
            hint=f"send content-type: {taken[0]}",
            headers={"accept-post": ", ".join(taken)},
        )
    if encoding not in {"", "identity"}:
        raise UnsupportedMedia(
            "the body is packed", why=f"its encoding is {encoding[:80]!r}", hint="send it as it is"
        )
