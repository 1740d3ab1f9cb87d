"""Errors as problem details (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from caxton_node.api.rest.refusals import Refusal, status_of
from caxton_node.api.rest.reply import PROBLEM, Reply
from caxton_node.client.errors import describe
from caxton_node.core.errors import CaxtonError, RateLimited

TYPE_PREFIX = "urn:caxton:error:"


def problem_of(error: CaxtonError, *, trace_id: str, node: str) -> dict[str, Any]:
    """Return the members of the problem document, in the order in which people want to read them."""
    status, detail = status_of(type(error)), describe(error, trace_id=trace_id, node=node)
    return {
        "type": f"{TYPE_PREFIX}{detail.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail.message,
        "code": detail.code,
        "message": detail.message,
        "why": detail.why,
        "hint": detail.hint,
        "trace_id": detail.trace_id,
        "node": detail.metadata["node"],
        "metadata": dict(detail.metadata),
    }


def problem_reply(error: CaxtonError, *, trace_id: str, node: str) -> Reply:
    """Return the answer to a call that failed."""
    problem = problem_of(error, trace_id=trace_id, node=node)
    headers = dict(error.headers) if isinstance(error, Refusal) else {}
    if isinstance(error, RateLimited):
        headers["retry-after"] = error.retry_after
    if problem["status"] == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="caxton"'
    return Reply(problem["status"], msgspec.json.encode(problem), PROBLEM, headers)
