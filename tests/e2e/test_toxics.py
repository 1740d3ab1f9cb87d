"""Two real nodes behind bad paths: a few toxics; `make chaos` has them all (tests/chaos/toxics.py)."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.chaos.toxics import UDP_TOXICS, open_pair
from tests.support.proxied import STAND_IN, TOXIPROXY
from tests.support.rough_line import Conditions
from tests.support.toxics import Toxic
from tests.support.toxiproxy import can_be_had

pytestmark = [pytest.mark.story("019"), pytest.mark.timeout(300)]


def test_nodes_on_tcp_lose_and_double_nothing_while_links_are_sliced_and_reset():
    with ExitStack() as stack:
        pair = open_pair(stack, "tcp", TOXIPROXY if can_be_had() else STAND_IN)
        proxies = [node.tcp for node in pair.nodes]
        for toxic in (
            Toxic("slicer", {"average_size": 48, "size_variation": 16, "delay": 500}),
            Toxic("reset_peer", {"timeout": 0}),
        ):
            pair.talk(
                lambda toxic=toxic: [proxy.add(toxic) for proxy in proxies],
                lambda: [proxy.clear() for proxy in proxies],
            )
            pair.check_whole()


def test_nodes_on_quic_lose_and_double_nothing_while_datagrams_are_lost_and_a_nat_changes_its_mind():
    with ExitStack() as stack:
        pair = open_pair(stack, "quic")
        proxies = [node.udp for node in pair.nodes]
        pair.talk(
            lambda: [proxy.change(UDP_TOXICS["loss"]) for proxy in proxies],
            lambda: [proxy.change(Conditions()) for proxy in proxies],
        )
        pair.check_whole()

        def rebind():
            for proxy in proxies:
                proxy.rebind()

        pair.talk(rebind, rebind)
        pair.check_whole()
