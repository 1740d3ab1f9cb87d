"""Which pages may call from a browser (CORS), and which may not change anything.

Exact origins only, as the operator wrote them. There is no `*`, and no credentials are asked for that a
browser sends of its own accord: pages carry their key in a header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from caxton_node.api.rest.refusals import ForeignOrigin
from caxton_node.core.errors import InvalidConfig

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")
_EXPOSED = (
    "etag, retry-after, x-trace-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, "
    "idempotent-replayed"
)
_ASKED = (
    "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, x-api-key, "
    "x-timeout-s"
)
MAX_AGE_S = 600
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def read_origins(text: str) -> tuple[str, ...]:
    """Read the setting rest.cors_origins.

    Raises:
        InvalidConfig: One is not written as browsers send it.
    """
    origins = tuple(text.replace(",", " ").split())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise InvalidConfig(
                f"rest.cors_origins has {origin!r}, which is no origin",
                why="an origin is a scheme, a host in lower case and a port if it is not the usual one",
                hint="write each like https://app.example.com:8443; * is not taken",
            )
    return origins


def answer_headers(origin: str, allowed: Iterable[str]) -> dict[str, str]:
    """Return what every answer says to a page of an origin.

    Args:
        origin: As the browser sent it; empty if it sent none.
        allowed: Origins that may call.
    """
    allowed = tuple(allowed)
    headers = {"vary": "origin"} if allowed else {}
    if origin and origin in allowed:
        headers |= {"access-control-allow-origin": origin, "access-control-expose-headers": _EXPOSED}
    return headers


def preflight_headers(verbs: Iterable[str]) -> dict[str, str]:
    """Return what the answer to a preflight says, beside `answer_headers`."""
    return {
        "access-control-allow-methods": ", ".join(verbs),
        "access-control-allow-headers": _ASKED,
        "access-control-max-age": str(MAX_AGE_S),
    }


def check_origin(verb: str, origin: str, host: str, allowed: Iterable[str]) -> None:
    """Refuse changes that a page of another origin asks for.

    A preflight stops most of them in the browser, but not a bare POST, and a browser with a client
    certificate shows it to any page's request.

    Raises:
        ForeignOrigin: The page may not.
    """
    if verb in SAFE or not origin or origin in allowed or origin == f"https://{host}":
        return
    raise ForeignOrigin(
        "a page of another origin asks for a change",
        why=f"{origin[:200]} is not in rest.cors_origins",
        hint="if it may, add it there; programs that are no browsers send no Origin",
    )
