"""Clusters on loopback without the rest of a node: membership and mesh, opened and closed for a test."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace

from caxton_node.cluster.agreement import Book, Line
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
        self.buses: dict[str, EventBus] = {}

    def make(self, node_id: str) -> Cluster:
        settings = Settings(redial_min_s=0.01, redial_max_s=0.02)
        cluster = Cluster(
            credentials=self.pki.credentials(node_id),
            settings=settings,
            epoch=1,
            clock=SystemClock(),
            bus=self.buses.setdefault(node_id, EventBus()),
        )
        self.clusters.append(cluster)
        return cluster

    async def open(
        self, node_id: str, agreed: Collection[str] = (), *, fresh: bool = False, link_probe: bool = True
    ) -> tuple[Cluster, int]:
        """Open a node that remembers itself and others as those who count, or, `fresh`, nobody."""
        settings = replace(SwimSettings.local(), link_probe=link_probe)
        cluster = self.make(node_id)
        port = await cluster.open(HOST, 0)
        identity = Identity(node_id, (HOST, port), 1, b"")
        core = Membership(identity, settings, Keyring("test", [bytes(32)]), random.Random(node_id))
        known = () if fresh else (node_id, *agreed)
        book = Book({node: Line(1, counts=True, settled=True) for node in known})
        cluster.take(core, book, probe_interval_s=settings.probe_interval_s)
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
