"""When a node that starts knows enough to decide: else it takes what others run for its own."""

from __future__ import annotations

from caxton_node.core.clock import Clock
from caxton_node.deployment.ports import ClusterPort
from caxton_node.registry import Registry

MEET_S = 1.0
"""After this a node that starts among others has met them all."""


class Readiness:
    """Waits until the registry was compared with somebody's, or nobody else is to be expected.

    Args:
        cluster: Who is there.
        registry: Tells of comparisons.
        clock: Time.
        alone_s: How long others are waited for.
    """

    def __init__(self, cluster: ClusterPort, registry: Registry, clock: Clock, *, alone_s: float) -> None:
        self._cluster = cluster
        self._registry = registry
        self._clock = clock
        self._alone_s = alone_s
        self._opened_at = clock.now()
        self._is_there = False

    def begin(self) -> None:
        """Note that the node gossips from now on."""
        self._opened_at = self._clock.now()

    @property
    def is_there(self) -> bool:
        """Return whether the node knows enough; once it does, it stays so."""
        if not self._is_there:
            self._is_there = self._knows_enough()
        return self._is_there

    def _knows_enough(self) -> bool:
        is_alone = set(self._cluster.sides.standpoint.agreed) == {self._cluster.node_id}
        tally, since_s = self._registry.tally, self._clock.now() - self._opened_at
        has_compared = since_s >= MEET_S and tally.equal + tally.differed > 0
        return is_alone or has_compared or since_s >= self._alone_s
