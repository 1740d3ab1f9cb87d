"""Messages down a chain of relays: the load of the earlier figures.

Each of N messages is put into the mailbox of the first agent, every agent sends it on to the next, the last
one keeps it. So each message is CHAIN - 1 messages from guest to guest; only those are counted. They are
INFORMs in a few conversations without a protocol, of 200 bytes that are a JSON text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from caxton_node.fipa import Envelope, Performative
from caxton_node.runtime import Limits
from caxton_node.runtime.batching import Batching
from tests.bench.local_routing.flows import Books, Flow, all_handled, measure
from tests.support.data_plane import NODE, Agent, DataPlane
from tests.support.guests import wat

CHAIN = 33
CONVERSATIONS = 64
CONTENT = b'"' + b"x" * 198 + b'"'


def build_chain(
    plane: DataPlane, name: str, limits: Limits, batching: Batching = Batching.ADAPTIVE
) -> list[Agent]:
    """Start the agents of a chain; the last one has no next and keeps what it gets."""
    last = CHAIN - 1
    return [
        plane.add(
            f"{name}-{n}",
            wat("relay"),
            {"next": f"{name}-{n + 1}"} if n < last else {},
            limits=limits,
            batching=batching,
        )
        for n in range(CHAIN)
    ]


async def flow(plane: DataPlane, chain: Sequence[Agent], messages: int) -> Flow:
    """Send so many messages down the chain and wait until the last guest has handled the last of them."""
    first, last = chain[0], chain[-1]
    await asyncio.to_thread(plane.scheduler.detach, first.slot)
    for number in range(messages):
        talk = f"talk-{number % CONVERSATIONS}"
        plane.router.submit(Envelope(Performative.INFORM, f"load@{NODE}", first.address, CONTENT, talk))
    books, handled = Books(plane), [agent.handled for agent in chain]
    over = all_handled([last], [last.handled + messages])
    seconds, cpu_s = await measure(plane, lambda: plane.scheduler.attach(first.slot), over)
    received = sum(agent.handled - before for agent, before in zip(chain[1:], handled[1:], strict=True))
    assert received == messages * (CHAIN - 1)
    return books.close(seconds, cpu_s, received, messages)
