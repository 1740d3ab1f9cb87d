"""Round trips to one member because a person asked: over gossip datagrams, or over its mesh link."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError, DeadlineExceeded

PING = "cluster.ping"
GOSSIP = "gossip"
LINK_PROBE_S = 2.0


@dataclass(frozen=True, slots=True)
class Pong:
    """One answer.

    Attributes:
        rtt_s: Round trip in seconds.
        way: `gossip`, or the kind of the link: `quic`, `tcp`.
    """

    rtt_s: float
    way: str


class Road(Protocol):
    """The ways to another node."""

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer a kind of request."""
        ...

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask a node over its link."""
        ...

    def link_kind(self, node: str) -> str:
        """Return the kind of the link that is up, empty if none is."""
        ...


class Pinger:
    """Asks and waits.

    Args:
        road: For pings over a link; also answers those of others.
        ping: Sends one gossip ping to a node.
        clock: Time.
    """

    def __init__(self, road: Road, ping: Callable[[str], None], clock: Clock) -> None:
        self._road = road
        self._ping = ping
        self._clock = clock
        self._waiting: defaultdict[str, list[asyncio.Future[float]]] = defaultdict(list)
        road.serve(PING, _answer)

    async def over_gossip(self, node: str, timeout_s: float) -> Pong:
        """Ping by a datagram, as the failure detector does.

        Raises:
            DeadlineExceeded: No answer in time: it, or the datagram, or its answer was lost.
        """
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[node].append(future)
        self._ping(node)
        try:
            async with asyncio.timeout(timeout_s):
                return Pong(await future, GOSSIP)
        except TimeoutError:
            raise DeadlineExceeded(
                f"node {node} did not answer a gossip ping within {timeout_s:g} s",
                hint="--link asks over the mesh link instead: if that answers, UDP is blocked or lossy",
            ) from None
        finally:
            self._forget(node, future)

    async def over_link(self, node: str, timeout_s: float) -> Pong:
        """Ping by a request; the first one may have to dial.

        Raises:
            DeadlineExceeded: No answer in time.
            Unavailable: There is no link and none came up.
        """
        asked_at = self._clock.now()
        await self._road.request(node, PING, b"", timeout_s)
        return Pong(self._clock.now() - asked_at, self._road.link_kind(node))

    def handle_answer(self, node: str, rtt_s: float) -> None:
        """Take in that a gossip ping was answered."""
        for future in self._waiting.get(node, ()):
            if not future.done():
                future.set_result(rtt_s)
                return

    def _forget(self, node: str, future: asyncio.Future[float]) -> None:
        self._waiting[node].remove(future)
        if not self._waiting[node]:
            del self._waiting[node]


class LinkProber:
    """Asks silent members over links for the failure detector.

    Args:
        road: The links.
    """

    def __init__(self, road: Road) -> None:
        self._road = road
        self._asking: set[asyncio.Task[None]] = set()

    def ask(self, node: str, number: int, answered: Callable[[str, int], None]) -> None:
        """Ask a member over its link, if one is up: a dial would take longer than the probe."""
        if self._road.link_kind(node):
            task = asyncio.create_task(self._ask(node, number, answered), name=f"link-probe-{node}")
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    def close(self) -> None:
        """Wait for no answer any more."""
        for task in self._asking:
            task.cancel()

    async def _ask(self, node: str, number: int, answered: Callable[[str, int], None]) -> None:
        with suppress(CaxtonError):
            await self._road.request(node, PING, b"", LINK_PROBE_S)
            answered(node, number)


async def _answer(_peer: str, _payload: bytes) -> bytes:
    return b""
