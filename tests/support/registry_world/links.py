"""Links between nodes: how long requests and datagrams take, what is lost, what it all weighs.

Requests run over links that repeat what is lost, so loss costs them time and does not make them fail. The
first request between two nodes makes the link, which costs two more round trips and the certificates. What a
node sends waits for its turn on its line out, so whoever must answer many at once answers later.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

Range = tuple[float, float]

HANDSHAKE_BYTES = 5_000
HANDSHAKE_ROUND_TRIPS = 2
FRAME_BYTES = 60
"""Per request and per answer: frame, encryption, UDP and IP."""
DATAGRAM_BYTES = 28
MTU_BYTES = 1_200
REPEAT_AFTER_S = 0.2
SITES = 3


@dataclass(frozen=True, slots=True)
class Terrain:
    """What the network is like.

    Attributes:
        near_s: Delay of one way, within a site.
        far_s: The same between two sites; None if there is one site.
        loss: Share of all packets that are lost.
        bytes_per_s: Of each node's line out.
    """

    near_s: Range = (0.001, 0.02)
    far_s: Range | None = None
    loss: float = 0.0
    bytes_per_s: float = 12.5e6


LAN = Terrain()
WAN = Terrain(far_s=(0.05, 0.1))


@dataclass
class Links:
    """All links of a world.

    Attributes:
        request_bytes: Sent for requests and answers, by node.
        gossip_bytes: Sent in datagrams, by node.
        requests: By method.
    """

    rng: random.Random
    terrain: Terrain
    request_bytes: Counter[str] = field(default_factory=Counter)
    gossip_bytes: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    _made: set[tuple[str, str]] = field(default_factory=set)
    _line_free_at: dict[str, float] = field(default_factory=dict)
    _sites: dict[str, int] = field(default_factory=dict)

    @property
    def bytes_sent(self) -> int:
        """Return what all nodes together have sent."""
        return self.request_bytes.total() + self.gossip_bytes.total()

    def delay_s(self, one: str, other: str) -> float:
        """Draw how long something is on its way."""
        near = self.terrain.far_s is None or self._site(one) == self._site(other)
        return self.rng.uniform(*(self.terrain.near_s if near else self.terrain.far_s or ()))

    def is_lost(self) -> bool:
        """Draw whether a packet is lost."""
        return self.rng.random() < self.terrain.loss

    def connect_s(self, one: str, other: str) -> float:
        """Make the link if there is none; return how long that takes."""
        pair = (one, other) if one < other else (other, one)
        if pair in self._made:
            return 0.0
        self._made.add(pair)
        self.request_bytes.update({one: HANDSHAKE_BYTES, other: HANDSHAKE_BYTES})
        return 2 * HANDSHAKE_ROUND_TRIPS * self.delay_s(one, other)

    def cut(self, node: str) -> None:
        """Forget the links of a node that is gone."""
        self._made = {pair for pair in self._made if node not in pair}

    def carry_s(self, source: str, target: str, size: int, now: float) -> float:
        """Count a request or an answer; return how long it takes from now."""
        packets = 1 + size // MTU_BYTES
        weight = size + FRAME_BYTES * packets
        self.request_bytes[source] += weight
        begun_at = max(now, self._line_free_at.get(source, 0.0))
        self._line_free_at[source] = begun_at + weight / self.terrain.bytes_per_s
        return self._line_free_at[source] - now + self.delay_s(source, target) + self._repeated_s(packets)

    def _repeated_s(self, packets: int) -> float:
        """Draw the time that losses cost; what is repeated goes out together, after a pause each time."""
        spent_s, left = 0.0, packets
        while self.terrain.loss and left and (left := sum(self.is_lost() for _ in range(left))):
            spent_s += REPEAT_AFTER_S
        return spent_s

    def _site(self, node: str) -> int:
        return self._sites.setdefault(node, len(self._sites) % SITES)
