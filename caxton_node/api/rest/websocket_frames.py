"""What client and node say to each other on a WebSocket, as JSON texts: the subprotocol `caxton.v1`.

docs/streams.md has the protocol for those who write clients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from caxton_node.core.errors import Category, CaxtonError, InvalidArgument

SUBPROTOCOL = "caxton.v1"
REASON_BYTES_MAX = 123  # a close frame has no room for more (RFC 6455, 5.5)

CLOSED_WELL = 1000
CLOSED_FOR_BINARY = 1003
CLOSED_BY_RULE = 1008
CLOSED_BY_BUG = 1011
CLOSED_FOR_NOW = 1013

_CODES = {
    Category.INTERNAL: CLOSED_BY_BUG,
    Category.EXHAUSTED: CLOSED_FOR_NOW,
    Category.UNAVAILABLE: CLOSED_FOR_NOW,
    Category.TIMEOUT: CLOSED_FOR_NOW,
}

SubscriptionId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class _Frame(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """Anything that a client says."""


class Authenticate(_Frame, frozen=True, tag="authenticate"):
    """The client's token: the first frame if the upgrade had no credentials, or a newer one."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=16_384)]


class Subscribe(_Frame, frozen=True, tag="subscribe"):
    """Begin a stream, or go on with one.

    Attributes:
        id: What the client calls it on this connection.
        operation: `Service/Method`.
        request: The request as proto JSON.
        cursor: Where to go on; empty to begin anew.
    """

    id: SubscriptionId
    operation: Annotated[str, msgspec.Meta(max_length=200)]
    request: msgspec.Raw = msgspec.Raw(b"{}")
    cursor: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Unsubscribe(_Frame, frozen=True, tag="unsubscribe"):
    """End a stream for good."""

    id: SubscriptionId


class Hello(_Frame, frozen=True, tag="ping"):
    """Ask whether the node is there; browsers cannot send pings of the protocol.

    Attributes:
        text: Comes back in the pong.
    """

    text: Annotated[str, msgspec.Meta(max_length=200)] = ""


ClientFrame = Authenticate | Subscribe | Unsubscribe | Hello

_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_encode = msgspec.json.Encoder().encode


def read_frame(text: str) -> ClientFrame:
    """Read what a client says.

    Raises:
        InvalidArgument: It is no frame of the protocol.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as err:
        raise InvalidArgument(
            "the frame cannot be read",
            why=str(err)[:200],
            hint=f"{SUBPROTOCOL} has authenticate, subscribe, unsubscribe and ping; see docs/streams.md",
        ) from err


def authenticated(name: str, expires_unix_s: int | None) -> bytes:
    """Return the answer to a token that holds."""
    return _encode({"type": "authenticated", "name": name, "expires_unix_s": expires_unix_s})


def subscribed(subscription: str, cursor: str, headers: Mapping[str, str]) -> bytes:
    """Return the first frame of a stream."""
    return _encode({"type": "subscribed", **_id(subscription), "cursor": cursor, "headers": dict(headers)})


def event(subscription: str, cursor: str, data: bytes) -> bytes:
    """Return the frame of an event, whose data is JSON already."""
    head = _encode({"type": "event", **_id(subscription), "cursor": cursor})
    return head[:-1] + b',"data":' + data + b"}"


def end(subscription: str, cursor: str) -> bytes:
    """Return the last frame of a stream that has come to its end."""
    return _encode({"type": "end", **_id(subscription), "cursor": cursor})


def error(subscription: str, problem: Mapping[str, Any]) -> bytes:
    """Return the last frame of a stream that failed, or, without a subscription, of the connection."""
    return _encode({"type": "error", **_id(subscription), "error": problem})


def pong(text: str) -> bytes:
    """Return the answer to a ping."""
    return _encode({"type": "pong", "text": text})


def close_code(error: CaxtonError) -> int:
    """Return the code with which a connection is closed for an error."""
    return _CODES.get(error.category, CLOSED_BY_RULE)


def close_reason(error: CaxtonError) -> str:
    """Return `CODE: what happened`, as far as a close frame has room."""
    return f"{error.code}: {error.what}".encode()[:REASON_BYTES_MAX].decode(errors="ignore")


def _id(subscription: str) -> dict[str, str]:
    return {"id": subscription} if subscription else {}
