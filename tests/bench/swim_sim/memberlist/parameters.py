"""memberlist's numbers and the three formulae that scale them with the size of the cluster.

Source: hashicorp/memberlist, config.go and util.go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PUSH_PULL_THRESHOLD = 32
"""Members up to which full exchanges are not slowed down."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """One of memberlist's configurations; the defaults are `DefaultLANConfig`."""

    probe_interval_s: float = 1.0
    probe_timeout_s: float = 0.5
    indirect_checks: int = 3
    suspicion_multiplier: int = 4
    suspicion_stretch: int = 6
    retransmit_multiplier: int = 4
    gossip_interval_s: float = 0.2
    gossip_nodes: int = 3
    gossip_to_the_dead_s: float = 30.0
    push_pull_interval_s: float = 30.0
    tcp_timeout_s: float = 10.0
    health_scores: int = 8
    packet_bytes_max: int = 1400

    @classmethod
    def lan(cls) -> Parameters:
        """Return `DefaultLANConfig`."""
        return cls()

    @classmethod
    def wan(cls) -> Parameters:
        """Return `DefaultWANConfig`."""
        return cls(
            probe_interval_s=5.0,
            probe_timeout_s=3.0,
            suspicion_multiplier=6,
            gossip_interval_s=0.5,
            gossip_nodes=4,
            gossip_to_the_dead_s=60.0,
            push_pull_interval_s=60.0,
            tcp_timeout_s=30.0,
        )

    @classmethod
    def local(cls) -> Parameters:
        """Return `DefaultLocalConfig`."""
        return cls(
            probe_timeout_s=0.2,
            indirect_checks=1,
            suspicion_multiplier=3,
            retransmit_multiplier=2,
            gossip_interval_s=0.1,
            gossip_to_the_dead_s=15.0,
            push_pull_interval_s=15.0,
            tcp_timeout_s=1.0,
        )

    def suspicion_bounds_s(self, members: int) -> tuple[float, float]:
        """Return the shortest and the longest suspicion."""
        scale = math.floor(1000 * max(1.0, math.log10(max(1, members)))) / 1000
        shortest_s = self.suspicion_multiplier * scale * self.probe_interval_s
        return shortest_s, self.suspicion_stretch * shortest_s

    def retransmit_limit(self, members: int) -> int:
        """Return how often each member tells a message."""
        return self.retransmit_multiplier * math.ceil(math.log10(members + 1))

    def push_pull_every_s(self, members: int) -> float:
        """Return the pause between two full exchanges that one member begins."""
        if members <= PUSH_PULL_THRESHOLD:
            return self.push_pull_interval_s
        scale = math.ceil(math.log2(members) - math.log2(PUSH_PULL_THRESHOLD)) + 1
        return scale * self.push_pull_interval_s
