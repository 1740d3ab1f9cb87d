"""Operations in the description: parameters, bodies, answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from caxton_node.api.operations import PACKAGE
from caxton_node.api.rest import descriptors
from caxton_node.api.rest.idempotency import VERBS as REPEATABLE
from caxton_node.api.rest.openapi.comments import read_comments
from caxton_node.api.rest.openapi.examples import example_body, example_of
from caxton_node.api.rest.openapi.problems import statuses_of
from caxton_node.api.rest.openapi.schemas import Schemas
from caxton_node.api.rest.parameters import parameters_of
from caxton_node.api.rest.reply import JSON, NDJSON
from caxton_node.api.rest.rules import Rule

Document = dict[str, Any]

EVENTS = "text/event-stream"
PREFIX = ("api", "v1")
_RATES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def tag_of(rule: Rule) -> str:
    """Return what an operation is filed under: the noun after the version."""
    return rule.segments[len(PREFIX)]


def operation_of(rule: Rule, number: int, schemas: Schemas) -> Document:
    """Return the description of one operation at one path.

    Args:
        rule: The operation, verb and path.
        number: Which of the operation's paths this is, from 0.
        schemas: Gets the messages that it needs.
    """
    operation, request = rule.operation, rule.operation.request.DESCRIPTOR
    comment = read_comments().get(f"{PACKAGE}.{operation.service}.{operation.name}", operation.name)
    summary, _, rest = comment.partition(". ")
    needs = f"Needs the permission `{operation.permission}`." if operation.permission else ""
    described: Document = {
        "operationId": operation.name + (f"_{number + 1}" if number else ""),
        "tags": [tag_of(rule)],
        "summary": summary.rstrip("."),
        "description": "\n\n".join(filter(None, (rest.rstrip(), needs))),
        "parameters": list(_parameters(rule, schemas)),
        "responses": _responses(rule, schemas),
    }
    if rule.body:
        media: Document = {"schema": schemas.request(request, without=rule.fields)}
        example = example_body(request, rule.fields)
        described["requestBody"] = {
            "required": False,
            "content": {JSON: media | ({"example": example} if example else {})},
        }
    if operation.anonymous:
        described["security"] = []
    return described


def _parameters(rule: Rule, schemas: Schemas) -> Iterator[Document]:
    request = rule.operation.request.DESCRIPTOR
    for name in rule.fields:
        field = request.fields_by_name[name]
        yield _parameter(field, name, "path", schemas, required=True)
    if not rule.body:
        for name, field in parameters_of(rule):
            yield _parameter(field, name, "query", schemas, required=False)
    names = ["X-Timeout-S"]
    if not rule.operation.streams:
        names += ["Idempotency-Key", "If-Match"] if rule.verb in REPEATABLE else ["If-None-Match"]
    for name in names:
        yield {"$ref": f"#/components/parameters/{name}"}


def _parameter(
    field: descriptors.Field, name: str, place: str, schemas: Schemas, *, required: bool
) -> Document:
    schema = schemas.field(field, closed=True)
    if place == "path" and schema.get("type") == "string":
        schema["minLength"] = 1
    parameter: Document = {"name": name, "in": place, "required": required, "schema": schema}
    comment = read_comments().get(field.full_name, "")
    if comment:
        parameter["description"] = comment
    if schema.get("type") == "object":
        parameter |= {"style": "deepObject", "explode": True}
    example = example_of(field.containing_type, field.name)
    if example is not None and required:
        parameter["example"] = example
    return parameter


def _responses(rule: Rule, schemas: Schemas) -> Document:
    operation = rule.operation
    schema = schemas.answer(operation.response.DESCRIPTOR)
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Trace-Id", *_RATES)}
    if operation.streams:
        text = "One document a line, as they come; or events, if `Accept` says `text/event-stream`."
        content: Document = {
            NDJSON: {"schema": {"type": "string"}, "x-line": schema},
            EVENTS: {"schema": {"type": "string"}},
        }
    else:
        text, content = "Done.", {JSON: {"schema": schema}}
    if rule.verb == "GET" and not operation.streams:
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
    responses: Document = {"200": {"description": text, "headers": headers, "content": content}}
    if "ETag" in headers:
        responses["304"] = {
            "description": "It is what `If-None-Match` says.",
            "headers": {"ETag": headers["ETag"]},
        }
    return responses | {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses_of(rule)
    }
