"""Reads the body of a request, and asks first who sends it.

A short body is read before: most are, and a connection may hold as much. Anything longer, or of a length that
nobody has said, is read when its sender is known and may do somewhere what it asks for. Nothing is parsed for
whoever is not known.
"""

from __future__ import annotations

from typing import Final

from google.protobuf.message import Message

from caxton_node.api.operations import Operation
from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.exchange import Exchange
from caxton_node.resilience.sizes import BYTES_MAX, KIB

SHORT_BYTES_MAX: Final = 64 * KIB
IN_LOOP_BYTES_MAX: Final = 16 * KIB
"""Longer JSON is parsed in a thread: it takes about a microsecond for each byte."""
JSON_GROWTH: Final = 2
"""So many times as long as a message its JSON may be: base64 takes a third more, names the rest."""


async def read_body(
    exchange: Exchange, backend: Backend, operation: Operation, sketch: Message, growth: int = JSON_GROWTH
) -> bytes:
    """Return the body of a request, whole.

    Args:
        exchange: The request.
        backend: Knows who calls, and what is taken.
        operation: What is asked for.
        sketch: What is known of the request without its body, for the audit log.
        growth: So many times as long as the message itself the body may be.

    Raises:
        BodyTooLarge: It is longer than this node takes, or than a request of this class may be.
        CaxtonError: Its sender is not known, or may do this nowhere; counted and audited as any refusal is.
    """
    if not exchange.has_body:
        return b""
    settings = backend.settings
    most = min(settings.request_bytes_max, growth * BYTES_MAX[operation.rate] + SHORT_BYTES_MAX)
    if operation.anonymous and exchange.connection.peer is None:
        return await exchange.body(min(most, SHORT_BYTES_MAX), settings.body_within_s)
    length = exchange.content_length
    if length and length <= min(most, SHORT_BYTES_MAX):
        body = await exchange.body(most, settings.body_within_s)
        await backend.pipeline.identify(operation, exchange.caller, sketch)
        return body
    if exchange.has("expect"):  # who is refused will not send it, and goes on with something else
        exchange.headers["connection"] = "close"
    await backend.pipeline.identify(operation, exchange.caller, sketch, somewhere=True)
    exchange.headers.pop("connection", None)
    return await exchange.body(most, settings.body_within_s)
