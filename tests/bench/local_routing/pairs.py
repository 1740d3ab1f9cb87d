"""Pairs of guests in conversations: a requester asks, a responder informs, under fipa-request.

Every conversation has an id of its own and ends with its answer, and 200 bytes of JSON go there and back. A
requester keeps a window of them open: what is answered makes room for the next, so messages wait in batches
when the window is wide. What is counted are REQUESTs and INFORMs between guests, not what starts them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from caxton_node.fipa import Envelope, Performative
from caxton_node.runtime import Limits
from tests.bench.local_routing.flows import Books, Flow, all_handled, measure
from tests.bench.local_routing.guests import guest
from tests.support.data_plane import NODE, Agent, DataPlane

CONTENT_BYTES = 200
LOAD = f"load@{NODE}"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two agents that talk with each other."""

    requester: Agent
    responder: Agent

    @property
    def handled(self) -> int:
        """Return how many messages both have handled."""
        return self.requester.handled + self.responder.handled


def content(opened: int, more: int, due_ns: int = 0) -> bytes:
    """Return 200 bytes of JSON that tell a requester what to do, and that its requests carry.

    Args:
        opened: Conversations that it opens at once.
        more: Those that it opens later, one whenever another has ended.
        due_ns: When it is due, for whoever looks how late it was handled.
    """
    head = f'{{"open":"{opened:08}","more":"{more:08}","due":"{due_ns:020}","pad":"'
    return f'{head:x<{CONTENT_BYTES - 2}}"}}'.encode()


def due_ns_of(envelope: Envelope) -> int:
    """Return when the message with this content was due."""
    assert envelope.content is not None
    return int(envelope.content[44:64])


def build_pairs(plane: DataPlane, name: str, count: int, limits: Limits) -> list[Pair]:
    """Start so many pairs; nobody says anything yet."""
    return [
        Pair(
            plane.add(f"{name}-q{n}", guest("requester"), {"peer": f"{name}-a{n}"}, limits=limits),
            plane.add(f"{name}-a{n}", guest("responder"), limits=limits),
        )
        for n in range(count)
    ]


def start(plane: DataPlane, pair: Pair, opened: int, more: int) -> None:
    """Tell a requester to open conversations, now or when it is attached."""
    told = content(opened, more)
    plane.router.submit(Envelope(Performative.REQUEST, LOAD, pair.requester.address, told))


async def converse(plane: DataPlane, pairs: Sequence[Pair], conversations: int, window: int) -> Flow:
    """Let every pair hold so many conversations, so many of them at a time, and wait for the last answer."""
    for pair in pairs:
        await asyncio.to_thread(plane.scheduler.detach, pair.requester.slot)
        start(plane, pair, window, conversations - window)
    books, handled = Books(plane), sum(pair.handled for pair in pairs)
    requesters = [pair.requester for pair in pairs]

    def begin() -> None:
        for requester in requesters:
            plane.scheduler.attach(requester.slot)

    goals = [requester.handled + 1 + conversations for requester in requesters]
    seconds, cpu_s = await measure(plane, begin, all_handled(requesters, goals))
    received = sum(pair.handled for pair in pairs) - handled - len(pairs)
    assert received == 2 * conversations * len(pairs), f"{received} of {2 * conversations * len(pairs)}"
    return books.close(seconds, cpu_s, received, len(pairs))
