"""`auto` between two hosts whose path loses packets, on a network made for the test (Linux, root)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.certificates import Pki
from tests.support.hosted_meshes import HostedMesh
from tests.support.meshes import until
from tests.support.rough_line import Conditions
from tests.support.tun_net import TunNet, find_obstacle
from transport import EndReason, Settings
from transport.choice import KIB, Limits

OBSTACLE = find_obstacle()
pytestmark = [pytest.mark.story("019"), pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE)]

EAGER = Limits(
    waiting_bytes=64 * KIB,
    flowing_bytes_per_s=128 * KIB,
    busy_bytes_per_s=256 * KIB,
    busy_periods=3,
    hold_s=0.5,
    bar_s=600.0,
)
LANES = 4
CLEAN = Conditions(delay_s=0.002)
LOSSY = Conditions(delay_s=0.002, loss=0.03)


@pytest.fixture
def network() -> Iterator[TunNet]:
    with TunNet(seed=7) as made:
        yield made


@pytest.fixture
def pair(network: TunNet) -> Iterator[tuple[HostedMesh, HostedMesh]]:
    pki, settings = Pki(), Settings(limits=EAGER, ping_interval_s=0.4)
    with ExitStack() as stack:
        ends = [
            stack.enter_context(HostedMesh(network.attach(name), pki.credentials(name), settings))
            for name in ("node-a", "node-b")
        ]
        yield ends[0], ends[1]


async def greet(source: HostedMesh, target: HostedMesh) -> None:
    """Make a link."""
    source.node.knows(target.node)
    await source.node.mesh.request(target.node.node_id, "echo", b"", 5)


async def flood(
    source: HostedMesh, target: HostedMesh, kind: str, numbers: Iterator[int], *, pause_s: float = 0.0
) -> int:
    """Send numbered mail until the link is of a kind; return how much was sent so far."""
    mesh, number = source.node.mesh, 0
    async with asyncio.timeout(100):
        while mesh.peers()[0].kind != kind:
            if mesh.peers()[0].backlog_bytes < 256 * KIB:
                number = next(numbers)
                mesh.send(target.node.node_id, number % LANES, [b"%d" % number + bytes(1000)])
            await asyncio.sleep(pause_s if mesh.peers()[0].backlog_bytes < 256 * KIB else 0.002)
    return number


@pytest.mark.timeout(300)
def test_a_link_moves_to_tcp_on_a_clean_path_and_back_when_it_begins_to_lose(
    network: TunNet, pair: tuple[HostedMesh, HostedMesh]
) -> None:
    a, b = pair
    network.change(CLEAN)
    a.do(greet(a, b))
    assert a.node.mesh.peers()[0].kind == "quic"
    numbers = iter(range(10**9))
    a.do(flood(a, b, "tcp", numbers), 120)
    assert a.node.mesh.peers()[0].why.startswith("much to carry")
    network.change(LOSSY)
    last = a.do(flood(a, b, "quic", numbers, pause_s=0.01), 120)
    assert a.node.mesh.peers()[0].why.startswith("TCP lost ")
    b.do(until(lambda: b.node.keeper.count >= last + 1, 30), 40)
    for lane in range(LANES):
        came = [int(envelope[:-1000]) for envelope in b.node.keeper.lanes["node-a", lane]]
        assert came == list(range(lane, last + 1, LANES))
    assert a.node.mesh.stats.links_moved == {"tcp": 1, "quic": 1}
    assert set(a.node.mesh.stats.links_down) == {EndReason.REPLACED}
