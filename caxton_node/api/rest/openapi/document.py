"""The description of the whole API."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from caxton_node import __version__
from caxton_node.api.rest.exchange import TIMEOUT_PATTERN
from caxton_node.api.rest.openapi.paths import operation_of, tag_of
from caxton_node.api.rest.openapi.problems import PROBLEM_SCHEMA, responses
from caxton_node.api.rest.openapi.schemas import Schemas
from caxton_node.api.rest.reply import JSON
from caxton_node.api.rest.rules import all_rules

Document = dict[str, Any]

_ABOUT = """\
Management of a node and, through any node, of the whole cluster.

- Names and values are those of the protos (proto JSON): 64-bit integers are strings, bytes are base64.
- A slash in a name is `%2F` in a path: the agent `bot` of the tenant `acme` is `acme%2Fbot`.
- What can be long comes in pages: `page_size`, and `page_token` with `next_page_token` of the page before.
- Errors are problem documents (RFC 9457) with a code, a cause, a hint and a trace id.
- Reads have an `ETag`; `If-None-Match` spares what is known. Changes take `If-Match` and `Idempotency-Key`.
"""

_PARAMETERS: Document = {
    "X-Timeout-S": (
        "How long the caller will wait, seconds; then it gets 504.",
        {"type": "string", "pattern": TIMEOUT_PATTERN},
    ),
    "Idempotency-Key": (
        "Makes repeating this very request harmless for 24 hours: it gets the answer that it had.",
        {"type": "string", "pattern": "^[!-~]{1,255}$", "minLength": 1, "maxLength": 255},
    ),
    "If-Match": ("Do it only if the object still has this entity tag.", {"type": "string"}),
    "If-None-Match": ("Answer 304 if this is the entity tag.", {"type": "string"}),
}

_HEADERS: Document = {
    "X-Trace-Id": ("Also in the node's log lines of this call.", {"type": "string"}),
    "X-RateLimit-Limit": ("How many such calls the caller may make at once.", {"type": "string"}),
    "X-RateLimit-Remaining": ("How many of them are left.", {"type": "string"}),
    "X-RateLimit-Reset": ("Seconds until all are there again.", {"type": "string"}),
    "Retry-After": ("Seconds after which to try again.", {"type": "string"}),
    "WWW-Authenticate": ("How to show who calls.", {"type": "string"}),
    "Allow": ("The methods that the path takes.", {"type": "string"}),
    "ETag": ("Entity tag of the answer.", {"type": "string"}),
}

_SECURITY: Document = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or a JSON web token."},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
    "certificate": {"type": "mutualTLS", "description": "A client certificate of the cluster's authority."},
}


@cache
def document() -> Document:
    """Return the description; the same on every node of one version."""
    schemas = Schemas()
    paths = _paths(schemas) | _probes()
    tags = sorted({tag_of(rule) for rule in all_rules()} | {"probes"})
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": "Caxton node",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in _SECURITY],
        "tags": [{"name": tag} for tag in tags],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted((schemas.components | {"Problem": PROBLEM_SCHEMA}).items())),
            "parameters": {
                name: {"name": name, "in": "header", "required": False, "description": text, "schema": schema}
                for name, (text, schema) in _PARAMETERS.items()
            },
            "headers": {
                name: {"description": text, "schema": schema} for name, (text, schema) in _HEADERS.items()
            },
            "responses": responses(),
            "securitySchemes": _SECURITY,
        },
    }


@cache
def document_json() -> bytes:
    """Return the description as JSON, byte for byte the same whenever it is made."""
    return msgspec.json.encode(document())


def _paths(schemas: Schemas) -> Document:
    paths: Document = {}
    seen: dict[str, int] = {}
    for rule in all_rules():
        number = seen.get(rule.operation.method, 0)
        seen[rule.operation.method] = number + 1
        paths.setdefault(rule.path, {})[rule.verb.lower()] = operation_of(rule, number, schemas)
    return paths


def _probes() -> Document:
    checks = {"type": "object", "additionalProperties": {"type": "string"}}
    shown = {"type": "object", "properties": {"status": {"type": "string"}, "checks": checks}}
    content = {JSON: {"schema": shown}}
    return {
        f"/{name}": {
            "get": {
                "operationId": name,
                "tags": ["probes"],
                "summary": summary,
                "security": [],
                "responses": {
                    "200": {"description": "Yes.", "content": content},
                    "503": {"description": "No.", "content": content},
                    "405": {"$ref": "#/components/responses/405"},
                },
            }
        }
        for name, summary in (("health", "Is this process sound?"), ("ready", "Should it get work now?"))
    }
