"""Real nodes whose lines lose packets and take their time: nobody is given up, and every message arrives."""

from __future__ import annotations

import time

import pytest

from tests.bench.mesh.loss_ends import Run, run
from tests.bench.report import percentile
from tests.chaos.diary import DIED
from tests.chaos.talk import talk
from tests.support.certificates import Pki
from tests.support.rough_line import PERFECT, Conditions
from tests.support.tun_net import TunNet
from transport import TransportChoice

pytestmark = pytest.mark.story("019")

LOSSES, DELAYS_MS = (1, 3, 5), (10, 50)
HOLD_S = 20.0
RUN = {"rate": 1000, "seconds": 3.0}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("delay_ms", DELAYS_MS)
def test_agents_talk_over_lines_that_lose_packets(three, figures, loss, delay_ms):
    began_s = time.time()
    with talk(three, figures, "n1", "n2"):
        three.network.change(Conditions(loss=loss / 100, delay_s=delay_ms / 1000))
        three.hold(time.time() + HOLD_S)
    three.network.change(PERFECT)
    figures.note("deaths", len(three.diary.find(DIED, since_s=began_s)), "events", limit=0)


@pytest.mark.parametrize("kind", [TransportChoice.QUIC, TransportChoice.TCP])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("delay_ms", DELAYS_MS)
def test_a_mesh_of_two_delivers_a_thousand_a_second_over_a_line_that_loses_packets(
    figures, kind, loss, delay_ms
):
    with TunNet(seed=loss * delay_ms) as net:
        hosts = net.attach("sender"), net.attach("receiver")
        net.change(Conditions(loss=loss / 100, delay_s=delay_ms / 1000))
        late_ms = sorted(1000 * late_s for late_s in run(Run(kind, **RUN), hosts, Pki()).late_s)
    for share, word in ((0.5, "p50"), (0.99, "p99")):
        figures.note(f"{kind}, {loss}% lost, {delay_ms} ms: {word}", percentile(late_ms, share), "ms")
