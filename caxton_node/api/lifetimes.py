"""How long a message may live, between the schema and the header that says so."""

from __future__ import annotations

import msgspec

from caxton_node.core.errors import InvalidArgument
from caxton_node.messaging.tags import TTL, TTL_MS_MAX
from caxton_node.pb import messages_pb2 as pb

DAY_MS = 86_400_000


def lifetime_of(request: pb.SendMessageRequest) -> dict[str, msgspec.Raw]:
    """Return the header of a message that may not live for ever, else nothing.

    Args:
        request: Says it in a field; a message that was written as text says it in a header.

    Raises:
        InvalidArgument: It is no time, or a longer one than anybody may ask for.
    """
    text = str(request.ttl_ms) if request.ttl_ms else request.headers.get(TTL, "")
    if not text:
        return {}
    ttl_ms = int(text[:20]) if text.isascii() and text.isdigit() else 0
    if not 1 <= ttl_ms <= TTL_MS_MAX:
        raise InvalidArgument(
            f"a message cannot live for {text[:80]} ms",
            why=f"it may live for 1 ms to {TTL_MS_MAX // DAY_MS} days",
            hint="for example --ttl 1h",
        )
    return {TTL: msgspec.Raw(msgspec.msgpack.encode(ttl_ms))}
