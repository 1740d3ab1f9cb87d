"""Sources on one node and as many sinks on the other: started, told to send, asked what they counted."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.client import Client
from caxton_node.devkit.demo.nodes import wait_for
from tests.bench.mesh.daemons import Pair, read_counts
from tests.bench.mesh.guests import Lateness, content, guest, read_lateness, read_sent

BAD = ("refused", "dead_lettered", "malformed")
SETTLED_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Crew:
    """The agents `NAME-source-N` on node `a` and `NAME-sink-N` on node `b`."""

    pair: Pair
    name: str
    count: int

    def source(self, number: int) -> str:
        """Return the name of a source."""
        return f"{self.name}-source-{number}"

    def sink(self, number: int) -> str:
        """Return the name of a sink."""
        return f"{self.name}-sink-{number}"

    def start(self, *, opened: int, step: int, size_bytes: int) -> None:
        """Let every source send; see `guests.content`."""
        told = content(opened=opened, step=step, size_bytes=size_bytes)
        for number in range(self.count):
            self.pair.to_a.messages.send(self.source(number), told, wait=False)

    def stop(self) -> int:
        """Let the sources send no more; return how many messages they have ever sent."""
        return sum(read_sent(_ask(self.pair.to_a, self.source(number))) for number in range(self.count))

    def ask_sinks(self) -> Lateness:
        """Return what the sinks have counted."""
        first, *others = (read_lateness(_ask(self.pair.to_b, self.sink(n))) for n in range(self.count))
        return sum(others, first)

    def settle(self) -> None:
        """Stop, wait for what is on its way, and see that all that was sent was handled, once."""
        sent = self.stop()
        wait_for("the sinks", lambda: self.ask_sinks().handled >= sent, within_s=SETTLED_WITHIN_S)
        handled = self.ask_sinks().handled
        assert handled == sent, f"{sent} sent, {handled} handled"
        for client in (self.pair.to_a, self.pair.to_b):
            counts = read_counts(client)
            assert not any(counts[outcome] for outcome in BAD), counts


def muster(pair: Pair, name: str, count: int, *, batching: str = "adaptive", **limits: int) -> Crew:
    """Start so many sources and sinks.

    Args:
        pair: Where.
        name: Of the crew.
        count: Sources, and as many sinks.
        batching: Of the sources.
        limits: Of the sinks.
    """
    crew = Crew(pair, name, count)
    for number in range(count):
        pair.to_b.agents.deploy(crew.sink(number), guest("sink"), limits=limits)
        config = {"peer": f"{crew.sink(number)}@{pair.b.node_id}"}
        pair.to_a.agents.deploy(crew.source(number), guest("source"), config=config, batching=batching)
    return crew


def _ask(client: Client, agent: str) -> bytes:
    """Return what a source or a sink reports."""
    return client.messages.send(agent, b"0", performative="query-ref").reply.content
