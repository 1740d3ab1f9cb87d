"""Durable messages of clients, between the schema and the header that says so."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from caxton_node.core.errors import InvalidArgument
from caxton_node.fipa import Envelope
from caxton_node.messaging.durable.header import DURABLE, is_durable
from caxton_node.messaging.router import Router
from caxton_node.pb import messages_pb2 as pb

WORDS = {"true": True, "false": False}


def survival_of(request: pb.SendMessageRequest) -> dict[str, msgspec.Raw]:
    """Return the header of a message that is to survive, else nothing.

    Args:
        request: Says it in a field; a message that was written as text says it in a header.

    Raises:
        InvalidArgument: The header is neither true nor false.
    """
    text = "true" if request.durable else request.headers.get(DURABLE)
    if text is None:
        return {}
    if text not in WORDS:
        raise InvalidArgument(
            f"a message cannot be durable: {text[:80]}", why="that is true or false", hint="use --durable"
        )
    return {DURABLE: msgspec.Raw(msgspec.msgpack.encode(WORDS[text]))}


async def store(router: Router, envelope: Envelope, post: Callable[[Envelope], bytes]) -> str:
    """Send a message for which nobody waits; a durable one is on the disk when this returns its id.

    Raises:
        ResourceLimit: The outbox is full; nothing was sent.
        StoreFailed: The disk does not take it now.
    """
    kept = router.durable if is_durable(envelope) else None
    if kept is not None:
        kept.sending.check_room(len(envelope.content or b""))
    message_id = post(envelope)
    if kept is not None:
        await kept.stored()
    return message_id.hex()
