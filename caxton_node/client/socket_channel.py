"""Calls over the REST socket of a node on this machine, by the Connect protocol, without gRPC.

A call is `POST /caxton.v1.Service/Method` with the message in binary as its body; an error answers with JSON
that carries the ErrorDetail; the answers of a stream come each behind five bytes, flags and length. That is
the unary and the streaming form of https://connectrpc.com/docs/protocol, so other clients exist for it.
"""

from __future__ import annotations

import socket
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from caxton_node.client.http1 import Answer, BrokenAnswer, request_head, time_left_s
from caxton_node.core.errors import (
    SURFACES,
    Category,
    CaxtonError,
    DeadlineExceeded,
    InternalError,
    Unavailable,
)

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from caxton_node.client.endpoint import Endpoint

R = TypeVar("R", bound="Message")

UNARY: Final = "application/proto"
PLAIN: Final = "application/vnd.caxton.plain+json"
STREAMING: Final = "application/connect+proto"
PREFIX_BYTES: Final = 5
LAST: Final = 0x02  # flag of the closing frame, whose content is JSON
_CATEGORIES = {surface.grpc.lower(): category for category, surface in SURFACES.items()}


class SocketChannel:
    """A way to the node of a data directory; each call is a connection of its own, so threads may share it.

    Args:
        path: The REST socket.
        endpoint: What the caller asked for, named in errors.
    """

    def __init__(self, path: Path, endpoint: Endpoint) -> None:
        self._path = path
        self._endpoint = endpoint
        self._open: set[socket.socket] = set()

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
        return response.FromString(self._call(method, UNARY, request.SerializeToString(), timeout_s))

    def call_plain(self, method: str, request: Mapping[str, Any], *, timeout_s: float) -> Any:  # noqa: ANN401  JSON
        """Make one call with plain values both ways, without protobuf at this end.

        Raises:
            CaxtonError: As `call`.
        """
        import json  # noqa: PLC0415  see _read_json

        return json.loads(self._call(method, PLAIN, json.dumps(request).encode(), timeout_s))

    def _call(self, method: str, media: str, data: bytes, timeout_s: float) -> bytes:
        until = time.monotonic() + timeout_s
        headers = {"Content-Type": media, "Connect-Timeout-Ms": max(1, round(timeout_s * 1000))}
        connection = self._connect(timeout_s)
        try:
            answer = _ask(connection, method, headers, data, until)
            body = answer.body()
        except TimeoutError as err:
            raise self._late(timeout_s) from err
        except OSError as err:
            raise self._gone(err) from err
        finally:
            self._forget(connection)
        if answer.status != 200:
            raise _error(_read_json(body), answer.status)
        return body

    def stream(self, method: str, request: Message, response: type[R]) -> Iterator[R]:
        """Make one call whose answers keep coming; leaving the iterator cancels it.

        Raises:
            CaxtonError: As `call`; while iterating.
        """
        data = request.SerializeToString()
        connection = self._connect(None)
        try:
            answer = _ask(connection, method, {"Content-Type": STREAMING}, _frame(data), None)
            if answer.status != 200:
                raise _error(_read_json(answer.body()), answer.status)
            for body in _messages(answer.parts()):
                yield response.FromString(body)
        except OSError as err:
            raise self._gone(err) from err
        finally:
            self._forget(connection)

    def upload(self, method: str, requests: Iterator[Message], response: type[R], *, timeout_s: float) -> R:
        """Make one call whose requests keep coming: by gRPC, whose start-up is nothing beside an upload.

        Raises:
            CaxtonError: As `call`.
        """
        from caxton_node.client.grpc_channel import GrpcChannel  # noqa: PLC0415  only for uploads

        channel = GrpcChannel(self._endpoint)
        try:
            return channel.upload(method, requests, response, timeout_s=timeout_s)
        finally:
            channel.close()

    def close(self) -> None:
        """End the calls under way; whoever waits for one of them gets Unavailable."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _connect(self, timeout_s: float | None) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout_s)
            connection.connect(str(self._path))
        except OSError as err:
            connection.close()
            raise self._absent(err) from err
        self._open.add(connection)
        return connection

    def _forget(self, connection: socket.socket) -> None:
        self._open.discard(connection)
        connection.close()

    def _absent(self, err: OSError) -> Unavailable:
        missing = isinstance(err, FileNotFoundError)
        return Unavailable(
            f"no node answers at {self._endpoint.socket_path}",
            why="there is no such socket" if missing else (err.strerror or str(err)).lower(),
            hint="start one with `caxton-node run`, or say where it is with --data-dir or --endpoint",
        )

    def _gone(self, err: OSError) -> Unavailable:
        return Unavailable(
            f"no node answers at {self._endpoint.socket_path}",
            why=err.strerror or str(err),
            hint="check that the node runs: `caxton-node run`",
        )

    def _late(self, timeout_s: float) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"{self._endpoint.target} did not answer within {timeout_s:g} s",
            why="the node is busy; what was asked for may still happen",
            hint="look at `caxton server status`, or give a longer --timeout",
        )


def _ask(
    connection: socket.socket, method: str, headers: dict[str, object], body: bytes, until: float | None
) -> Answer:
    head = request_head(
        f"/caxton.v1.{method}", {**headers, "Connect-Protocol-Version": 1, "Content-Length": len(body)}
    )
    connection.settimeout(time_left_s(until))
    # A node that refuses a long body answers before it has read all of it: that says more than the pipe.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(head + body)
    return Answer(connection, until)


def _frame(data: bytes) -> bytes:
    return b"\0" + len(data).to_bytes(4, "big") + data


def _messages(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Cut a body into the messages of a stream, and raise the error that it may end with."""
    buffer = bytearray()
    for part in parts:
        buffer += part
        while len(buffer) >= PREFIX_BYTES:
            end = PREFIX_BYTES + int.from_bytes(buffer[1:PREFIX_BYTES], "big")
            if len(buffer) < end:
                break
            flags, body = buffer[0], bytes(buffer[PREFIX_BYTES:end])
            del buffer[:end]
            if not flags & LAST:
                yield body
                continue
            if error := _read_json(body).get("error"):
                raise _error(error, 0)
            return
    raise BrokenAnswer("the stream ended without a closing frame: the node stopped")


def _read_json(body: bytes) -> dict[str, Any]:
    import json  # noqa: PLC0415  only errors and the ends of streams are JSON

    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _error(found: dict[str, Any], status: int) -> CaxtonError:
    """Return the error that a node answered with."""
    from caxton_node.client.errors import rebuild  # noqa: PLC0415  only when something went wrong
    from caxton_node.pb import errors_pb2  # noqa: PLC0415

    code = str(found.get("code", ""))
    for detail in found.get("details", ()):
        if detail.get("type") == errors_pb2.ErrorDetail.DESCRIPTOR.full_name:
            value = str(detail.get("value", ""))
            read = errors_pb2.ErrorDetail.FromString(b64decode(value + "=" * (-len(value) % 4)))
            return rebuild(read, _CATEGORIES.get(code, Category.INTERNAL))
    why = str(found.get("message", "")) or f"HTTP status {status}"
    return InternalError(f"the call failed with {code.upper() or status}", why=why)
