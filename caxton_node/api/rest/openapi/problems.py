"""Errors in the description: the problem document, and which statuses an operation may answer with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from caxton_node.api.rest.idempotency import VERBS as REPEATABLE
from caxton_node.api.rest.reply import PROBLEM
from caxton_node.api.rest.rules import Rule

Document = dict[str, Any]

_TEXTS = {
    "type": "URN that names the code.",
    "title": "What the status means.",
    "detail": "The same as `message`, where RFC 9457 has it.",
    "code": "Stable name of the error, for programs.",
    "message": "What happened, one clause.",
    "why": "The cause, where it is known and not obvious.",
    "hint": "What the reader can do next.",
    "trace_id": "Also in the node's log lines of this call; empty if there was no call.",
    "node": "Which node says so.",
}

PROBLEM_SCHEMA: Document = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "properties": {
        **{name: {"type": "string", "description": text} for name, text in _TEXTS.items()},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": [*_TEXTS, "status", "metadata"],
}

STATUSES = {
    400: "The request cannot be used; nothing was changed.",
    401: "No valid credential came with the request.",
    403: "The credential does not grant this operation.",
    404: "The named thing is not known.",
    405: "The path does not take this method.",
    408: "The request did not arrive in time.",
    409: "The present state does not allow it; nothing was changed.",
    410: "What came after the cursor is not kept any more.",
    412: "The object is another than `If-Match` says.",
    413: "The body is too large.",
    414: "Path and query are too long.",
    415: "The body is not JSON.",
    421: "The host in the request is not one of this node's.",
    422: "The idempotency key came with another request.",
    429: "A limit was reached; try later.",
    431: "The headers are too large.",
    500: "A bug of the node.",
    502: "A message could not be given to its receiver.",
    503: "The node cannot do it now.",
    504: "No answer came in time; the work may still be going on.",
}
_HEADERS = {401: ("WWW-Authenticate",), 405: ("Allow",), 429: ("Retry-After",)}
_ALWAYS = (400, 404, 405, 408, 414, 421, 431, 500, 503, 504)


def responses() -> Document:
    """Return the components for all statuses."""
    return {str(status): _response(status, text) for status, text in STATUSES.items()}


def statuses_of(rule: Rule) -> Iterator[int]:
    """Yield the statuses of errors that an operation may answer with."""
    statuses = {*_ALWAYS, 401, 403, 409, 429, 502}
    if rule.verb in REPEATABLE:
        statuses |= {412, 422}
    if rule.operation.streams:
        statuses.add(410)
    statuses.add(413)
    if rule.body:
        statuses.add(415)
    yield from sorted(statuses)


def _response(status: int, text: str) -> Document:
    headers = {
        name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Trace-Id", *_HEADERS.get(status, ()))
    }
    if status in {406, 408, 414, 431}:
        del headers["X-Trace-Id"]  # may be said before there is a call
    return {
        "description": text,
        "headers": headers,
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
