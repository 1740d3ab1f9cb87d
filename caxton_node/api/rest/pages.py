"""Pages that are the same for everybody: the description of the API, and Swagger UI to read and try it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib.resources import files

from caxton_node.api.rest import answers
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
    """Serves the pages; they tell nothing about the node, so they are open to everybody."""

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Return what serves which path."""
        assets = {path: partial(_serve_file, name, kind) for path, (name, kind) in _FILES.items()}
        return {"/openapi.json": _serve_description, **assets}


async def _serve_description(exchange: Exchange) -> None:
    await answers.send(exchange, Reply(200, document_json()))


async def _serve_file(name: str, kind: str, exchange: Exchange) -> None:
    body = files("caxton_node.api.rest").joinpath("swagger", name).read_bytes()
    await answers.send(exchange, Reply(200, body, kind, _HEADERS))
