"""JSON on its way out: entity tag, `304 Not Modified`, gzip."""

from __future__ import annotations

import asyncio

from caxton_node.api.rest.encodings import pack, takes_gzip
from caxton_node.api.rest.etags import etag_of, matches, quoted
from caxton_node.api.rest.exchange import Exchange
from caxton_node.api.rest.reply import Reply

READS = frozenset({"GET", "HEAD"})
PACKED_IN_LOOP_BYTES_MAX = 64 * 1024


async def send(exchange: Exchange, reply: Reply) -> None:
    """Send a whole answer in the form that the client takes, unless it is a read that it knows already."""
    headers = {"vary": "accept-encoding", **reply.headers}
    is_read = exchange.verb in READS and reply.status == 200
    tag = etag_of(reply.body) if is_read else ""
    known = exchange.header("if-none-match")
    if is_read:
        headers.setdefault("cache-control", "private, no-cache")
        headers["etag"] = quoted(tag)
        if known and matches(known, tag):
            await exchange.reply(Reply(304, b"", "", headers))
            return
    takes_it = takes_gzip(exchange.header("accept-encoding"))
    packed = (reply.packed or await _pack(reply.body)) if takes_it else None
    if packed is None:
        await exchange.reply(Reply(reply.status, reply.body, reply.content_type, headers))
        return
    headers["content-encoding"] = "gzip"
    if tag:
        headers["etag"] = quoted(tag, packed=True)
    await exchange.reply(Reply(reply.status, packed, reply.content_type, headers))


async def _pack(body: bytes) -> bytes | None:
    if len(body) > PACKED_IN_LOOP_BYTES_MAX:
        return await asyncio.to_thread(pack, body)
    return pack(body)
