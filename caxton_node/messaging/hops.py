"""How often a message was passed on from node to node: at most three times in a row.

Two nodes that each believe an agent to be on the other would else pass its mail to and fro for ever. The
count is a header that hosts alone write.
"""

from __future__ import annotations

import msgspec

from caxton_node.fipa import Envelope
from caxton_node.fipa.codec import READ_ERRORS
from caxton_node.fipa.message import HEADERS_MAX

HOPS = "hops"
HOPS_MAX = 3
_NO_HOPS = msgspec.msgpack.encode(0)


def count_hop(envelope: Envelope) -> str:
    """Write one more hop into a message that is passed on; return why it cannot be, "" if it can."""
    headers = dict(envelope.headers or {})
    hops = _read(headers.get(HOPS, _NO_HOPS))
    if hops >= HOPS_MAX:
        return f"by {HOPS_MAX} nodes in a row"
    if HOPS not in headers and len(headers) >= HEADERS_MAX:  # the next node could not read it
        return f", and a message of {HEADERS_MAX} headers cannot be passed on"
    headers[HOPS] = msgspec.Raw(msgspec.msgpack.encode(hops + 1))
    envelope.headers = headers
    return ""


def _read(raw: bytes | msgspec.Raw) -> int:
    """Read how often a message was passed on; as often as it may be, if that cannot be read."""
    try:
        hops = msgspec.msgpack.decode(raw, type=int)
    except READ_ERRORS:
        return HOPS_MAX
    return hops if hops >= 0 else HOPS_MAX
