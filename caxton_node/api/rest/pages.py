"""Pages that are the same for everybody: the description of the API, and Swagger UI to read and try it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.resources import files

from caxton_node.api.rest import answers
from caxton_node.api.rest.encodings import pack
from caxton_node.api.rest.exchange import Exchange
from caxton_node.api.rest.openapi.document import document_json
from caxton_node.api.rest.reply import Reply

Handler = Callable[[Exchange], Awaitable[None]]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}
_FILES = {
    "/docs": ("index.html", "text/html; charset=utf-8"),
    "/docs/start.js": ("start.js", "text/javascript; charset=utf-8"),
    "/docs/swagger-ui-bundle.js": ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    "/docs/swagger-ui.css": ("swagger-ui.css", "text/css; charset=utf-8"),
    "/docs/LICENSE": ("LICENSE", "text/plain; charset=utf-8"),
    "/docs/NOTICE": ("NOTICE", "text/plain; charset=utf-8"),
}


class Pages:
    """Serves the pages; they tell nothing about the node, so they are open to everybody.

    Each is made and packed once: a stranger could otherwise have that done as often as it likes.
    """

    def __init__(self) -> None:
        self._made: dict[str, Reply] = {}

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves which path."""
        makers: dict[str, Callable[[], Reply]] = {"/openapi.json": _description}
        for path, (name, kind) in _FILES.items():
            makers[path] = partial(_file, name, kind)
        return {path: partial(self._serve, path, make) for path, make in makers.items()}

    async def _serve(self, path: str, make: Callable[[], Reply], exchange: Exchange) -> None:
        if path not in self._made:
            self._made[path] = await asyncio.to_thread(_packed, make)
        await answers.send(exchange, self._made[path])


def _packed(make: Callable[[], Reply]) -> Reply:
    reply = make()
    return replace(reply, packed=pack(reply.body))


def _description() -> Reply:
    return Reply(200, document_json())


def _file(name: str, kind: str) -> Reply:
    body = files("caxton_node.api.rest").joinpath("swagger", name).read_bytes()
    return Reply(200, body, kind, _HEADERS)
