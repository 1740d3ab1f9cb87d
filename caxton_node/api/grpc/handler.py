"""From a gRPC call to the pipeline and back: one generic handler for every row of the table.

What a row needs is looked up once, when the server is made: a call costs the pipeline and little more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError, Message

from caxton_node.api.call import Caller
from caxton_node.api.errors import status_bytes
from caxton_node.api.grpc.callers import SURFACE, Context, caller_of
from caxton_node.api.grpc.greeting import Greeting, small
from caxton_node.api.incoming import Incoming
from caxton_node.api.operations import BY_METHOD, PACKAGE, Operation
from caxton_node.api.pipeline import Pipeline
from caxton_node.api.slow_readers import in_time
from caxton_node.client.errors import cut
from caxton_node.core.errors import CaxtonError, InvalidArgument

DETAILS_KEY = "grpc-status-details-bin"

Read = Callable[[bytes], Message]
Pieces = AsyncIterator[bytes]


class OperationsHandler(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Serves every operation of the table.

    Args:
        pipeline: Runs them.
        node_id: This node, named in errors.
        slow_reader_s: A stream ends when its reader takes nothing for so long.
    """

    def __init__(self, pipeline: Pipeline, node_id: str, *, slow_reader_s: float) -> None:
        self._slow_reader_s = slow_reader_s
        self._pipeline = pipeline
        self._node_id = node_id
        self._handlers = {
            f"/{PACKAGE}.{method}": self._make(operation) for method, operation in BY_METHOD.items()
        }

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the handler of a method; None leaves it to other services, or to UNIMPLEMENTED."""
        return self._handlers.get(handler_call_details.method)

    def _make(self, operation: Operation) -> grpc.RpcMethodHandler[Any, Any]:
        write = operation.response.SerializeToString
        if operation.client_streams:
            return grpc.stream_unary_rpc_method_handler(self._upload(operation), None, write)
        if operation.streams:
            return grpc.stream_stream_rpc_method_handler(self._stream(operation), None, write)
        return grpc.stream_unary_rpc_method_handler(self._unary(operation), None, write)

    def _unary(self, operation: Operation) -> Callable[[Pieces, Context], Awaitable[Message]]:
        run, read = self._pipeline.run, self._only(operation)

        async def behave(pieces: Pieces, context: Context) -> Message:
            caller = None
            try:
                caller = caller_of(context)
                response = await run(operation, await read(pieces, caller), caller)
            except CaxtonError as err:
                return await self._abort(context, err, caller)
            if caller.headers:
                context.set_trailing_metadata(small(caller.headers))
            return response

        return behave

    def _stream(self, operation: Operation) -> Callable[[Pieces, Context], Awaitable[None]]:
        stream, read, slow_s = self._pipeline.stream, self._only(operation), self._slow_reader_s

        async def behave(pieces: Pieces, context: Context) -> None:
            caller, greeting = None, Greeting(context)
            try:
                caller = greeting.of(caller_of(context))
                responses = stream(operation, await read(pieces, caller), caller)
                async with aclosing(responses):  # type: ignore[type-var]  # it is a generator
                    async for response in responses:
                        await greeting.sent()
                        await in_time(context.write(response), slow_s)
                await greeting.sent()
            except CaxtonError as err:
                await greeting.sent()
                await self._abort(context, err, caller)

        return behave

    def _upload(self, operation: Operation) -> Callable[[AsyncIterator[bytes], Context], Awaitable[Message]]:
        run, read = self._pipeline.run, reader_of(operation)

        async def requests(pieces: AsyncIterator[bytes]) -> AsyncIterator[Message]:
            async for data in pieces:
                yield read(data)

        async def behave(pieces: AsyncIterator[bytes], context: Context) -> Message:
            caller = None
            try:
                caller = caller_of(context)
                response = await run(operation, cast("Any", Incoming(requests(pieces))), caller)
            except CaxtonError as err:
                return await self._abort(context, err, caller)
            context.set_trailing_metadata(small(caller.headers))
            return response

        return behave

    def _only(self, operation: Operation) -> Callable[[Pieces, Caller], Awaitable[Message]]:
        """Return what reads the one message of a call, when it is known who sends it.

        To gRPC such a call is a stream of one: of any other it would hand over the message together with the
        caller, and have read up to `message_bytes_max` for everybody.
        """
        identify, parse, sketch = self._pipeline.identify, reader_of(operation), operation.request()

        async def read(pieces: Pieces, caller: Caller) -> Message:
            await identify(operation, caller, sketch)
            data = await anext(aiter(pieces), None)
            if data is None:
                raise InvalidArgument("the call has no request", hint=f"send a {sketch.DESCRIPTOR.name}")
            return parse(data)

        return read

    async def _abort(self, context: Context, error: CaxtonError, caller: Caller | None) -> Message:
        caller = caller or Caller(surface=SURFACE)
        details = status_bytes(error, trace_id=caller.trace_id, node=self._node_id)
        # The status line is for generic clients; ours read the details.
        text = cut(str(error)).encode("ascii", "replace").decode()
        trailing: list[tuple[str, str | bytes]] = [*small(caller.headers), (DETAILS_KEY, details)]
        await context.abort(grpc.StatusCode[error.surface.grpc], text, tuple(trailing))
        raise AssertionError("abort raises") from error


def reader_of(operation: Operation) -> Read:
    """Return what reads requests; here rather than in gRPC, which would answer broken ones with UNKNOWN.

    Returns:
        A function that raises InvalidArgument when the bytes are not such a message.
    """
    kind = operation.request
    parse = kind.FromString

    def read(data: bytes) -> Message:
        try:
            return parse(data)
        except DecodeError as err:
            raise InvalidArgument(
                f"the request is not a {kind.DESCRIPTOR.name}",
                why=str(err),
                hint=f"it is a message of {PACKAGE}",
            ) from err

    return read
