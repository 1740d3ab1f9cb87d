"""One WebSocket after its upgrade: several streams on it, or the one of its URL."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from secrets import token_hex
from typing import Any

from google.protobuf.message import Message
from uvicorn.protocols.utils import ClientDisconnected

from caxton_node.api.call import Caller
from caxton_node.api.call_record import writing_down_refusals
from caxton_node.api.operations import BY_METHOD, PACKAGE, Operation
from caxton_node.api.rest import websocket_frames as frames
from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.binding import bind
from caxton_node.api.rest.exchange import Receive, Send
from caxton_node.api.rest.problem import problem_of
from caxton_node.api.rest.routes import Match
from caxton_node.api.rest.rules import WHOLE, Rule
from caxton_node.api.streams import Reader
from caxton_node.core.errors import CaxtonError, InternalError, InvalidArgument, ResourceLimit, Unauthorized
from caxton_node.observability.logs import get_logger
from caxton_node.security import Credentials

SUBSCRIPTIONS_MAX = 64
AUTHENTICATE_WITHIN_S = 10.0
AUTHENTICATED = "AuthenticateWebSocket"
"""What the audit log calls a frame with a token, or the want of one; it is no operation."""

_log = get_logger("websocket")


class _Left(Exception):
    """The client has closed, or its connection is lost."""


class Session:
    """Talks to one client.

    Args:
        backend: What runs the streams.
        caller: Who it is, as far as the upgrade has said.
        receive: Of ASGI.
        send: Of ASGI.
    """

    def __init__(self, backend: Backend, caller: Caller, receive: Receive, send: Send) -> None:
        self._backend = backend
        self._caller = caller
        self._receive = receive
        self._send = send
        self._following: dict[str, asyncio.Task[None]] = {}  # by the client's id
        self._tasks: set[asyncio.Task[None]] = set()
        self._unwanted: set[asyncio.Task[Any]] = set()

    async def serve(self) -> None:
        """Serve streams as the client asks for them, until it leaves."""
        await self._guard(self._listen(may_subscribe=True))

    async def serve_one(self, operation: Operation, request: Message, cursor: str) -> None:
        """Serve one stream, and close at its end."""
        await self._guard(self._listen_beside(operation, request, cursor))

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work of the connection; afterwards streams wait for the client to come back."""
        try:
            await self._authenticate_if_needed()
            await work
        except _Left:
            pass
        except CaxtonError as err:
            await self._close(err)
        finally:
            work.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside the listening, until the connection ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _listen(self, *, may_subscribe: bool) -> None:
        while True:
            frame = await self._next()
            match frame:
                case frames.Subscribe() if may_subscribe:
                    await self._subscribe(frame)
                case frames.Unsubscribe() if may_subscribe:
                    self._unsubscribe(frame.id)
                case frames.Authenticate():
                    await self._authenticate(frame.token)
                case frames.Hello():
                    await self._say(frames.pong(frame.text))
                case _:
                    raise InvalidArgument(
                        "this connection has one stream, that of its address",
                        hint="open /ws to subscribe to several",
                    )

    async def _listen_beside(self, operation: Operation, request: Message, cursor: str) -> None:
        follow = self._start(self._follow_one(operation, request, cursor))
        listen = self._start(self._listen(may_subscribe=False))
        done, _ = await asyncio.wait({follow, listen}, return_when=asyncio.FIRST_COMPLETED)
        done.pop().result()

    async def _follow_one(self, operation: Operation, request: Message, cursor: str) -> None:
        await self._read("", await self._reader(operation, request, cursor))
        await self._send({"type": "websocket.close", "code": frames.CLOSED_WELL})

    # -- who it is ------------------------------------------------------------------------------------------

    async def _authenticate_if_needed(self) -> None:
        shown = self._caller.credentials
        if shown.bearer or shown.api_key or shown.certificate_der or shown.peer:
            return
        with writing_down_refusals(self._backend.services, AUTHENTICATED, self._caller):
            frame = await self._first()
        await self._authenticate(frame.token)

    async def _first(self) -> frames.Authenticate:
        """Return the first frame, which says who it is."""
        try:
            async with asyncio.timeout(AUTHENTICATE_WITHIN_S):
                frame = await self._next()
        except TimeoutError as err:
            raise _not_authenticated(f"nothing came within {AUTHENTICATE_WITHIN_S:g} s") from err
        if not isinstance(frame, frames.Authenticate):
            raise _not_authenticated("the first frame was another")
        return frame

    async def _authenticate(self, token: str) -> None:
        """Use a token from now on; streams that are being read go on with the one that began them."""
        credentials = Credentials(bearer=token, source=self._caller.credentials.source)
        services = self._backend.services
        with writing_down_refusals(services, AUTHENTICATED, self._caller):
            principal = await services.identity.authenticate(credentials)
        self._caller = replace(self._caller, credentials=credentials)
        await self._say(frames.authenticated(principal.name, principal.expires_unix_s))

    # -- streams --------------------------------------------------------------------------------------------

    async def _subscribe(self, frame: frames.Subscribe) -> None:
        if frame.id in self._following:
            raise InvalidArgument(
                f"the id {frame.id!r} is in use", hint="unsubscribe it first, or choose another"
            )
        if len(self._following) >= SUBSCRIPTIONS_MAX:
            refusal = ResourceLimit(
                f"this connection has {SUBSCRIPTIONS_MAX} streams", hint="open another connection"
            )
            await self._say(frames.error(frame.id, self._problem(refusal, token_hex(16))))
            return
        self._following[frame.id] = self._start(self._follow(frame))

    def _unsubscribe(self, subscription: str) -> None:
        task = self._following.pop(subscription, None)
        if task is not None:  # else it has just ended by itself
            self._unwanted.add(task)
            task.add_done_callback(self._unwanted.discard)
            task.cancel()

    async def _follow(self, frame: frames.Subscribe) -> None:
        """Serve one subscription; what goes wrong with it ends only it."""
        try:
            await self._serve_subscription(frame)
        except _Left:
            pass
        finally:
            if self._following.get(frame.id) is asyncio.current_task():  # else it is another's by now
                del self._following[frame.id]

    async def _serve_subscription(self, frame: frames.Subscribe) -> None:
        trace_id = token_hex(16)
        try:
            operation = find_stream(frame.operation)
            request = bind(Match(Rule(operation, "POST", (), WHOLE), {}), "", bytes(frame.request))
            await self._read(frame.id, await self._reader(operation, request, frame.cursor, trace_id))
        except CaxtonError as err:
            await self._say(frames.error(frame.id, self._problem(err, trace_id)))
        except _Left:
            raise
        except Exception as err:  # noqa: BLE001  one subscription must not end the others
            _log.exception("a subscription met a bug", operation=frame.operation, trace_id=trace_id)
            bug = InternalError("the subscription met a bug in the node", why=type(err).__name__)
            await self._say(frames.error(frame.id, self._problem(bug, trace_id)))

    async def _reader(
        self, operation: Operation, request: Message, cursor: str, trace_id: str = ""
    ) -> Reader:
        caller = replace(self._caller, trace_id=trace_id or self._caller.trace_id, headers={})
        streams = self._backend.streams
        if cursor:
            return await streams.resume(operation, request, cursor, caller)
        return await streams.open(operation, request, caller)

    async def _read(self, subscription: str, reader: Reader) -> None:
        """Send events until the stream ends; unless the client said goodbye it may resume the stream."""
        try:
            await self._say(frames.subscribed(subscription, reader.cursor, reader.headers))
            while events := await reader.take():
                for event in events:
                    await self._say(frames.event(subscription, reader.cursor_at(event.seq), event.data))
            await self._say(frames.end(subscription, reader.cursor))
        finally:
            reader.close(for_good=asyncio.current_task() in self._unwanted)

    # -- frames ---------------------------------------------------------------------------------------------

    async def _next(self) -> frames.ClientFrame:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise _Left
        text = message.get("text")
        if text is None:
            await self._send(
                {
                    "type": "websocket.close",
                    "code": frames.CLOSED_FOR_BINARY,
                    "reason": "INVALID_ARGUMENT: frames are texts",
                }
            )
            raise _Left
        return frames.read_frame(text)

    async def _say(self, frame: bytes) -> None:
        """Send a frame; waits while the client does not read."""
        try:
            await self._send({"type": "websocket.send", "text": frame.decode()})
        except (ClientDisconnected, RuntimeError) as err:  # it has gone, or the close frame is out
            raise _Left from err

    async def _close(self, error: CaxtonError) -> None:
        """Say what is wrong with the connection, and close it."""
        try:
            await self._say(frames.error("", self._problem(error, self._caller.trace_id)))
            await self._send(
                {
                    "type": "websocket.close",
                    "code": frames.close_code(error),
                    "reason": frames.close_reason(error),
                }
            )
        except (_Left, ClientDisconnected, RuntimeError):
            pass  # it has gone by itself

    def _problem(self, error: CaxtonError, trace_id: str) -> dict[str, Any]:
        return problem_of(error, trace_id=trace_id, node=self._backend.node_id)


def find_stream(method: str) -> Operation:
    """Return the operation of a name, `Service/Method` with or without the package before it.

    Raises:
        InvalidArgument: There is none, or it has one answer only.
    """
    operation = BY_METHOD.get(method.removeprefix(f"{PACKAGE}."))
    if operation is None or not operation.streams:
        known = ", ".join(name for name, known in BY_METHOD.items() if known.streams)
        raise InvalidArgument(
            f"{method[:80]} is no stream",
            why="there is no such operation" if operation is None else "it has one answer",
            hint=f"streams are {known}",
        )
    return operation


def _not_authenticated(why: str) -> Unauthorized:
    return Unauthorized(
        "the connection has no credentials",
        why=why,
        hint='send {"type":"authenticate","token":"..."} first, or an Authorization header with the upgrade',
    )
