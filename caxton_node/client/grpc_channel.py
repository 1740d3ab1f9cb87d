"""One gRPC channel to one node: calls, streams, and the translation of whatever goes wrong.

Method paths and message classes come from the service descriptors, so no stubs are generated.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TypeVar

# Read by gRPC when it is imported: it would print its own diagnostics over the output of a command line, and
# hooks around fork are of no use to a client.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import status_pb2

from caxton_node.client.endpoint import Endpoint
from caxton_node.client.errors import rebuild
from caxton_node.core.errors import (
    SURFACES,
    Category,
    CaxtonError,
    DeadlineExceeded,
    InternalError,
    ResourceLimit,
    Unavailable,
)
from caxton_node.pb import errors_pb2

MESSAGE_BYTES_MAX = 64 * 1024 * 1024  # a module of 50 MiB and its request around it
DETAILS_KEY = "grpc-status-details-bin"
_NO_ALPN = "missing selected ALPN"  # in gRPC's words for a peer that does not offer HTTP/2
_CATEGORIES = {surface.grpc: category for category, surface in SURFACES.items()}

R = TypeVar("R", bound=Message)


class GrpcChannel:
    """An open channel; connecting happens on the first call.

    Args:
        endpoint: Where the node is and which credential to show.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._metadata = (("authorization", f"Bearer {endpoint.token}"),) if endpoint.token else ()
        self._channel = _open(endpoint)

    def call(self, method: str, request: Message, response: type[R], *, timeout_s: float) -> R:
        """Make one call.

        Args:
            method: `Service/Method` of the package caxton.v1.
            request: Its request.
            response: Class of its response.
            timeout_s: When to give up, seconds.

        Raises:
            CaxtonError: What the node answered, or Unavailable or DeadlineExceeded when it did not.
        """
        self._check_socket()
        stub = self._channel.unary_unary(
            f"/caxton.v1.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        try:
            answer: R = stub(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as err:
            raise self._translate(err, timeout_s) from None
        return answer

    def stream(self, method: str, request: Message, response: type[R]) -> Iterator[R]:
        """Make one call whose answers keep coming; leaving the iterator ends the call.

        Raises:
            CaxtonError: While iterating: what the node answered, or Unavailable when the link broke.
        """
        self._check_socket()
        stub = self._channel.unary_stream(
            f"/caxton.v1.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        answers = stub(request, metadata=self._metadata)
        try:
            yield from answers
        except grpc.RpcError as err:
            raise self._translate(err, 0.0) from None
        finally:
            answers.cancel()  # type: ignore[no-untyped-call]  # the stubs leave it bare

    def upload(self, method: str, requests: Iterator[Message], response: type[R], *, timeout_s: float) -> R:
        """Make one call whose requests keep coming; they are taken as fast as the node takes them.

        Raises:
            CaxtonError: As `call`.
        """
        self._check_socket()
        stub = self._channel.stream_unary(
            f"/caxton.v1.{method}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=response.FromString,
        )
        try:
            answer: R = stub(requests, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as err:
            raise self._translate(err, timeout_s) from None
        return answer

    def close(self) -> None:
        """Close the channel; calls under way are cancelled."""
        self._channel.close()

    def _check_socket(self) -> None:
        path = self._endpoint.socket_path
        if path is not None and not path.exists():
            raise Unavailable(
                f"no node answers at {path}",
                why="there is no such socket",
                hint="start one with `caxton-node run`, or say where it is with --data-dir or --endpoint",
            )

    def _translate(self, err: grpc.RpcError, timeout_s: float) -> CaxtonError:
        if (detail := _detail(err)) is not None:
            return rebuild(detail, _CATEGORIES.get(err.code().name, Category.INTERNAL))
        text = err.details() or err.code().name
        if err.code() is grpc.StatusCode.UNAVAILABLE:
            return Unavailable(
                f"no node answers at {self._endpoint.target}", why=_reason(text), hint=_next_step(text)
            )
        if err.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceeded(
                f"{self._endpoint.target} did not answer within {timeout_s:g} s",
                why="the node is busy or the network is slow; what was asked for may still happen",
                hint="look at `caxton server status`, or give a longer --timeout",
            )
        if err.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in text:
            return ResourceLimit(
                "the message is larger than is taken at once",
                why=text.removeprefix("SERVER: "),
                hint="upload a module first (caxton module upload), or raise grpc.message_bytes_max",
            )
        return InternalError(f"the call failed with {err.code().name}", why=text)


def _open(endpoint: Endpoint) -> grpc.Channel:
    options = [
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.enable_http_proxy", 0),  # management traffic goes straight to the node
    ]
    if endpoint.socket_path is not None:
        # The authority of a socket would be its path, percent-encoded; servers may refuse that.
        return grpc.insecure_channel(endpoint.target, [*options, ("grpc.default_authority", "localhost")])
    credentials = grpc.ssl_channel_credentials(root_certificates=endpoint.ca_pem)
    return grpc.secure_channel(endpoint.target, credentials, options)


def _detail(err: grpc.RpcError) -> errors_pb2.ErrorDetail | None:
    trailing = (item for item in err.trailing_metadata() or () if item.key == DETAILS_KEY)
    found = next(trailing, None)
    return _unpack(bytes(found.value)) if found is not None else None


def _unpack(value: bytes) -> errors_pb2.ErrorDetail | None:
    detail = errors_pb2.ErrorDetail()
    try:
        packed = status_pb2.Status.FromString(value).details
        return detail if any(item.Unpack(detail) for item in packed) else None
    except DecodeError:  # something between us and the node wrote its own; the status code still stands
        return None


def _reason(text: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate is not signed by the CA that was given, or is not valid for this host name"
    if "WRONG_VERSION_NUMBER" in text:
        return "something else than a node's gRPC listens there"
    if _NO_ALPN in text:
        return "that port speaks TLS but no gRPC: perhaps REST listens there"
    if "refused" in text.lower():
        return "the connection was refused"
    return text


def _next_step(text: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "give the ca.crt of the cluster with --ca or CAXTON_CA"
    if _NO_ALPN in text:
        return (
            "give the gRPC port, 50051 where nothing else was set; `caxton cluster status` tells which it is"
        )
    return "check the address, and that the node runs: `caxton-node run`"
