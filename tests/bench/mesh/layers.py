"""Which part of a message's way across the mesh a place in the code belongs to: the table of `--profile`."""

from __future__ import annotations

import re
from collections.abc import Sequence

REST, LOOP = "the rest", "event loop, its system calls"

RULES = tuple(
    (layer, re.compile(pattern))
    for layer, pattern in (
        ("guest call", r"/caxton_node/runtime/(native|sandbox|abi|control_block|metering|stopwatch|host)"),
        ("waking, parking workers", r"scheduler\.py:(Scheduler\._(park|next|wake|find)|.*call\b)"),
        ("turns of agents", r"/caxton_node/runtime/"),
        ("mailbox", r"/caxton_node/messaging/(mailbox|arrivals|latency|pausing)\.py"),
        ("between workers and loop", r"/caxton_node/messaging/(remote|inlet|credit)"),
        ("envelope read, write", r"/caxton_node/fipa/codec|<string>:|read_draft|to_builtins"),
        ("content check", r"/caxton_node/fipa/(content|scanner|rules)"),
        ("destination", r"/caxton_node/(messaging/(destinations|routes|directory)|core/ids)"),
        ("conversation, receipts", r"/messaging/(conversations|following|receipts|tracking|requests|traces)"),
        ("intake", r"/caxton_node/messaging/(intake|stamps|letterhead)"),
        ("delivery", r"/caxton_node/messaging/"),
        ("QUIC", r"/aioquic/|/transport/links/(quic|congestion)"),
        ("TLS", r"/ssl\.py:|/transport/links/tls|/cryptography/"),
        ("sockets", r"/transport/links/(udp|tcp|sockets)"),
        ("session, frames, credit", r"/transport/"),
        ("membership, registry", r"/swim/|/caxton_node/(cluster|registry)/"),
        ("management calls", r"/grpc/|/caxton_node/api/|/google/protobuf/"),
        (LOOP, r"/asyncio/|/uvloop/"),
    )
)
LAYERS = (*(layer for layer, _ in RULES), REST)


def layer_of(stack: Sequence[str]) -> str:
    """Return the layer in which a thread stood: that of the innermost place that a rule knows.

    Args:
        stack: Places as `sampled` writes them, outermost first.
    """
    for place in reversed(stack):
        for layer, pattern in RULES:
            if pattern.search(place):
                return layer
    return REST
