"""What the metrics show of the agents of a node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from caxton_node.agents.charge import Roster
from caxton_node.agents.lifecycle import State
from caxton_node.observability import Reading
from caxton_node.observability.board import reading


def read_numbers(roster: Roster) -> Iterator[Reading]:
    """Yield the numbers of all agents; called on the thread of a scrape, so it only reads."""
    instances = [charge.instance for charge in roster]
    states = Counter(instance.state for instance in instances)
    for state in State:
        yield reading("caxton_agents", states[state], state=state.value)
    yield reading("caxton_agent_fuel_total", sum(instance.fuel_units for instance in instances))
    yield reading("caxton_agent_memory_bytes", sum(instance.memory_bytes for instance in instances))
    yield reading("caxton_mailbox_depth", sum(instance.waiting for instance in instances))
