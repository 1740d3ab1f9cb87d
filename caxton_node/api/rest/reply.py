"""An answer that is whole before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

JSON = "application/json"
PROBLEM = "application/problem+json"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body.

    Attributes:
        status: HTTP status.
        body: Its bytes, as they are sent.
        content_type: What they are; empty if there are none.
        headers: Further ones, by name in lower case.
        is_secret: The body is not to be kept.
        packed: The body gzipped, if that was done before; else it is done when a client takes it.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    is_secret: bool = False
    packed: bytes | None = None
