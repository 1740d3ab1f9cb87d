"""The cluster opens the mesh and starts; what goes wrong is told in the operator's words."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest

from caxton_node.cluster.service import Cluster
from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import InvalidConfig, PortInUse
from caxton_node.core.events import EventBus
from swim import Identity, Keyring, Membership
from swim import Settings as SwimSettings
from tests.support.certificates import Pki
from tests.support.meshes import until
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

    async def open(self, node_id: str) -> tuple[Cluster, int]:
        cluster = self.make(node_id)
        port = await cluster.open(HOST, 0)
        identity = Identity(node_id, (HOST, port), 1, b"")
        core = Membership(
            identity, SwimSettings.local(), Keyring("test", [bytes(32)]), random.Random(node_id)
        )
        cluster.take(core)
        return cluster, port


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    world = Opened()
    yield world
    for cluster in world.clusters:
        await cluster.close()


@pytest.mark.story("018")
@pytest.mark.parametrize("host", ["localhost", "192.0.2.7"])
async def test_a_host_that_cannot_be_listened_on_is_the_fault_of_the_configuration(
    opened: Opened, host: str
) -> None:
    with pytest.raises(InvalidConfig, match=host):
        await opened.make("node-a").open(host, 0)


@pytest.mark.story("018")
async def test_a_port_that_is_taken_is_named(opened: Opened) -> None:
    _, port = await opened.open("node-a")
    with pytest.raises(PortInUse, match=str(port)):
        await opened.make("node-b").open(HOST, port)


@pytest.mark.story("019")
async def test_mail_that_comes_before_the_node_has_started_is_not_lost(opened: Opened) -> None:
    early, port = await opened.open("node-b")
    sender, _ = await opened.open("node-a")
    sender.start([(HOST, port)])
    sender._mesh.learn_peer("node-b", (HOST, port))  # remembered from an earlier life of node-b
    sender.send("node-b", 1, [b"one", b"two"])
    await until(lambda: sender.peers()[0].last_failure)
    got: list[bytes] = []
    early.on_batch(lambda _peer, envelopes: got.extend(envelopes))
    early.start()
    await until(lambda: got == [b"one", b"two"])
