"""Two processes on two hosts whose path loses packets: every message arrives, once and in order."""

from __future__ import annotations

import pytest

from tests.bench.mesh.loss_ends import Run, run
from tests.support.certificates import Pki
from tests.support.rough_line import Conditions
from tests.support.tun_net import TunNet, find_obstacle
from transport import TransportChoice

OBSTACLE = find_obstacle()
pytestmark = [
    pytest.mark.story("019"),
    pytest.mark.skipif(bool(OBSTACLE), reason=f"no network of its own for this test: {OBSTACLE}"),
]

PATHS = {
    "5% lost, 10 ms": Conditions(loss=0.05, delay_s=0.01),
    "3% lost, 50 ms": Conditions(loss=0.03, delay_s=0.05),
}


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", [TransportChoice.QUIC, TransportChoice.TCP])
def test_nothing_is_lost_doubled_or_reordered_on_a_path_that_loses_packets(kind, path, pki) -> None:
    with TunNet(seed=5) as net:
        hosts = net.attach("sender"), net.attach("receiver")
        net.change(PATHS[path])
        result = run(Run(kind, rate=1000, seconds=1.0), hosts, pki)
        assert result.count == 1000
        assert min(result.late_s) >= PATHS[path].delay_s, "the path was not what it should be"
        assert net.count("sender", "receiver")["lost"] > 0
