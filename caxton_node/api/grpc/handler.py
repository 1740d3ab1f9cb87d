"""From a gRPC call to the pipeline and back: one generic handler for every row of the table."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message

from caxton_node.api.call import Caller
from caxton_node.api.errors import status_bytes
from caxton_node.api.operations import BY_METHOD, PACKAGE, Operation
from caxton_node.api.pipeline import Pipeline
from caxton_node.client.errors import cut
from caxton_node.core.errors import CaxtonError, InvalidArgument, Unauthorized
from caxton_node.security import Credentials, UnixPeer

DETAILS_KEY = "grpc-status-details-bin"
BEARER = "bearer "
TLS_VERSION = b"TLSv1.3"

THIS_USER = UnixPeer(os.getpid(), os.geteuid(), os.getegid())
"""Whoever opens the socket: its mode lets nobody else in, and gRPC does not tell who it was."""

Context = grpc.aio.ServicerContext[Any, Any]


class OperationsHandler(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Serves every operation of the table.

    Args:
        pipeline: Runs them.
        node_id: This node, named in errors.
    """

    def __init__(self, pipeline: Pipeline, node_id: str) -> None:
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
        make = (
            grpc.unary_stream_rpc_method_handler if operation.streams else grpc.unary_unary_rpc_method_handler
        )
        behavior: Any = self._stream(operation) if operation.streams else self._unary(operation)
        return make(
            behavior,
            response_serializer=operation.response.SerializeToString,
        )

    def _unary(self, operation: Operation) -> Callable[[bytes, Context], Awaitable[Message]]:
        async def behave(data: bytes, context: Context) -> Message:
            caller = caller_of(context)
            try:
                check_tls(context)
                return await self._pipeline.run(operation, read_request(operation, data), caller)
            except CaxtonError as err:
                await self._abort(context, err, caller)
                raise AssertionError("abort raises") from err

        return behave

    def _stream(self, operation: Operation) -> Callable[[bytes, Context], AsyncIterator[Message]]:
        async def behave(data: bytes, context: Context) -> AsyncIterator[Message]:
            caller = caller_of(context)
            try:
                check_tls(context)
                request = read_request(operation, data)
                async for response in self._pipeline.stream(operation, request, caller):
                    yield response
            except CaxtonError as err:
                await self._abort(context, err, caller)

        return behave

    async def _abort(self, context: Context, error: CaxtonError, caller: Caller) -> None:
        details = status_bytes(error, trace_id=caller.trace_id, node=self._node_id)
        # The status line is for generic clients; ours read the details.
        text = cut(str(error)).encode("ascii", "replace").decode()
        await context.abort(grpc.StatusCode[error.surface.grpc], text, ((DETAILS_KEY, details),))


def read_request(operation: Operation, data: bytes) -> Message:
    """Read a request; here rather than in gRPC, which would answer broken ones with UNKNOWN.

    Raises:
        InvalidArgument: The bytes are not such a message.
    """
    try:
        return operation.request.FromString(data)
    except DecodeError as err:
        name = operation.request.DESCRIPTOR.name
        raise InvalidArgument(
            f"the request is not a {name}", why=str(err), hint=f"it is a message of {PACKAGE}"
        ) from err


def caller_of(context: Context) -> Caller:
    """Return what gRPC knows of whoever calls."""
    metadata = {str(key).lower(): value for key, value in context.invocation_metadata() or ()}
    peer = context.peer()
    is_socket = peer.startswith("unix:")
    credentials = Credentials(
        bearer=_bearer(metadata.get("authorization", "")),
        api_key=_text(metadata.get("x-api-key", "")),
        peer=THIS_USER if is_socket else None,
        source="socket" if is_socket else peer.rpartition(":")[0],
    )
    return Caller(
        credentials=credentials,
        surface="grpc",
        address="socket" if is_socket else peer,
        timeout_s=context.time_remaining(),
    )


def _bearer(value: object) -> str:
    text = _text(value)
    return text[len(BEARER) :].strip() if text.lower().startswith(BEARER) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def check_tls(context: Context) -> None:
    """Refuse TLS before 1.3; gRPC itself has no setting for it.

    Raises:
        Unauthorized: The connection uses an older TLS.
    """
    versions = list(context.auth_context().get("ssl_tls_version", ()))
    if versions and TLS_VERSION not in versions:
        raise Unauthorized(
            "TLS 1.3 is needed", why=f"the connection uses {versions[0].decode()}", hint="update the client"
        )
