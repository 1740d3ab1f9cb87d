"""How the live members stand with their certificates and their trust, asked of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from caxton_node.cluster.service import Cluster
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.trust.exchange import PUT, SHOW, Exchange
from caxton_node.trust.wire import Bundle, Shown, decode, encode

TIMEOUT_S = 10.0
AT_ONCE = 64
ROUNDS_MAX = 5
"""Times that a step looks for members that have come meanwhile."""


@dataclass(frozen=True, slots=True)
class NodeTrust:
    """How one member stands.

    Attributes:
        node: Its id.
        shown: What it says; empty when it could not be asked.
        error: Why not, or why it did not do what it was asked.
        skew_s: How far its wall clock is ahead of ours, seconds; within half a round trip.
    """

    node: str
    shown: Shown
    error: str = ""
    skew_s: float = 0.0


class Survey:
    """Asks all live members, this node included.

    Args:
        cluster: Members, and requests to them.
        exchange: Answers for this node.
        clock: Measures what clocks differ by.

    Attributes:
        exchange: As it was given.
    """

    def __init__(self, cluster: Cluster, exchange: Exchange, clock: Clock) -> None:
        self._cluster = cluster
        self.exchange = exchange
        self._clock = clock

    async def show(self, nodes: Iterable[str] | None = None) -> tuple[NodeTrust, ...]:
        """Ask members how they stand; all live ones unless some are named."""
        asked = self._cluster.alive_nodes() if nodes is None else list(nodes)
        return await self.ask_all(asked, lambda node: self.ask(node, SHOW, b""))

    async def put(self, bundle: Bundle) -> tuple[NodeTrust, ...]:
        """Give every live member something to take over, those that come meanwhile too."""
        return await self.ask_everybody(lambda node: self._put(node, bundle))

    async def ask_everybody(self, ask: Callable[[str], Awaitable[Shown]]) -> tuple[NodeTrust, ...]:
        """Ask every live member, and then those that have come meanwhile."""
        done: dict[str, NodeTrust] = {}
        for _ in range(ROUNDS_MAX):
            todo = [node for node in self._cluster.alive_nodes() if node not in done]
            if not todo:
                break
            done |= {found.node: found for found in await self.ask_all(todo, ask)}
        return tuple(done[node] for node in sorted(done))

    async def ask(self, node: str, method: str, payload: bytes) -> Shown:
        """Ask one other member, or show this node.

        Raises:
            CaxtonError: It did not answer, or refused.
        """
        if node == self._cluster.node_id:
            return self.exchange.shown
        return decode(await self._cluster.request(node, method, payload, TIMEOUT_S), Shown)

    async def ask_all(
        self, nodes: Sequence[str], ask: Callable[[str], Awaitable[Shown]]
    ) -> tuple[NodeTrust, ...]:
        """Ask some members at once."""
        door = asyncio.Semaphore(AT_ONCE)

        async def ask_one(node: str) -> NodeTrust:
            async with door:
                before_us = self._clock.unix_us()
                try:
                    shown = await ask(node)
                except CaxtonError as err:
                    return NodeTrust(node, Shown(), str(err))
                middle_us = (before_us + self._clock.unix_us()) // 2
                return NodeTrust(node, shown, skew_s=(shown.clock_us - middle_us) / 1e6)

        return tuple(await asyncio.gather(*map(ask_one, nodes)))

    async def _put(self, node: str, bundle: Bundle) -> Shown:
        if node == self._cluster.node_id:
            await self.exchange.take(bundle, by=node)
            return self.exchange.shown
        return await self.ask(node, PUT, encode(bundle))
