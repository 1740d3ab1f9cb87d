"""Two nodes whose agents talk over the mesh while something is done to the path between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from caxton_node.devkit.demo.nodes import wait_for
from tests.chaos.cluster import ChaosCluster
from tests.chaos.figures import Figures
from tests.support.nodes import caxton
from tests.support.pulses import Listener, Pulse, deploy_relay

ARRIVE_S = 60.0
TOPIC = "talk"
EVERY_S = 0.01


@dataclass(frozen=True, slots=True)
class Way:
    """One direction: who speaks, and what the listener has handled."""

    pulse: Pulse
    listener: Listener

    @property
    def handled(self) -> int:
        """Count messages that arrived."""
        return self.listener.count(TOPIC)

    def wait_handled(self, more: int, within_s: float) -> None:
        """Return when so many more have arrived."""
        goal = self.handled + more
        wait_for(f"{more} more at {self.listener.agent}", lambda: self.handled >= goal, within_s=within_s)

    def check(self) -> None:
        """Wait until all that was sent has arrived, and check that it did so once and in order."""
        wait_for(
            f"{self.pulse.sent} messages at {self.listener.agent}",
            lambda: self.handled >= self.pulse.sent,
            within_s=ARRIVE_S,
        )
        self.listener.check(TOPIC, self.pulse.sent)


@contextmanager
def talk(cluster: ChaosCluster, figures: Figures, first: str, second: str) -> Iterator[tuple[Way, Way]]:
    """Let an agent of each node send a hundred messages a second to one on the other, from guest to guest.

    What is yielded is the way from the first to the second, and the way back. At the end all that was sent
    must have arrived.
    """
    _deploy(cluster, first, second)
    with ExitStack() as stack:
        listeners = [
            stack.enter_context(Listener(cluster.nodes[name], f"sink-{name}")) for name in (second, first)
        ]
        with ExitStack() as sending:
            pulses = [
                sending.enter_context(Pulse(cluster.nodes[name], f"relay-{name}", TOPIC, every_s=EVERY_S))
                for name in (first, second)
            ]
            ways = tuple(Way(*both) for both in zip(pulses, listeners, strict=True))
            for way in ways:
                way.wait_handled(1, ARRIVE_S)
            yield ways
        for way in ways:
            way.check()
        figures.note("messages handled, each once and in order", sum(way.handled for way in ways), "messages")


def resume_s(way: Way, began_s: float, within_s: float) -> float:
    """Return after how long messages came again that had been sent since then.

    Args:
        way: On which.
        began_s: When the disturbance began, as `time.monotonic` has it; it is called right after.
        within_s: How long to wait.
    """
    goal = way.pulse.sent + 1
    wait_for(f"news at {way.listener.agent}", lambda: way.handled >= goal, within_s=within_s)
    return time.monotonic() - began_s


def _deploy(cluster: ChaosCluster, first: str, second: str) -> None:
    for name in (first, second):
        deploy_relay(cluster.nodes[name], f"sink-{name}")
    for name, other in ((first, second), (second, first)):
        deploy_relay(cluster.nodes[name], f"relay-{name}", next_agent=f"sink-{other}")
    for name in (first, second):
        wait_for("four agents", lambda name=name: _lists_all(cluster, name), within_s=20)


def _lists_all(cluster: ChaosCluster, name: str) -> bool:
    listed = caxton(cluster.nodes[name], "agent", "list").stdout
    return all(f"{agent}-{node}" in listed for agent in ("sink", "relay") for node in ("n1", "n2"))
