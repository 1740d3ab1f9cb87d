"""WebSocket upgrades: who may connect from where, and what is served.

At `/ws` a client subscribes to any number of streams; at the REST address of a server stream it gets that
one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from google.protobuf.message import Message
from uvicorn.protocols.utils import ClientDisconnected

from caxton_node.api.call_record import writing_down_refusals
from caxton_node.api.operations import Operation
from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.binding import bind
from caxton_node.api.rest.exchange import Exchange, Receive, Send
from caxton_node.api.rest.hosts import check_host
from caxton_node.api.rest.problem import problem_reply
from caxton_node.api.rest.refusals import ForeignOrigin, Refusal
from caxton_node.api.rest.routes import Routes
from caxton_node.api.rest.rules import all_rules
from caxton_node.api.rest.sse import take_cursor
from caxton_node.api.rest.websocket_frames import CLOSED_BY_BUG, SUBPROTOCOL
from caxton_node.api.rest.websocket_session import Session
from caxton_node.core.errors import CaxtonError, InternalError
from caxton_node.observability.logs import get_logger

PATH = "/ws"
OPENED = "OpenWebSocket"
"""What the audit log calls an upgrade; it is no operation."""

_Work = tuple[Operation, Message, str]

_log = get_logger("websocket")
_routes = Routes(rule for rule in all_rules() if rule.operation.streams and rule.verb == "GET")


async def serve(
    exchange: Exchange, backend: Backend, names: Collection[str], receive: Receive, send: Send
) -> None:
    """Serve one WebSocket.

    Args:
        exchange: The upgrade.
        backend: What runs the streams.
        names: Host names under which browsers may call.
        receive: Of ASGI.
        send: Of ASGI.
    """
    await receive()  # `websocket.connect`, which says nothing
    try:
        subprotocol = await _judge(exchange, backend, names)
        work = None if exchange.path == PATH else _read_address(exchange)
    except CaxtonError as err:
        await _refuse(exchange, backend, send, err)
        return
    try:
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        session = Session(backend, exchange.caller, receive, send)
        await (session.serve_one(*work) if work else session.serve())
    except ClientDisconnected:
        pass
    except Exception:  # noqa: BLE001  the last place where anybody can say so
        _log.exception("a WebSocket met a bug", path=exchange.path, trace_id=exchange.caller.trace_id)
        await send({"type": "websocket.close", "code": CLOSED_BY_BUG, "reason": InternalError.code})


async def _judge(exchange: Exchange, backend: Backend, names: Collection[str]) -> str | None:
    """Look at an upgrade before anything is served; return the subprotocol to speak.

    Raises:
        CaxtonError: It is refused.
    """
    if exchange.connection.peer is None:
        check_host(exchange.header("host"), names)
    check_origin(exchange, backend.settings.cors_origins)
    subprotocol = choose_subprotocol(exchange)
    await _check_credentials(exchange, backend)
    return subprotocol


def _read_address(exchange: Exchange) -> _Work:
    """Return the operation, the request and the cursor that an address means."""
    cursor = take_cursor(exchange)
    match = _routes.match("GET", exchange.path)
    return match.rule.operation, bind(match, exchange.query, b""), cursor


def check_origin(exchange: Exchange, allowed: Iterable[str]) -> None:
    """Refuse pages of other origins: a browser lets any page open a WebSocket to anywhere.

    A program that is no browser sends no `Origin`. It shows what a page cannot: a header with credentials, or
    the Unix socket. A client certificate is not that, since a browser shows it by itself.

    Raises:
        ForeignOrigin: The page may not, or nobody knows that it is none.
    """
    origin = exchange.header("origin")
    shown = exchange.caller.credentials
    if not origin:
        if shown.bearer or shown.api_key or shown.peer is not None:
            return
        raise ForeignOrigin(
            "a WebSocket needs an Origin, or credentials in its headers",
            why="it came without either",
            hint="programs send Authorization: Bearer ... with the upgrade",
        )
    if origin not in allowed and origin != f"https://{exchange.header('host')}":
        raise ForeignOrigin(
            "a page of another origin opens a WebSocket",
            why=f"{origin[:200]} is not in rest.cors_origins",
            hint="if it may, add it there",
        )


def choose_subprotocol(exchange: Exchange) -> str | None:
    """Return the subprotocol to speak; `/ws` must be asked for by it, a stream's own address may be.

    Raises:
        Refusal: The client speaks none that is served.
    """
    offered = exchange.scope["subprotocols"]
    if SUBPROTOCOL in offered:
        return SUBPROTOCOL
    if not offered and exchange.path != PATH:
        return None
    raise Refusal(
        f"the WebSocket does not speak {SUBPROTOCOL}",
        why=f"it offers {', '.join(offered)[:200]}" if offered else "it offers no subprotocol",
        hint=f"send Sec-WebSocket-Protocol: {SUBPROTOCOL}; in a browser: new WebSocket(url, '{SUBPROTOCOL}')",
    )


async def _check_credentials(exchange: Exchange, backend: Backend) -> None:
    """Judge credentials that came with the upgrade; without any, the first frame brings them."""
    shown = exchange.caller.credentials
    if shown.bearer or shown.api_key or shown.certificate_der or shown.peer is not None:
        with writing_down_refusals(backend.services, OPENED, exchange.caller):
            await backend.services.identity.authenticate(shown)


async def _refuse(exchange: Exchange, backend: Backend, send: Send, error: CaxtonError) -> None:
    """Answer an upgrade as any request is answered that fails."""
    reply = problem_reply(error, trace_id=exchange.caller.trace_id, node=backend.node_id)
    headers = {**reply.headers, "content-type": reply.content_type, "content-length": str(len(reply.body))}
    lines = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "websocket.http.response.start", "status": reply.status, "headers": lines})
    await send({"type": "websocket.http.response.body", "body": reply.body})
