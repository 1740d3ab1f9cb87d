"""A module as a plain body: `PUT /api/v1/modules/{sha256}` with `content-type: application/wasm`.

    curl -X PUT --data-binary @agent.wasm -H 'content-type: application/wasm' $URL/api/v1/modules/$DIGEST

With `?offset=N&size_bytes=M` the body is what comes from byte N on, of M in all. The same operation as the
stream of gRPC: the body is cut into its pieces.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from urllib.parse import parse_qsl

from google.protobuf.message import Message

from caxton_node.core.errors import InvalidArgument
from caxton_node.pb import uploads_pb2

WASM = "application/wasm"
PIECE_BYTES = 512 * 1024


def is_module(content_type: str) -> bool:
    """Return whether a body is a module and not JSON."""
    return content_type.partition(";")[0].strip().lower() == WASM


async def pieces_of(sha256: str, query: str, body: bytes) -> AsyncGenerator[Message]:
    """Yield the messages of an upload.

    Raises:
        InvalidArgument: The query says something else than where the body belongs.
    """
    offset, size = _read(query, len(body))
    yield uploads_pb2.UploadModuleRequest(sha256=sha256, size_bytes=size, offset=offset)
    for at in range(0, len(body), PIECE_BYTES):
        yield uploads_pb2.UploadModuleRequest(data=body[at : at + PIECE_BYTES])


def _read(query: str, body_bytes: int) -> tuple[int, int]:
    """Return where the body begins, and how large the whole is."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    try:
        offset = int(given.pop("offset", "0"))
        size = int(given.pop("size_bytes", str(offset + body_bytes)))
    except ValueError as err:
        raise InvalidArgument("offset and size_bytes are numbers of bytes", why=str(err)) from err
    if given:
        raise InvalidArgument(
            f"an upload has no parameter {min(given)[:80]!r}", hint="it has offset and size_bytes"
        )
    return offset, size
