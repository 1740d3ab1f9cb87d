"""What becomes of a cluster: nodes join, agents change, nodes die and are replaced, a split heals.

Each scenario begins with nodes that hold the same, ten agents each, and links that were made long ago; each
ends when all replicas are equal, and says how long that took and what it cost beyond a quiet cluster.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from caxton_node.registry.background import Settings
from caxton_node.registry.entry import Entry
from caxton_node.registry.records import InstanceRecord
from caxton_node.registry.vector_clock import VectorClock
from tests.support.registry_world.links import LAN, Terrain
from tests.support.registry_world.world import START_US, World

AGENTS_PER_NODE = 10
CHURN = 0.05
SETTLE_S = 12.0
QUIET_S = 8.0
SPLIT_S = 10.0
SPENT_S = 2.0
WITHIN_S = 30.0
LONG_AGO = (START_US // 1000 - 3_600_000) << 16


@dataclass(frozen=True, slots=True)
class Measured:
    """What a scenario came to.

    Attributes:
        took_s: From the last change, join or first contact until all replicas were equal.
        changes: Entries that were written.
        bytes_per_node: Sent by each node meanwhile, on average, beyond what it sends when all is quiet.
        quiet_bytes_per_s: What a node sends when all is quiet.
    """

    took_s: float
    changes: int
    bytes_per_node: float
    quiet_bytes_per_s: float

    @property
    def bytes_per_change(self) -> float:
        """Return what one change costs one node."""
        return self.bytes_per_node / max(1, self.changes)


Scenario = Callable[[World], int]
"""Does something to a world and returns how many entries it wrote."""


def instance(node: str, number: int, state: str = "running") -> tuple[str, bytes]:
    """Return key and value of the entry of a node's n-th agent."""
    record = InstanceRecord(
        name=f"default/agent-{number}-of-{node}", version="1.4.2", number=1, node=node, state=state,
        module_sha256=f"{number:064x}", capabilities=("summarise",),
    )  # fmt: skip
    return record.key, msgspec.msgpack.encode(record)


def known_agents(nodes: int) -> Iterator[Entry]:
    """Yield what everybody knows from long ago."""
    for node in (f"node-{number}" for number in range(nodes)):
        for number in range(AGENTS_PER_NODE):
            key, value = instance(node, number)
            yield Entry(InstanceRecord.KIND, key, value, VectorClock({node: 1}), LONG_AGO, node)


@contextmanager
def settled(
    seed: int, nodes: int, *, terrain: Terrain = LAN, settings: Settings | None = None
) -> Iterator[World]:
    """Begin with nodes that have known each other for a while."""
    rng = random.Random(seed)
    with World(rng, nodes, terrain=terrain, settings=settings, known=known_agents(nodes)) as world:
        world.run_for(SETTLE_S)
        yield world


def measure(world: World, scenario: Scenario, *, within_s: float = WITHIN_S) -> Measured:
    """See what a settled world sends, let the scenario happen, and wait until all agree again.

    Raises:
        AssertionError: They do not agree in time.
    """
    before = world.links.bytes_sent
    world.run_for(QUIET_S)
    quiet_bytes_per_s = (world.links.bytes_sent - before) / QUIET_S / len(world.nodes)
    before, began_s = world.links.bytes_sent, world.now_s
    changes = scenario(world)
    took_s = world.time_to_agree(within_s)
    world.run_for(SPENT_S)  # broadcasts are told on for a while when everybody knows them
    spent = (world.links.bytes_sent - before) / len(world.nodes)
    quiet = quiet_bytes_per_s * (world.now_s - began_s)
    return Measured(took_s, changes, max(0.0, spent - quiet), quiet_bytes_per_s)


def join_one(world: World) -> int:
    """Let a node join that holds nothing, and start its agents."""
    return _join(world, 1)


def join_ten(world: World) -> int:
    """Let ten nodes join at once."""
    return _join(world, 10)


def change_entries(world: World) -> int:
    """Change the state of 5 % of all agents in one instant, wherever they are."""
    agents = [(node, number) for node in world.nodes for number in range(AGENTS_PER_NODE)]
    chosen = world.rng.sample(agents, int(CHURN * len(agents)))
    for node, number in chosen:
        world.put(node, InstanceRecord.KIND, *instance(node, number, "draining"))
    return len(chosen)


def start_many(world: World) -> int:
    """Start as many agents as 5 % of all in one instant on one node: too many to be broadcast."""
    node = world.rng.choice(list(world.nodes))
    count = int(CHURN * AGENTS_PER_NODE * len(world.nodes))
    for number in range(AGENTS_PER_NODE, AGENTS_PER_NODE + count):
        world.put(node, InstanceRecord.KIND, *instance(node, number))
    return count


def replace_nodes(world: World) -> int:
    """Let 5 % of all nodes die and as many new ones join; the dead are noticed seconds later."""
    count = max(1, int(CHURN * len(world.nodes)))
    world.kill(world.rng.sample(list(world.nodes), count))
    return _join(world, count)


def heal_split(world: World) -> int:
    """Split into halves, write the same and different entries on both, and heal.

    On each side the agents of 2.5 % of all nodes change by their owners, and as many entries of a shared kind
    are written on both sides under the same names.
    """
    world.split()
    owners = max(1, int(CHURN / 2 * len(world.nodes)))
    changes = sum(_write_on_side(world, side, owners) for side in (0, 1))
    world.run_for(SPLIT_S)
    world.heal()
    return changes


def _write_on_side(world: World, side: int, owners: int) -> int:
    nodes = world.side(side)
    for lot, owner in enumerate(world.rng.sample(nodes, owners)):
        writer = world.rng.choice(nodes)
        for number in range(AGENTS_PER_NODE):
            world.put(owner, InstanceRecord.KIND, *instance(owner, number, "draining"))
            world.put(writer, "route", f"default/shared-{lot}-{number}", world.rng.randbytes(60))
        world.run_for(SPLIT_S / owners)
    return 2 * owners * AGENTS_PER_NODE


def _join(world: World, count: int) -> int:
    for node in world.join(count):
        for number in range(AGENTS_PER_NODE):
            world.put(node, InstanceRecord.KIND, *instance(node, number))
    return count * AGENTS_PER_NODE
