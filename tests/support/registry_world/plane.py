"""Broadcasts: every node's queue of them and its rounds, with membership's own numbers and sizes.

Queues, the choice for each datagram and how often each is told are the real `Dissemination`; rounds are as in
`swim/gossip.py`: three others by turns every 0.1 s while something waits, up to eight datagrams each. Not
there: probes, which carry broadcasts too, and membership's own news, which comes first.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable
from typing import NamedTuple, Protocol

from caxton_node.core.errors import ResourceLimit
from swim.codec import PACKET_OVERHEAD_BYTES, encode_message
from swim.dissemination import Dissemination
from swim.keyring import OVERHEAD_BYTES
from swim.messages import Topic
from swim.settings import Settings
from tests.support.registry_world.links import DATAGRAM_BYTES, Links

Deliver = Callable[[str, str, bytes], None]
"""Takes node, origin and payload."""


class Others(Protocol):
    """Whom a node may tell."""

    def others(self) -> list[str]:
        """Return them."""


class News(NamedTuple):
    """One broadcast."""

    number: int
    origin: str
    payload: bytes


class Teller:
    """One node's part in it."""

    def __init__(self, others: Others, settings: Settings, rng: random.Random) -> None:
        self.dissemination = Dissemination(settings)
        self.known: set[int] = set()
        self.is_armed = False
        self._others = others
        self._rng = rng
        self._order: list[str] = []

    def targets(self, count: int) -> list[str]:
        """Return whom to tell next, everybody once before anybody again."""
        if len(self._order) < count:
            self._order = self._rng.sample(self._others.others(), len(self._others.others()))
        return [self._order.pop() for _ in range(min(count, len(self._order)))]

    def live(self) -> int:
        """Return how many nodes it sees, itself included."""
        return 1 + len(self._others.others())


class Plane:
    """Broadcasts of a whole world.

    Args:
        reaches: Tells whether a datagram can get from one node to another.
        deliver: Takes what a node hears for the first time.
    """

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        links: Links,
        reaches: Callable[[str, str], bool],
        deliver: Deliver,
        settings: Settings,
    ) -> None:
        self.lost_to_full_queues = 0
        self._loop = loop
        self._links = links
        self._reaches = reaches
        self._deliver = deliver
        self._settings = settings
        self._room = settings.udp_bytes_max - OVERHEAD_BYTES - PACKET_OVERHEAD_BYTES
        self._tellers: dict[str, Teller] = {}
        self._news: dict[bytes, News] = {}

    def add(self, node: str, others: Others, rng: random.Random) -> None:
        """Let a node take part."""
        self._tellers[node] = Teller(others, self._settings, rng)

    def remove(self, node: str) -> None:
        """Let a node take part no longer."""
        del self._tellers[node]

    def broadcast(self, origin: str, topic: str, payload: bytes) -> None:
        """Queue a broadcast.

        Raises:
            ResourceLimit: The queue is full of what nobody was told yet.
        """
        number = len(self._news)
        data = encode_message(Topic(origin.encode().ljust(8)[:8], 1, number, topic, payload))
        self._news[data] = News(number, origin, payload)
        self._tellers[origin].known.add(number)
        if not self._queue(origin, number, data):
            raise ResourceLimit("broadcasts are waiting to be told")

    def _queue(self, node: str, number: int, data: bytes) -> bool:
        teller = self._tellers[node]
        queue = teller.dissemination.topics
        if len(queue) >= self._settings.topics_max:
            victim = queue.most_told()
            if victim is None:
                return False
            queue.discard(victim)
            self.lost_to_full_queues += 1
        queue.put(number, data)
        if not teller.is_armed:
            teller.is_armed = True
            self._loop.call_later(
                self._links.rng.random() * self._settings.gossip_interval_s, self._round, node, teller
            )
        return True

    def _round(self, node: str, teller: Teller) -> None:
        if self._tellers.get(node) is not teller:
            return
        for target in teller.targets(self._settings.gossip_fanout):
            self._tell(node, teller, target)
        teller.is_armed = bool(teller.dissemination)
        if teller.is_armed:
            self._loop.call_later(self._settings.gossip_interval_s, self._round, node, teller)

    def _tell(self, node: str, teller: Teller, target: str) -> None:
        told: set[Hashable] = set()
        arriving: list[bytes] = []
        for _ in range(self._settings.gossip_burst):
            parts = teller.dissemination.fill(self._room, teller.live(), told)
            if not parts:
                break
            size = sum(map(len, parts)) + OVERHEAD_BYTES + PACKET_OVERHEAD_BYTES + DATAGRAM_BYTES
            self._links.gossip_bytes[node] += size
            if self._reaches(node, target) and not self._links.is_lost():
                arriving += parts
        if arriving:
            self._loop.call_later(self._links.delay_s(node, target), self._arrive, target, arriving)

    def _arrive(self, node: str, parts: list[bytes]) -> None:
        teller = self._tellers.get(node)
        if teller is None:
            return
        for data in parts:
            news = self._news[data]
            if news.number not in teller.known:
                teller.known.add(news.number)
                if not self._queue(node, news.number, data):
                    self.lost_to_full_queues += 1
                self._deliver(node, news.origin, news.payload)
