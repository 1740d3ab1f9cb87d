"""A cluster that agrees, for scenarios of what breaks it."""

from __future__ import annotations

from collections.abc import Iterable

from caxton_node.devkit.simulator.cluster import Cluster, name_of
from swim.member import Address
from swim.settings import Settings

SIZE = 16
NAMES = [name_of(number) for number in range(SIZE)]
SHORT_S = 3.0
"""Shorter than any suspicion lasts."""
LONG_S = 60.0
"""Longer than any suspicion of a cluster of this size lasts."""


def formed(seed: int, size: int = SIZE, settings: Settings | None = None) -> Cluster:
    """Return a cluster that agrees."""
    cluster = Cluster(seed, settings, sealed=False)
    cluster.start_formed(size)
    cluster.network.run_for(2)
    return cluster


def addresses(cluster: Cluster, names: Iterable[str]) -> list[Address]:
    """Return where nodes are, in order."""
    return [cluster.address(name) for name in names]


def all_know_dead(cluster: Cluster, names: Iterable[str]) -> bool:
    """Tell whether no running node takes any of these for live."""
    return not any(node.find(name).is_live for node in cluster.nodes.values() for name in names)
