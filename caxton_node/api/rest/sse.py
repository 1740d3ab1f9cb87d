"""Server streams as server-sent events: a request for one with `Accept: text/event-stream`.

Each event carries its cursor as its id, so a browser's EventSource resumes by itself with `Last-Event-ID`;
others may give `?cursor=`. The last event is `end` or `error`, after which a client must not reconnect.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl, urlencode

import msgspec
from google.protobuf.message import Message

from caxton_node.api.operations import Operation
from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.deadlines import in_time
from caxton_node.api.rest.exchange import Exchange
from caxton_node.api.rest.problem import problem_of
from caxton_node.api.streams import Event, Reader
from caxton_node.core.errors import CaxtonError, InvalidArgument

CURSOR = "cursor"
CONTENT_TYPE = "text/event-stream"
RETRY_MS = 1000
KEEP_ALIVE_S = 15.0
HEADERS = {
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",  # a proxy that collects events before it passes them on would delay them
}


async def serve(exchange: Exchange, backend: Backend, operation: Operation, request: Message) -> None:
    """Run a server stream, or resume one; each answer is one event.

    Raises:
        CaxtonError: It was refused before anything was sent.
    """
    if exchange.verb == "HEAD":  # all that a stream says is its body
        await backend.pipeline.admit(operation, exchange.caller, request)
        await exchange.begin(200, CONTENT_TYPE, HEADERS)
        await exchange.end()
        return
    cursor = exchange.header("last-event-id") or exchange.cursor
    streams = backend.streams
    if cursor:
        reader = await streams.resume(operation, request, cursor, exchange.caller)
    else:
        reader = await streams.open(operation, request, exchange.caller)
    try:
        await exchange.begin(200, CONTENT_TYPE, HEADERS)
        await exchange.write(b"retry: %d\nid: %s\n\n" % (RETRY_MS, reader.cursor.encode()))
        await _send_events(exchange, backend, reader)
        await exchange.end()
    finally:
        reader.close()


async def _send_events(exchange: Exchange, backend: Backend, reader: Reader) -> None:
    try:
        async with in_time(exchange.caller.timeout_s):
            await _pass_on(exchange, reader)
    except CaxtonError as err:
        problem = problem_of(err, trace_id=exchange.caller.trace_id, node=backend.node_id)
        await exchange.write(b"event: error\ndata: %s\n\n" % msgspec.json.encode(problem))
    else:
        await exchange.write(b"event: end\ndata: {}\n\n")


async def _pass_on(exchange: Exchange, reader: Reader) -> None:
    while True:
        try:
            async with asyncio.timeout(KEEP_ALIVE_S):
                events = await reader.take()
        except TimeoutError:
            await exchange.write(b": still here\n\n")
            continue
        if not events:
            return
        await exchange.write(b"".join(_write(reader, event) for event in events))


def take_cursor(exchange: Exchange) -> str:
    """Take `cursor` out of the query, where the rest of it is the request's; note it on the exchange.

    Raises:
        InvalidArgument: It is given twice.
    """
    if CURSOR not in exchange.query:
        return ""
    pairs = parse_qsl(exchange.query, keep_blank_values=True)
    cursors = [value for name, value in pairs if name == CURSOR]
    if len(cursors) > 1:
        raise InvalidArgument("the parameter cursor is given twice", hint="give the last one")
    if cursors:
        exchange.query = urlencode([(name, value) for name, value in pairs if name != CURSOR])
        exchange.cursor = cursors[0]
    return exchange.cursor


def _write(reader: Reader, event: Event) -> bytes:
    """Return an event as it goes over the wire; JSON has no line breaks of its own."""
    return b"id: %s\ndata: %s\n\n" % (reader.cursor_at(event.seq).encode(), event.data)
