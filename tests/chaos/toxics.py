"""Two real nodes that reach one another through bad paths: all that guests say arrives, once and in order."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from caxton_node.devkit.demo.nodes import wait_for
from tests.support.nodes import caxton, found, join
from tests.support.proxied import STAND_IN, TOXIPROXY, open_proxied
from tests.support.pulses import Listener, Pulse, deploy_relay
from tests.support.rough_line import UDP, Conditions, Kind
from tests.support.toxics import Toxic
from tests.support.toxiproxy import can_be_had

pytestmark = pytest.mark.story("019")

MESSAGES = 100
ARRIVE_S = 60.0

TCP_TOXICS = (
    Toxic("latency", {"latency": 60, "jitter": 30}),
    Toxic("bandwidth", {"rate": 24}),
    Toxic("slicer", {"average_size": 48, "size_variation": 16, "delay": 500}),
    Toxic("reset_peer", {"timeout": 0}),
    Toxic("timeout", {"timeout": 0}),
    Toxic("timeout", {"timeout": 300}),
)
UDP_TOXICS = {
    "latency": Conditions(delay_s=0.06, jitter_s=0.03),
    "bandwidth": Conditions(rate_bytes_s=40_000, queue_s=0.3),
    "loss": Conditions(loss=0.05),
    "duplicates": Conditions(duplicate=0.2),
    "disorder": Conditions(reorder=0.2),
    "silence of QUIC": Conditions(blocks=frozenset({Kind.QUIC})),
    "silence": Conditions(blocks=UDP),
}


class Pair:
    """Two nodes, and an agent on each that sends to one on the other, whose mail is written down."""

    def __init__(self, nodes, stack):
        self.nodes = nodes
        self._topics = 0
        first, second = nodes
        found(first)
        join(second, first)
        for node in nodes:
            wait_for("two members", lambda node=node: len(members(node)) == 2, within_s=30)
            deploy_relay(node, f"sink-{node.node_id}")
        deploy_relay(first, "relay-n1", next_agent="sink-n2")
        deploy_relay(second, "relay-n2", next_agent="sink-n1")
        for node in nodes:
            wait_for("four agents", lambda node=node: agents(node) == 4, within_s=20)
        self.listeners = [
            stack.enter_context(Listener(node, f"sink-{node.node_id}")) for node in (second, first)
        ]

    def talk(self, spoil, mend):
        """Let both talk while their paths are good, bad, and good again; check what the others handled."""
        self._topics += 1
        topic = f"talk{self._topics}"
        with ExitStack() as stack:
            pulses = [stack.enter_context(Pulse(node, f"relay-{node.node_id}", topic)) for node in self.nodes]
            for change in (lambda: None, spoil, mend):
                change()
                for pulse in pulses:
                    pulse.wait_sent(MESSAGES)
        for listener, pulse in zip(self.listeners, pulses, strict=True):
            wait_for(
                f"{pulse.sent} messages at {listener.agent} (there are {listener.count(topic)})",
                lambda listener=listener, pulse=pulse: listener.count(topic) >= pulse.sent,
                within_s=ARRIVE_S,
            )
        for listener, pulse in zip(self.listeners, pulses, strict=True):
            listener.check(topic, pulse.sent)

    def check_whole(self):
        """Check that nobody was given up and no message either."""
        for node in self.nodes:
            assert set(members(node).values()) == {"alive"}
            assert dead_letters(node) == []


def members(node):
    rows = json.loads(caxton(node, "cluster", "members", "-o", "json").stdout or "[]")
    return {row["node_id"]: row["state"] for row in rows}


def agents(node):
    return len(json.loads(caxton(node, "agent", "list", "-o", "json").stdout or "[]"))


def dead_letters(node):
    with node.client() as client:
        return list(client.messages.dead_letters().dead_letters)


def open_pair(stack, transport, tcp=STAND_IN):
    root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caxton-toxics-")))
    nodes = stack.enter_context(open_proxied(root, ("n1", "n2"), transport=transport, tcp=tcp))
    return Pair(nodes, stack)


@pytest.fixture(scope="module")
def tcp_pair():
    """Two nodes on TCP behind toxiproxy, or behind our stand-in where there is no Go toolchain."""
    with ExitStack() as stack:
        yield open_pair(stack, "tcp", TOXIPROXY if can_be_had() else STAND_IN)


@pytest.fixture(scope="module")
def quic_pair():
    with ExitStack() as stack:
        yield open_pair(stack, "quic")


@pytest.mark.parametrize("toxic", TCP_TOXICS, ids=lambda toxic: f"{toxic.type} {dict(toxic.attributes)}")
def test_a_cluster_on_tcp_works_while_its_links_are_bad_and_after(tcp_pair, toxic):
    proxies = [node.tcp for node in tcp_pair.nodes]
    tcp_pair.talk(
        lambda: [proxy.add(toxic) for proxy in proxies], lambda: [proxy.clear() for proxy in proxies]
    )
    tcp_pair.check_whole()


@pytest.mark.parametrize("name", UDP_TOXICS)
def test_a_cluster_on_quic_works_while_its_links_are_bad_and_after(quic_pair, name):
    proxies = [node.udp for node in quic_pair.nodes]
    quic_pair.talk(
        lambda: [proxy.change(UDP_TOXICS[name]) for proxy in proxies],
        lambda: [proxy.change(Conditions()) for proxy in proxies],
    )
    quic_pair.check_whole()


@pytest.mark.parametrize("act", ["rebind", "reset"])
def test_a_cluster_on_quic_survives_a_nat_that_changes_its_mind(quic_pair, act):
    def spoil():
        for node in quic_pair.nodes:
            getattr(node.udp, act)()

    quic_pair.talk(spoil, spoil)
    quic_pair.check_whole()
