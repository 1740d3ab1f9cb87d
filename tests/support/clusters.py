"""Clusters on loopback without the rest of a node: membership and mesh, opened and closed for a test."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from caxton_node.cluster.service import Cluster
from caxton_node.core.clock import SystemClock
from caxton_node.core.events import EventBus
from swim import Identity, Keyring, Membership
from swim import Settings as SwimSettings
from tests.support.certificates import Pki
from transport import Settings

HOST = "127.0.0.1"


class Opened:
    """Clusters of one test, closed at its end."""

    def __init__(self) -> None:
        self.pki = Pki()
        self.clusters: list[Cluster] = []

    def make(self, node_id: str) -> Cluster:
        settings = Settings(redial_min_s=0.01, redial_max_s=0.02)
        cluster = Cluster(
            credentials=self.pki.credentials(node_id),
            settings=settings,
            epoch=1,
            clock=SystemClock(),
            bus=EventBus(),
        )
        self.clusters.append(cluster)
        return cluster

    async def open(self, node_id: str, agreed: Collection[str] = ()) -> tuple[Cluster, int]:
        cluster = self.make(node_id)
        port = await cluster.open(HOST, 0)
        identity = Identity(node_id, (HOST, port), 1, b"")
        core = Membership(
            identity, SwimSettings.local(), Keyring("test", [bytes(32)]), random.Random(node_id)
        )
        cluster.take(core, agreed)
        return cluster, port


@asynccontextmanager
async def open_clusters() -> AsyncIterator[Opened]:
    """Give a place to open clusters in."""
    world = Opened()
    try:
        yield world
    finally:
        for cluster in world.clusters:
            await cluster.close()
