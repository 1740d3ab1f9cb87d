"""What is served where, and what becomes of an error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from caxton_node.api.errors import going_down
from caxton_node.api.operations import PACKAGE
from caxton_node.api.rest import rpc, websocket
from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.cors import answer_headers, check_origin, preflight_headers
from caxton_node.api.rest.exchange import Exchange, Receive, Scope, Send
from caxton_node.api.rest.hosts import check_host
from caxton_node.api.rest.pages import Pages
from caxton_node.api.rest.probes import Probes
from caxton_node.api.rest.problem import problem_reply
from caxton_node.api.rest.refusals import MethodNotAllowed
from caxton_node.api.rest.reply import Reply
from caxton_node.api.rest.routes import Routes, no_such_path
from caxton_node.api.rest.rules import all_rules
from caxton_node.api.rest.transcoding import Transcoder
from caxton_node.core.errors import CaxtonError, InternalError
from caxton_node.observability.logs import get_logger

Handler = Callable[[Exchange], Awaitable[None]]

RPC_PREFIX = f"/{PACKAGE}."
PAGE_VERBS = ("GET", "HEAD", "OPTIONS")

_log = get_logger("rest")


class RestApp:
    """The ASGI application.

    Args:
        backend: What to serve.

    Attributes:
        names: Host names under which browsers may call, besides addresses and localhost.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._settings = backend.settings
        self.names: Collection[str] = backend.settings.names
        self._routes = Routes(all_rules())
        self._transcoder = Transcoder(backend, self._routes)
        probes = Probes(backend)
        self._pages: Mapping[str, Handler] = {
            "/health": probes.serve_health,
            "/ready": probes.serve_ready,
            **Pages().handlers,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            upgrade = Exchange(scope, receive, send, "websocket")
            await websocket.serve(upgrade, self._backend, self.names, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        exchange.connection.serve(asyncio.current_task())
        try:
            await self._answer(exchange)
        except asyncio.CancelledError:
            if exchange.connection.is_lost:
                return
            if not exchange.has_begun:
                await self._tell(exchange, going_down())
            raise
        finally:
            exchange.let_go()

    async def close(self) -> None:
        """Stop what runs without a client."""
        await self._transcoder.close()

    async def _answer(self, exchange: Exchange) -> None:
        try:
            self._check(exchange)
            await self._serve(exchange)
        except CaxtonError as err:
            await self._tell(exchange, err)
        except Exception as err:  # noqa: BLE001  the boundary at which a bug becomes an answer
            _log.exception("a request met a bug", path=exchange.path, trace_id=exchange.caller.trace_id)
            bug = InternalError(
                "the request met a bug in the node",
                why=f"{type(err).__name__}: {err}",
                hint="find the trace id in the node's log and report it",
            )
            await self._tell(exchange, bug)

    def _check(self, exchange: Exchange) -> None:
        """Look at what has nothing to do with any operation."""
        origin, host = exchange.header("origin"), exchange.header("host")
        exchange.headers |= answer_headers(origin, self._settings.cors_origins)
        if exchange.connection.peer is None:
            check_host(host, self.names)
        check_origin(exchange.verb, origin, host, self._settings.cors_origins)
        exchange.read_timeout()

    async def _serve(self, exchange: Exchange) -> None:
        page = self._pages.get(exchange.path)
        if exchange.verb == "OPTIONS":
            await self._serve_options(exchange)
        elif page is not None:
            await _serve_page(page, exchange)
        elif exchange.path.startswith(RPC_PREFIX):
            await rpc.serve(exchange, self._backend)
        else:
            await self._transcoder.serve(exchange)

    async def _serve_options(self, exchange: Exchange) -> None:
        """Tell which verbs a path takes; to the browser of a page that may call, also that it may."""
        verbs = PAGE_VERBS if exchange.path in self._pages else self._routes.verbs(exchange.path)
        if not verbs:
            raise no_such_path(exchange.path)
        headers = {"allow": ", ".join(verbs)}
        if "access-control-allow-origin" in exchange.headers:
            headers |= preflight_headers(verbs)
        await exchange.reply(Reply(204, b"", "", headers))

    async def _tell(self, exchange: Exchange, error: CaxtonError) -> None:
        """Send an error, or break off what has been sent in part."""
        if exchange.has_begun:
            raise ConnectionAbortedError from error
        caller = exchange.caller
        await exchange.reply(problem_reply(error, trace_id=caller.trace_id, node=self._backend.node_id))


async def _serve_page(page: Handler, exchange: Exchange) -> None:
    if exchange.verb not in PAGE_VERBS:
        raise MethodNotAllowed(
            f"{exchange.path} cannot be used with {exchange.verb}",
            hint="it takes GET",
            headers={"allow": ", ".join(PAGE_VERBS)},
        )
    await page(exchange)
