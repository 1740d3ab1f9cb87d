"""Which channel leads to an endpoint: gRPC everywhere, or plain HTTP over the socket of this machine.

The socket is for the command line: `import grpc` alone takes longer than all the rest of one command. A node
without its REST socket (an older one, or one where it is switched off) is still reached by gRPC.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from caxton_node.client.endpoint import Endpoint

R = TypeVar("R", bound="Message")
REST_SOCKET_NAME: Final = "rest.sock"


class Channel(Protocol):
    """A way to one node."""

    def call(self, method: str, request: Message, response: type[R], *, timeout_s: float) -> R:
        """Make one call of `Service/Method`."""

    def stream(self, method: str, request: Message, response: type[R]) -> Iterator[R]:
        """Make one call whose answers keep coming; leaving the iterator cancels it."""

    def upload(self, method: str, requests: Iterator[Message], response: type[R], *, timeout_s: float) -> R:
        """Make one call whose requests keep coming."""

    def close(self) -> None:
        """Close the channel; calls under way are cancelled."""


def open_channel(endpoint: Endpoint) -> Channel:
    """Open the channel that suits an endpoint; connecting happens on the first call."""
    rest = rest_socket(endpoint)
    if rest is not None:
        from caxton_node.client.socket_channel import SocketChannel  # noqa: PLC0415  only the one that is used

        return SocketChannel(rest, endpoint)
    from caxton_node.client.grpc_channel import GrpcChannel  # noqa: PLC0415  only the one that is used

    return GrpcChannel(endpoint)


def rest_socket(endpoint: Endpoint) -> Path | None:
    """Find the REST socket beside the management socket of an endpoint.

    A management socket that is not there means that no node runs; the same answer comes quicker without gRPC.
    """
    path = endpoint.socket_path
    if path is None:
        return None
    rest = path.with_name(REST_SOCKET_NAME)
    return rest if _is_socket(rest) or not path.exists() else None


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
